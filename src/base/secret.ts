/**
 * A value that must never be printed: DH-CHAP keys and the like. Every way of turning it into text (string, JSON,
 * inspection) gives `[secret]`; only `reveal()` gives the value, and only those who write it to the kernel call it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "[secret]";
  }
}
