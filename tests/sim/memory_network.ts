/**
 * A TCP network in memory, in the time of a clock and by one random source: addresses that listen, and faults that a
 * test switches at run time. TCP stays TCP: bytes keep their order within a connection and are never lost, only late.
 */
import { canonicalAddress, formatHostPort, isIpAddress } from "../../src/base/address.ts";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { TimeoutError, TransportError } from "../../src/base/errors.ts";
import type { Random } from "../../src/base/random.ts";
import type { Closer, Connection, Dialer, DialTarget, Resolver } from "../../src/model/world.ts";
import { type ByteMachine, type Direction, MemoryConnection } from "./memory_connection.ts";

/** What is wrong with an address (`10.0.0.1`) or one port of it (`10.0.0.1:8009`); all fields may stand together. */
export interface NetworkFault {
  /**
   * Packets in this direction vanish. Either way no dial succeeds: the answer to the first packet cannot come back,
   * or the packet never arrives. Open connections stand still; what they hold arrives once this ends.
   */
  readonly swallow?: "both" | Direction;
  /** Dials fail at once with this errno: `ECONNREFUSED`, `EHOSTUNREACH`, `ENETUNREACH` … */
  readonly dialError?: string;
  /** Dials succeed, and nobody ever says a word. */
  readonly mute?: boolean;
  /** Added to every delivery, ms. */
  readonly delayMs?: number;
  /** Up to this much more for every delivery, drawn for each, ms: reorders connections among themselves. */
  readonly jitterMs?: number;
  /** Largest piece that one read shows, bytes; each is 1 to this many. */
  readonly pieceBytesMax?: number;
  /**
   * Every connection is reset once so many bytes more (at least 1) have come to the host, counted for each from when
   * the fault is set or the connection is made: an end in the middle of a PDU.
   */
  readonly resetAfterBytes?: number;
  /** Likewise, but the connection stands still then, both ways, until the fault ends. */
  readonly stallAfterBytes?: number;
}

/** How a connect to an address ends now; the kernel asks too. */
export type Reach = "open" | "mute" | "refused" | "swallowed" | { readonly errno: string };

export interface AcceptedFrom {
  readonly nowMs: number;
  /** The host's address. */
  readonly remoteAddress: string;
  /** The listener's own. */
  readonly traddr: string;
  readonly trsvcid: number;
}

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One way, ms. */
  readonly latencyMs?: number;
  /** Our end's addresses. */
  readonly hostAddress?: string;
  readonly hostAddressV6?: string;
}

/** When Linux sends the first packet again, ms after the dial began. */
const synRetryMs = [1_000, 3_000, 7_000, 15_000, 31_000];

