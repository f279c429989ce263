/** A broken invariant is a bug: throw, crash, and let systemd restart us. Never for what comes from outside. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AssertionError";
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

export function unreachable(value: never): never {
  throw new AssertionError(`Unexpected value: ${JSON.stringify(value)}`);
}
