/** Uniform numbers that differ from host to host and from start to start: for jitter, never for secrets. */
import { type Random, seededRandom } from "../base/random.ts";

/** A generator seeded by the machine. */
export function createRandom(): Random {
  return seededRandom(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
}

/** Bytes of the system's generator: for identifiers that must be unlike any other. */
export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
