/** Assertions that cost nothing while they hold: millions of inputs pass them a second. */

export function check(condition: boolean, message: string | (() => string)): void {
  if (!condition) throw new Error(typeof message === "string" ? message : message());
}

export function checkSame(actual: unknown, expected: unknown, what: string): void {
  if (!isSame(actual, expected)) {
    throw new Error(
      `${what}: got ${Deno.inspect(actual, inspect)}, expected ${Deno.inspect(expected, inspect)}`,
    );
  }
}

const inspect = { depth: 6, strAbbreviateSize: 500, iterableLimit: 60, colors: false };

/** By value: plain objects, lists, bytes and errors (class, code and message). */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array) return isSameBytes(a, b as Uint8Array);
  if (a instanceof Error) return a.message === (b as Error).message && fieldsAreSame(a, b);
  return fieldsAreSame(a, b);
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function fieldsAreSame(a: object, b: object): boolean {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  for (const key of keys) if (!(key in right) || !isSame(left[key], right[key])) return false;
  return true;
}
