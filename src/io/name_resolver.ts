/** Host names to addresses by the system's own resolver (/etc/hosts, DNS, whatever nsswitch.conf says). */
import { canonicalAddress, isHostName, isIpAddress } from "../base/address.ts";
import { TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Resolver } from "../model/world.ts";
import { transportError } from "./io_errors.ts";

/** Addresses of a name as the system gives them, any spelling, repetitions included. */
export type Lookup = (name: string) => Promise<string[]>;

export class NameResolver implements Resolver {
  readonly #lookup: Lookup;
  readonly #waiting: (() => void)[] = [];
  /** Whoever asks for a name that is being looked up gets the same answer: one that hangs takes one place, not many. */
  readonly #pending = new Map<string, Promise<string[]>>();
  #running = 0;

  constructor(lookup: Lookup = lookupBySystem) {
    this.#lookup = lookup;
  }

  async resolve(name: string): Promise<string[]> {
    if (isIpAddress(name)) return [canonicalAddress(name)];
    if (!isHostName(name)) {
      throw new TransportError("ENOTFOUND", `Cannot resolve ${JSON.stringify(name)}: it is not a host name`);
    }
    const found = await this.#lookUpOnce(name);
    const addresses = [...new Set(found.filter(isIpAddress).map(canonicalAddress))];
    if (addresses.length === 0) {
      throw new TransportError("ENOTFOUND", `Cannot resolve ${name}: it has no address`);
    }
    return addresses.slice(0, limits.addressesPerNameMax);
  }

  #lookUpOnce(name: string): Promise<string[]> {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    const lookup = this.#inTurn(() => this.#lookup(name)).finally(() => this.#pending.delete(name));
    this.#pending.set(name, lookup);
    return lookup;
  }

  /** A lookup holds a thread, for ten seconds when DNS is dead; the threads also serve the files and the kernel. */
  async #inTurn(lookup: () => Promise<string[]>): Promise<string[]> {
    if (this.#running >= limits.lookupsInFlightMax) {
      // The one that leaves hands its place over: the count stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await lookup();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** getaddrinfo on a thread of the runtime. Deno.resolveDns would ask DNS alone and miss /etc/hosts. */
async function lookupBySystem(name: string): Promise<string[]> {
  // Loaded only when there is a name to resolve: it costs the start some 20 ms.
  const { lookup } = await import("node:dns");
  return await new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, found) => {
      if (error) reject(transportError(`Cannot resolve ${name}`, error));
      else resolve(found.map(({ address }) => address));
    });
  });
}
