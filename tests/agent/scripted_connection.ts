/** A connection whose other end is the test: it sees what is written and says what is read, when it likes. */
import { TransportError } from "../../src/base/errors.ts";
import type { Connection, Dialer, DialTarget } from "../../src/model/world.ts";
import { assert } from "../assert.ts";

export class ScriptedConnection implements Connection {
  readonly localAddress = "10.0.0.9";
  readonly written: Uint8Array[] = [];
  closes = 0;
  /** Writes wait while set. */
  holdWrites = false;
  #heldWrites: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #reader:
    | { buffer: Uint8Array; resolve: (n: number | null) => void; reject: (error: Error) => void }
    | null = null;

  read(buffer: Uint8Array): Promise<number | null> {
    if (this.closes > 0) return Promise.reject(new TransportError("closed", "Closed here"));
    return new Promise((resolve, reject) => this.#reader = { buffer, resolve, reject });
  }

  write(bytes: Uint8Array): Promise<void> {
    assert(this.#heldWrites.length === 0, "Writes must not overlap");
    this.written.push(bytes.slice());
    if (!this.holdWrites) return Promise.resolve();
    return new Promise((resolve, reject) => this.#heldWrites.push({ resolve, reject }));
  }

  close(): void {
    this.closes++;
    this.#take()?.reject(new TransportError("closed", "Closed here"));
  }

  /** The machine reads this; null is the peer's orderly end. */
  deliver(bytes: Uint8Array | null): void {
    const reader = this.#take();
    assert(reader !== null, "Nobody reads");
    if (bytes !== null) reader.buffer.set(bytes);
    reader.resolve(bytes?.length ?? null);
  }

  fail(error: Error): void {
    this.#take()!.reject(error);
  }

  releaseWrites(error?: Error): void {
    this.holdWrites = false;
    for (const { resolve, reject } of this.#heldWrites.splice(0)) {
      error === undefined ? resolve() : reject(error);
    }
  }

  get reading(): boolean {
    return this.#reader !== null;
  }

  #take() {
    const reader = this.#reader;
    this.#reader = null;
    return reader;
  }
}

/** Gives this connection (or error) to the first dial, when told to. */
export class ScriptedDialer implements Dialer {
  readonly targets: DialTarget[] = [];
  readonly connection = new ScriptedConnection();
  #answer: { resolve: (connection: Connection) => void; reject: (error: Error) => void } | null = null;
  aborted = false;

  dial(target: DialTarget, signal?: AbortSignal): Promise<Connection> {
    this.targets.push(target);
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      signal?.addEventListener("abort", () => {
        this.aborted = true;
        reject(new TransportError("aborted", "Aborted"));
      });
    });
  }

  accept(): ScriptedConnection {
    this.#answer!.resolve(this.connection);
    return this.connection;
  }

  refuse(error: Error): void {
    this.#answer!.reject(error);
  }
}
