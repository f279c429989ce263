/**
 * One TCP connection in memory: the host's end is a `Connection`, the other end a machine that takes and gives bytes.
 * It owns no fault; the network says for each direction what happens to it now.
 */
import { assert } from "../../src/base/assert.ts";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { TransportError } from "../../src/base/errors.ts";
import type { Connection } from "../../src/model/world.ts";
import { MemoryPipe, type PipeItem } from "./memory_pipe.ts";

/**
 * The controller's end of one connection. The verbs of every machine of ours; what the fabric's own controllers
 * implement.
 */
export interface ByteMachine {
  handleBytes(nowMs: number, chunk: Uint8Array): void;
  handleTimeout(nowMs: number): void;
  /** Everything to send now, or null. */
  takeBytes(): Uint8Array | null;
  /** On the scale of the clock; Infinity for none. */
  nextTimeoutMs(): number;
  /** It has ended the connection. */
  readonly closed: boolean;
  /** The host's end is gone; `error` is null after an orderly end. */
  handleClose?(error: Error | null): void;
  /** Set by the connection: the machine calls it when a change elsewhere gave it something to send. */
  onWake?: (() => void) | null;
}

export interface MemoryConnectionOptions {
  readonly clock: Clock;
  readonly machine: ByteMachine;
  readonly localAddress: string;
  readonly delayMs: () => number;
  readonly cut: (bytes: Uint8Array) => Uint8Array[];
  readonly blocked: (direction: Direction) => boolean;
  /** The host closed its end; the controller may not know yet. */
  readonly onHostClosed: () => void;
  /** Both ends are closed. */
  readonly onGone: () => void;
}

export type Direction = "toHost" | "toController";

/** What becomes of a connection when so many bytes more, at least 1, have come to the host. */
export interface ByteLimits {
  /** It is reset. */
  readonly resetAfterBytes?: number;
  /** It stands still, both ways, until it has other limits. */
  readonly stallAfterBytes?: number;
}

/** Bytes the host may write ahead of a peer that does not take them; then `write` waits. */
const sendBufferBytes = 64 * 1024;

export class MemoryConnection implements Connection {
  readonly localAddress: string;
  readonly #options: MemoryConnectionOptions;
  readonly #machine: ByteMachine;
  readonly #toHost: MemoryPipe;
  readonly #toController: MemoryPipe;
  #pieces: Uint8Array[] = [];
  #ending: "fin" | "reset" | null = null;
  #hostClosed = false;
  #controllerClosed = false;
  #bytesToReset = Infinity;
  #bytesToStall = Infinity;
  #reader:
    | { buffer: Uint8Array; resolve: (count: number | null) => void; reject: (error: Error) => void }
    | null = null;
  #writing = false;
  #timer: { atMs: number; timer: Timer } | null = null;

