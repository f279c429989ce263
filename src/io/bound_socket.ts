/**
 * TCP connections that leave by an address of ours. `Deno.connect` cannot bind, so these go through `node:net`, which
 * can from Deno 2.9 on and passes the address over without a word before: whoever connects compares the local address.
 * Loaded only where an entry asks for it. Decides nothing, resolves no names.
 */
import type { Socket as NodeSocket } from "node:net";

export interface BoundTarget {
  readonly hostname: string;
  readonly port: number;
  /** Address of this host, with a scope where it needs one. */
  readonly localAddress: string;
  readonly signal: AbortSignal;
}

/** What `Deno.connect` gives, as far as we need it: reads into a buffer, writes of a part. */
export class BoundSocket {
  readonly localAddr: { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
  readonly #socket: NodeSocket;
  #ended = false;
  #failure: Error | null = null;
  /** Called when there may be something to read, or never will be again. */
  #wake: (() => void) | null = null;

  constructor(socket: NodeSocket) {
    this.#socket = socket;
    this.localAddr = {
      transport: "tcp",
      hostname: socket.localAddress ?? "",
      port: socket.localPort ?? 0,
    };
    const wake = () => this.#wake?.();
    socket.on("readable", wake);
    socket.on("end", () => {
      this.#ended = true;
      wake();
    });
    socket.on("error", (error) => {
      this.#failure ??= error;
      wake();
    });
    socket.on("close", () => {
      this.#failure ??= closedError();
      wake();
    });
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      const attempt = (): void => {
        // Of what has come, at most as much as fits; the rest waits in the stream.
        const room = Math.min(buffer.length, this.#socket.readableLength);
        const chunk = room === 0 ? this.#socket.read(0) : this.#socket.read(room);
        if (chunk === null && !this.#ended && this.#failure === null) {
          this.#wake = attempt;
          return;
        }
        this.#wake = null;
        if (chunk !== null) {
          buffer.set(chunk);
          resolve(chunk.length);
        } else if (this.#ended) resolve(null);
        else reject(this.#failure);
      };
      attempt();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      this.#socket.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Throws the runtime's error with its errno as `code`: `EADDRNOTAVAIL` where the address is none of this host's. */
export async function connectBound(
  { hostname, port, localAddress, signal }: BoundTarget,
): Promise<BoundSocket> {
  const { connect } = await import("node:net");
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    // Half open, as Deno's own: we close by ourselves.
    const socket = connect({ host: hostname, port, localAddress, allowHalfOpen: true });
    const onAbort = () => socket.destroy(closedError());
    const settle = () => {
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
    };
    const onError = (error: Error) => {
      settle();
      reject(error);
    };
    signal.addEventListener("abort", onAbort);
    socket.once("error", onError);
    socket.once("connect", () => {
      settle();
      resolve(new BoundSocket(socket));
    });
  });
}

function closedError(): Error {
  return Object.assign(new Error("The socket was closed"), { code: "ECONNABORTED" });
}
