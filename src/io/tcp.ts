/**
 * TCP connections of the runtime as Dialer and Connection. Resolves no names: a target is an address. Retries
 * nothing.
 */
import {
  canonicalAddress,
  formatHostPort,
  formatIpAddress,
  type IpAddress,
  parseIpAddress,
} from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { TimeoutError, TransportError } from "../base/errors.ts";
import type { Connection, Dialer, DialTarget } from "../model/world.ts";
import { errnoOf, transportError } from "./io_errors.ts";

/** What we need of a runtime socket. */
export type Socket = Pick<Deno.TcpConn, "read" | "write" | "close" | "setNoDelay" | "localAddr">;

/** Deno.connect, or something in its place. */
export type Connect = (
  options: { hostname: string; port: number; transport: "tcp"; signal: AbortSignal },
) => Promise<Socket>;

export class TcpDialer implements Dialer {
  readonly #clock: Clock;
  readonly #connect: Connect;

  constructor(clock: Clock, connect: Connect = (options) => Deno.connect(options)) {
    this.#clock = clock;
    this.#connect = connect;
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<Connection> {
    const label = formatHostPort(target.traddr, target.trsvcid);
    const address = parseIpAddress(target.traddr);
    if (address === null) {
      throw new TransportError("EINVAL", `Cannot connect to ${label}: it is not an IP address`);
    }
    if (signal?.aborted) throw abortedError(label);
    const hostname = await dialableAddress(address, label);
    return new TcpConnection(await this.#open(hostname, target, label, signal), label);
  }

  /** One connect, ended by whichever comes first: its result, the deadline, the caller. */
  #open(hostname: string, target: DialTarget, label: string, signal?: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const attempt = new AbortController();
      let settled = false;
      const settle = (finish: () => void) => {
        if (settled) return;
        settled = true;
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        finish();
      };
      const giveUp = (error: Error) => {
        settle(() => reject(error));
        attempt.abort();
      };
      const onAbort = () => giveUp(abortedError(label));
      const timer = this.#clock.setTimer(
        target.timeoutMs,
        () =>
          giveUp(new TimeoutError("dial", `Cannot connect to ${label}: no answer in ${target.timeoutMs} ms`)),
      );
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) return onAbort();
      this.#connect({ hostname, port: target.trsvcid, transport: "tcp", signal: attempt.signal }).then(
        // A connect that wins against its own abort leaves a socket that nobody wants.
        (socket) => settled ? socket.close() : settle(() => resolve(socket)),
        (error) => settle(() => reject(transportError(`Cannot connect to ${label}`, error))),
      );
    });
  }
}

/**
 * The runtime hands a scoped address to getaddrinfo, which knows an interface's name for link-local addresses only,
 * its index for all, and asks DNS about one that does not exist: so the index it is.
 */
async function dialableAddress(address: IpAddress, label: string): Promise<string> {
  if (address.scope === undefined || /^\d+$/.test(address.scope)) return formatIpAddress(address);
  try {
    const index = (await Deno.readTextFile(`/sys/class/net/${address.scope}/ifindex`)).trim();
    return formatIpAddress({ ...address, scope: index });
  } catch (error) {
    const code = errnoOf(error) === "ENOENT" ? "ENODEV" : errnoOf(error);
    throw new TransportError(code, `Cannot connect to ${label}: there is no interface ${address.scope}`, {
      cause: error,
    });
  }
}

function abortedError(label: string): TransportError {
  return new TransportError("aborted", `Connecting to ${label} was aborted`);
}

class TcpConnection implements Connection {
  readonly localAddress: string;
  readonly #socket: Socket;
  readonly #label: string;
  /** How to end what is pending; not a promise to race with, which would keep a little of every read for ever. */
  #endRead: ((error: Error) => void) | null = null;
  #endWrite: ((error: Error) => void) | null = null;
  #isClosed = false;

  constructor(socket: Socket, label: string) {
    this.#socket = socket;
    this.#label = label;
    this.localAddress = canonicalAddress((socket.localAddr as Deno.NetAddr).hostname);
    try {
      socket.setNoDelay(true);
    } catch {
      // The peer has closed already: the first read tells.
    }
  }

  /** No `async`, no `finally`: a thousand sessions read and write all day, and every promise costs. */
  read(buffer: Uint8Array): Promise<number | null> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    return new Promise((resolve, reject) => {
      this.#endRead = reject;
      this.#socket.read(buffer).then((count) => {
        this.#endRead = null;
        resolve(count);
      }, (error) => {
        this.#endRead = null;
        reject(transportError(`Cannot read from ${this.#label}`, error));
      });
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    return new Promise((resolve, reject) => {
      this.#endWrite = reject;
      const failed = (error: unknown) => {
        this.#endWrite = null;
        reject(transportError(`Cannot write to ${this.#label}`, error));
      };
      const wrote = (rest: Uint8Array, count: number): void => {
        if (count < rest.length && !this.#isClosed) {
          const left = rest.subarray(count);
          this.#socket.write(left).then((more) => wrote(left, more), failed);
          return;
        }
        this.#endWrite = null;
        resolve();
      };
      this.#socket.write(bytes).then((count) => wrote(bytes, count), failed);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // The runtime's close ends a pending read, but not a pending write: so we end both ourselves.
    this.#endRead?.(this.#closedError());
    this.#endWrite?.(this.#closedError());
    try {
      this.#socket.close();
    } catch {
      // It is closed already.
    }
  }

  #closedError(): TransportError {
    return new TransportError("aborted", `The connection to ${this.#label} was closed here`);
  }
}
