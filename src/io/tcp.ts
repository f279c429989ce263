/**
 * TCP connections of the runtime as Dialer and Connection. Resolves no names: a target is an address. Retries
 * nothing. What leaves by a source address of its own is bound to it; where the runtime cannot, the connection is
 * made all the same, and a warning says so once.
 */
import {
  canonicalAddress,
  formatHostPort,
  formatIpAddress,
  type IpAddress,
  parseIpAddress,
  sameAddress,
} from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { TimeoutError, TransportError } from "../base/errors.ts";
import type { Connection, Dialer, DialTarget } from "../model/world.ts";
import { limits } from "../base/limits.ts";
import { errnoOf, transportError } from "./io_errors.ts";
import { type InterfaceAddress, type SourceAddress, sourceAddress } from "./source_address.ts";

/** What we need of a runtime socket. */
export type Socket = Pick<Deno.TcpConn, "read" | "write" | "close" | "setNoDelay" | "localAddr">;

/** Deno.connect, or something in its place; with a source address, `connectBound`. */
export type Connect = (
  options: { hostname: string; port: number; transport: "tcp"; localAddress?: string; signal: AbortSignal },
) => Promise<Socket>;

const connectByRuntime: Connect = async ({ localAddress, ...options }) => {
  if (localAddress === undefined) return await Deno.connect(options);
  const { connectBound } = await import("./bound_socket.ts");
  return await connectBound({ ...options, localAddress });
};

export interface SourceOptions {
  /** The interfaces of this host. */
  readonly interfaces?: () => readonly InterfaceAddress[];
  /** A connection leaves by another address than was asked for; once an address or interface. */
  readonly onProblem?: (problem: { readonly message: string }) => void;
}

export class TcpDialer implements Dialer {
  readonly #clock: Clock;
  readonly #connect: Connect;
  readonly #source: SourceOptions;
  /** Sources that were warned about. */
  readonly #notGranted = new Set<string>();

  constructor(clock: Clock, connect: Connect = connectByRuntime, source: SourceOptions = {}) {
    this.#clock = clock;
    this.#connect = connect;
    this.#source = source;
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<Connection> {
    const label = formatHostPort(target.traddr, target.trsvcid);
    const address = parseIpAddress(target.traddr);
    if (address === null) {
      throw new TransportError("EINVAL", `Cannot connect to ${label}: it is not an IP address`);
    }
    if (signal?.aborted) throw abortedError(label);
    const hostname = await dialableAddress(address, label);
    const source = sourceAddress(address, target, label, this.#source.interfaces ?? Deno.networkInterfaces);
    const socket = await this.#open({ hostname, localAddress: source?.bindTo }, target, label, signal);
    const connection = new TcpConnection(socket, label);
    if (source !== null) this.#checkSource(connection, target, source);
    return connection;
  }

  /** Deno before 2.9 binds nothing, and does not say so; and the routes may not know of an interface. */
  #checkSource({ localAddress }: Connection, target: DialTarget, { granted }: SourceAddress): void {
    if (granted.some((address) => sameAddress(address, localAddress))) return;
    const { hostTraddr, hostIface } = target;
    const wanted = hostTraddr === undefined ? `the interface ${hostIface}` : hostTraddr;
    if (this.#notGranted.has(wanted) || this.#notGranted.size >= limits.entriesMax) return;
    this.#notGranted.add(wanted);
    const other = "this runtime cannot choose it for discovery; the kernel's connects do leave by it";
    this.#source.onProblem?.({
      message: `A connection leaves by ${localAddress} and not by ${wanted}: ${other}`,
    });
  }

  /** One connect, ended by whichever comes first: its result, the deadline, the caller. */
  #open(
    ends: { hostname: string; localAddress?: string },
    target: DialTarget,
    label: string,
    signal?: AbortSignal,
  ): Promise<Socket> {
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
      this.#connect({ ...ends, port: target.trsvcid, transport: "tcp", signal: attempt.signal }).then(
        // A connect that wins against its own abort leaves a socket that nobody wants.
        (socket) => settled ? socket.close() : settle(() => resolve(socket)),
        (error) => settle(() => reject(connectError(label, ends.localAddress, error))),
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

/** The runtime calls every failure to bind EINVAL. */
function connectError(label: string, localAddress: string | undefined, cause: unknown): TransportError {
  if (localAddress === undefined || (cause as { syscall?: unknown } | null)?.syscall !== "bind") {
    return transportError(`Cannot connect to ${label}`, cause);
  }
  return new TransportError(
    "EADDRNOTAVAIL",
    `Cannot connect to ${label}: ${localAddress} is no address of this host`,
    {
      cause,
    },
  );
}

function abortedError(label: string): TransportError {
  return new TransportError("aborted", `Connecting to ${label} was aborted`);
}

class TcpConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly #socket: Socket;
  readonly #label: string;
  /** How to end what is pending; not a promise to race with, which would keep a little of every read for ever. */
  #endRead: ((error: Error) => void) | null = null;
  #endWrite: ((error: Error) => void) | null = null;
  #isClosed = false;

  constructor(socket: Socket, label: string) {
    this.#socket = socket;
    this.#label = label;
    const { hostname, port } = socket.localAddr as Deno.NetAddr;
    this.localAddress = canonicalAddress(hostname);
    this.localPort = port;
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
