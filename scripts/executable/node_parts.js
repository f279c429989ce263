/**
 * What the bundled libraries use of Node's own modules, in the executable. Deno loads each of these modules whole when
 * it is named: 40 ms for those of commander (Deno 2.9), which uses little of one of them. Whatever else is touched
 * fails and says so.
 */

/** Listeners by event name; called in the order in which they came. */
export class EventEmitter {
  #listeners = new Map();

  on(name, listener) {
    this.#listeners.set(name, [...this.#listeners.get(name) ?? [], listener]);
    return this;
  }

  /** Answers whether there was a listener. */
  emit(name, ...values) {
    const listeners = this.#listeners.get(name) ?? [];
    for (const listener of listeners) listener.apply(this, values);
    return listeners.length > 0;
  }

  listenerCount(name) {
    return (this.#listeners.get(name) ?? []).length;
  }
}

/** Control sequences that colour a text (ECMA-48, CSI … m); help texts have no others. */
export function stripVTControlCharacters(text) {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

function absent(module) {
  return new Proxy({}, {
    get(_, name) {
      throw new Error(`The executable has no ${module}: ${String(name)} was asked for`);
    },
  });
}

export const childProcess = absent("node:child_process");
export const fs = absent("node:fs");
export const path = absent("node:path");
export const process = absent("node:process");

/** What a library asks for while it runs; each tests what it finds in there. */
export const required = {
  "node:buffer": {},
  "node:process": { env: {} },
};

/** The bundler makes CommonJS libraries ask by this. */
export function createRequire() {
  return (name) => {
    if (!Object.hasOwn(required, name)) throw new Error(`The executable has no ${name}`);
    return required[name];
  };
}