export class MemoryNetwork implements Dialer, Resolver {
  readonly #options: MemoryNetworkOptions;
  readonly #listeners = new Map<string, (from: AcceptedFrom) => ByteMachine>();
  readonly #faults = new Map<string, NetworkFault>();
  readonly #names = new Map<string, readonly string[] | "hang">();
  readonly #connections = new Map<MemoryConnection, string>();
  /** Host's sockets at once at most; a dial beyond it fails with EMFILE. */
  socketsMax = Infinity;
  /** Counts since the start. */
  readonly counts = {
    dials: 0,
    /** By `host:port`, an IPv6 host in brackets. */
    dialsTo: new Map<string, number>(),
    connected: 0,
    resolves: 0,
    socketsMost: 0,
  };
  #dialing = 0;
  #hostOpen = 0;

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
  }

  /** The host's sockets now: dials under way and connections that it has not closed. */
  get openSockets(): number {
    return this.#dialing + this.#hostOpen;
  }

  /** Dials under way now. */
  get dialing(): number {
    return this.#dialing;
  }

  /** Connections the host holds to this address, or address and port. */
  connectionsTo(where: string): number {
    return this.#to(where).filter(({ open }) => open).length;
  }

  /** Accepts connections there until closed; closing resets none of them. */
  listen(traddr: string, trsvcid: number, accept: (from: AcceptedFrom) => ByteMachine): Closer {
    const key = keyOf(traddr, trsvcid);
    if (this.#listeners.has(key)) throw new Error(`Cannot listen on ${key}: somebody does`);
    this.#listeners.set(key, accept);
    return {
      close: () => {
        if (this.#listeners.get(key) === accept) this.#listeners.delete(key);
      },
    };
  }

  /** Replaces the faults of an address or port; null heals it. */
  setFault(where: string, fault: NetworkFault | null): void {
    const key = keyOfText(where);
    if (fault === null) this.#faults.delete(key);
    else this.#faults.set(key, fault);
    for (const connection of this.#to(where)) {
      connection.setLimits(this.#faultOf(this.#connections.get(connection)!));
    }
    this.#retryAll();
  }

  healAll(): void {
    this.#faults.clear();
    this.socketsMax = Infinity;
    for (const connection of this.#connections.keys()) connection.setLimits({});
    this.#retryAll();
  }

  /** Every connection of the host to it ends with a reset; new dials are free to succeed. */
  reset(where: string): void {
    for (const connection of this.#to(where)) connection.endFromController("reset");
  }

  /** Every connection to it ends orderly from the controller's side. */
  end(where: string): void {
    for (const connection of this.#to(where)) connection.endFromController("fin");
  }

  /** The host sees the end, the controller still listens. */
  halfClose(where: string): void {
    for (const connection of this.#to(where)) connection.halfClose();
  }

  /** Controllers that do not call `onWake` are asked here whether they have something to send. */
  pump(): void {
    for (const connection of [...this.#connections.keys()]) connection.pump();
  }

  /** A host name's addresses; an empty list is ENOTFOUND, `hang` never answers. */
  setName(name: string, addresses: readonly string[] | "hang"): void {
    this.#names.set(canonicalAddress(name), addresses);
  }

  async resolve(name: string): Promise<string[]> {
    this.counts.resolves++;
    if (isIpAddress(name)) return [canonicalAddress(name)];
    await this.#pause(this.#latencyMs());
    const addresses = this.#names.get(canonicalAddress(name)) ?? [];
    if (addresses === "hang") return new Promise<never>(() => {});
    if (addresses.length === 0) throw new TransportError("ENOTFOUND", `Cannot resolve ${name}: no such name`);
    return addresses.map(canonicalAddress);
  }

  /** How a connect to there would end now, seen from the host. */
  reach(traddr: string, trsvcid: number | string): Reach {
    const fault = this.#faultOf(keyOf(traddr, trsvcid));
    if (fault.swallow !== undefined) return "swallowed";
    if (fault.dialError !== undefined && fault.dialError !== "ECONNREFUSED") {
      return { errno: fault.dialError };
    }
    const listens = this.#listeners.has(keyOf(traddr, trsvcid)) && fault.dialError === undefined;
    if (!listens) return "refused";
    return fault.mute ? "mute" : "open";
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<Connection> {
    const { traddr, trsvcid, timeoutMs } = target;
    const key = keyOf(traddr, trsvcid);
    this.counts.dials++;
    this.counts.dialsTo.set(key, (this.counts.dialsTo.get(key) ?? 0) + 1);
    if (this.openSockets >= this.socketsMax) {
      throw new TransportError("EMFILE", dialText(target, "too many open files"));
    }
    this.#dialing++;
    this.counts.socketsMost = Math.max(this.counts.socketsMost, this.openSockets);
    let answered: boolean;
    try {
      answered = await this.#answered(target, signal);
    } finally {
      this.#dialing--;
    }
    const reach = this.reach(traddr, trsvcid);
    if (!answered || reach === "swallowed") {
      throw new TimeoutError("dial", dialText(target, `no answer within ${timeoutMs} ms`));
    }
    if (reach === "open" || reach === "mute") return this.#accept(target);
    const errno = reach === "refused" ? "ECONNREFUSED" : reach.errno;
    throw new TransportError(errno, dialText(target, errno));
  }

  /** Whether one of the first packets is answered in some way before the timeout. Throws `aborted`. */
  #answered(target: DialTarget, signal?: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    const { traddr, trsvcid, timeoutMs } = target;
    const roundTripMs = 2 * (this.#latencyMs() + (this.#faultOf(keyOf(traddr, trsvcid)).delayMs ?? 0));
    const attemptsMs = [0, ...synRetryMs].map((sentMs) => sentMs + roundTripMs).filter((ms) =>
      ms < timeoutMs
    );
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const onAbort = () => {
        timer?.cancel();
        reject(new TransportError("aborted", dialText(target, "aborted")));
      };
      const finish = (answered: boolean) => {
        signal?.removeEventListener("abort", onAbort);
        resolve(answered);
      };
      const waitForAttempt = (index: number) => {
        const atMs = startMs + (attemptsMs[index] ?? timeoutMs);
        timer = clock.setTimer(atMs - clock.nowMs(), () => {
          if (index >= attemptsMs.length) finish(false);
          else if (this.reach(traddr, trsvcid) !== "swallowed") finish(true);
          else waitForAttempt(index + 1);
        });
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort);
      waitForAttempt(0);
    });
  }

  #accept({ traddr, trsvcid }: DialTarget): MemoryConnection {
    const { clock, random, hostAddress = "10.0.0.200", hostAddressV6 = "fd00::200" } = this.#options;
    const key = keyOf(traddr, trsvcid);
    const remoteAddress = key.startsWith("[") ? hostAddressV6 : hostAddress;
    const machine = this.#faultOf(key).mute
      ? new MuteMachine()
      : this.#listeners.get(key)!({ nowMs: clock.nowMs(), remoteAddress, traddr, trsvcid });
    const connection: MemoryConnection = new MemoryConnection({
      clock,
      machine,
      localAddress: remoteAddress,
      delayMs: () => {
        const { delayMs = 0, jitterMs = 0 } = this.#faultOf(key);
        return this.#latencyMs() + delayMs + (jitterMs > 0 ? random() * jitterMs : 0);
      },
      cut: (bytes) => cutRandomly(bytes, this.#faultOf(key).pieceBytesMax, random),
      blocked: (direction) => {
        const { swallow } = this.#faultOf(key);
        return swallow === "both" || swallow === direction;
      },
      onHostClosed: () => this.#hostOpen--,
      onGone: () => this.#connections.delete(connection),
    });
    connection.setLimits(this.#faultOf(key));
    this.#hostOpen++;
    this.#connections.set(connection, key);
    this.counts.connected++;
    return connection;
  }

  /** The port's faults before the address's. */
  #faultOf(key: string): NetworkFault {
    if (this.#faults.size === 0) return {};
    return { ...this.#faults.get(addressOfKey(key)), ...this.#faults.get(key) };
  }

  #to(where: string): MemoryConnection[] {
    const wanted = keyOfText(where);
    return [...this.#connections].filter(([, key]) => key === wanted || addressOfKey(key) === wanted)
      .map(([connection]) => connection);
  }

  #retryAll(): void {
    for (const connection of this.#connections.keys()) connection.retry();
  }

  #latencyMs(): number {
    return this.#options.latencyMs ?? 0.5;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.setTimer(ms, resolve));
  }
}

/** Takes everything, says nothing. */
class MuteMachine implements ByteMachine {
  readonly closed = false;
  handleBytes(): void {}
  handleTimeout(): void {}
  takeBytes(): null {
    return null;
  }
  nextTimeoutMs(): number {
    return Infinity;
  }
}

function cutRandomly(bytes: Uint8Array, pieceBytesMax: number | undefined, random: Random): Uint8Array[] {
  if (pieceBytesMax === undefined || bytes.length === 0) return [bytes];
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const count = 1 + Math.floor(random() * pieceBytesMax);
    pieces.push(bytes.subarray(at, at + count));
    at += count;
  }
  return pieces;
}

/** Scopes and spellings do not tell addresses apart. */
function plainAddress(traddr: string): string {
  return canonicalAddress(traddr).replace(/%.*$/, "");
}

function keyOf(traddr: string, trsvcid: number | string): string {
  return formatHostPort(plainAddress(traddr), Number(trsvcid));
}

/** `10.0.0.1`, `10.0.0.1:8009`, `fd00::1`, `[fd00::1]:8009`. */
function keyOfText(where: string): string {
  if (isIpAddress(where)) return plainAddress(where);
  const at = where.lastIndexOf(":");
  return keyOf(where.slice(0, at).replace(/^\[|\]$/g, ""), where.slice(at + 1));
}

function addressOfKey(key: string): string {
  return key.slice(0, key.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

function dialText({ traddr, trsvcid }: DialTarget, what: string): string {
  return `Cannot reach ${formatHostPort(traddr, trsvcid)}: ${what}`;
}