  constructor(options: MemoryConnectionOptions) {
    const { clock, machine, delayMs, cut, blocked } = options;
    this.#options = options;
    this.#machine = machine;
    this.localAddress = options.localAddress;
    this.#toHost = new MemoryPipe({
      clock,
      delayMs,
      cut,
      room: () => blocked("toHost") ? 0 : Math.min(this.#bytesToReset, this.#bytesToStall),
      deliver: (item) => this.#arriveAtHost(item),
    });
    this.#toController = new MemoryPipe({
      clock,
      delayMs,
      cut,
      room: () => blocked("toController") || this.#bytesToStall <= 0 ? 0 : Infinity,
      deliver: (item) => this.#arriveAtController(item),
    });
    machine.onWake = () => this.pump();
    this.pump();
  }

  get open(): boolean {
    return !this.#hostClosed;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    assert(this.#reader === null, "Reads of one connection must not overlap");
    assert(buffer.length > 0, "A read needs room");
    if (this.#hostClosed) return Promise.reject(closedHere());
    return new Promise((resolve, reject) => {
      this.#reader = { buffer, resolve, reject };
      this.#serveReader();
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    assert(!this.#writing, "Writes of one connection must not overlap");
    this.#throwIfOver();
    this.#writing = true;
    try {
      // The caller may use its buffer again.
      this.#toController.put({ bytes: bytes.slice() });
      while (this.#toController.queuedBytes > sendBufferBytes) {
        await this.#toController.drained();
        this.#throwIfOver();
      }
      this.#throwIfOver();
    } finally {
      this.#writing = false;
    }
  }

  #throwIfOver(): void {
    if (this.#hostClosed) throw closedHere();
    if (this.#ending === "reset") {
      throw new TransportError("EPIPE", "Cannot write: the peer reset the connection");
    }
  }

  close(): void {
    if (this.#hostClosed) return;
    this.#hostClosed = true;
    this.#toController.put({ end: "fin" });
    this.#toController.releaseWriters();
    this.#toHost.drop();
    this.#pieces = [];
    this.#reader?.reject(closedHere());
    this.#reader = null;
    this.#options.onHostClosed();
    if (this.#controllerClosed) this.#options.onGone();
  }

  /** The controller's end sends what it has and goes on; called whenever something outside may have changed it. */
  pump(): void {
    if (this.#controllerClosed) return;
    for (let bytes = this.#machine.takeBytes(); bytes !== null; bytes = this.#machine.takeBytes()) {
      if (bytes.length > 0) this.#toHost.put({ bytes: bytes.slice() });
    }
    if (this.#machine.closed) return this.endFromController("fin");
    this.#schedule();
  }

  /** Instead of all limits before; counted from now. */
  setLimits({ resetAfterBytes = Infinity, stallAfterBytes = Infinity }: ByteLimits): void {
    this.#bytesToReset = Math.max(1, Math.ceil(resetAfterBytes));
    this.#bytesToStall = Math.max(1, Math.ceil(stallAfterBytes));
  }

  /** What blocked a direction may have ended. */
  retry(): void {
    this.#toHost.retry();
    this.#toController.retry();
  }

  /** The controller's end goes, orderly or by reset; the host learns of it after the usual delay. */
  endFromController(end: "fin" | "reset"): void {
    if (this.#controllerClosed) return;
    this.#endController(end);
    this.#toHost.put({ end });
  }

  /** A machine that did not end by itself is told once. */
  #endController(end: "fin" | "reset"): void {
    this.#closeController();
    if (this.#machine.closed) return;
    const reset = new TransportError("ECONNRESET", "Connection reset");
    this.#machine.handleClose?.(end === "fin" ? null : reset);
  }

  /** Only the direction to the host ends; the machine still takes bytes. */
  halfClose(): void {
    this.#toHost.put({ end: "fin" });
  }

  #closeController(): void {
    this.#controllerClosed = true;
    this.#toController.drop();
    this.#timer?.timer.cancel();
    this.#timer = null;
    this.#machine.onWake = null;
    if (this.#hostClosed) this.#options.onGone();
  }

  #arriveAtController(item: PipeItem): void {
    if (this.#controllerClosed) return;
    if ("end" in item) {
      return this.#endController(item.end);
    }
    this.#machine.handleBytes(this.#options.clock.nowMs(), item.bytes);
    this.pump();
  }

  #arriveAtHost(item: PipeItem): void {
    if (this.#hostClosed) return;
    if ("end" in item) {
      this.#ending = item.end;
      this.#toController.releaseWriters();
    } else {
      this.#pieces.push(item.bytes);
      this.#bytesToReset -= item.bytes.length;
      this.#bytesToStall -= item.bytes.length;
    }
    this.#serveReader();
    if (this.#bytesToReset <= 0) this.#resetNow();
  }

  /** In the middle of whatever is on its way: nothing of it comes any more, to either end. */
  #resetNow(): void {
    this.#bytesToReset = Infinity;
    this.#toHost.drop();
    if (!this.#controllerClosed) this.#endController("reset");
    this.#arriveAtHost({ end: "reset" });
  }

  #serveReader(): void {
    const reader = this.#reader;
    const piece = this.#pieces[0];
    if (reader === null || (piece === undefined && this.#ending === null)) return;
    this.#reader = null;
    if (piece === undefined) {
      if (this.#ending === "fin") return reader.resolve(null);
      return reader.reject(new TransportError("ECONNRESET", "Connection reset by peer"));
    }
    const count = Math.min(piece.length, reader.buffer.length);
    reader.buffer.set(piece.subarray(0, count));
    if (count === piece.length) this.#pieces.shift();
    else this.#pieces[0] = piece.subarray(count);
    reader.resolve(count);
  }

  #schedule(): void {
    const atMs = this.#machine.nextTimeoutMs();
    if (this.#timer?.atMs === atMs) return;
    this.#timer?.timer.cancel();
    this.#timer = null;
    if (atMs === Infinity) return;
    const { clock } = this.#options;
    const timer = clock.setTimer(Math.max(0, atMs - clock.nowMs()), () => {
      this.#timer = null;
      this.#machine.handleTimeout(clock.nowMs());
      this.pump();
    });
    this.#timer = { atMs, timer };
  }
}

/** What our own end answers after its `close()`, pending calls included. */
function closedHere(): TransportError {
  return new TransportError("aborted", "The connection was closed here");
}
