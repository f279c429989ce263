/**
 * The world as the agent sees it: interfaces only. `io/` implements them for real, `tests/sim` in memory.
 * Nothing here decides; every method either answers or throws one of the typed errors of `base/errors.ts`.
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { ConnectOptions } from "./connect_options.ts";
import type { Controller } from "./controller.ts";

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly resolver: Resolver;
  readonly kernel: Kernel;
  readonly configDir: ConfigDir;
  readonly store: StateStore;
  readonly log: Log;
  readonly notifier: Notifier;
}

/** Stops what a `watch` began. */
export interface Closer {
  close(): void;
}

export interface DialTarget {
  /** IP address, with a scope where it needs one. */
  readonly traddr: string;
  readonly trsvcid: number;
  readonly timeoutMs: number;
  /** Address of this host to leave by. */
  readonly hostTraddr?: string;
  /** Network interface to leave by, where `hostTraddr` does not say; as far as addresses select it. */
  readonly hostIface?: string;
}

/** Opens TCP connections. */
export interface Dialer {
  /** Throws TransportError (errno name) or TimeoutError (`dial`). Aborting gives TransportError `aborted`. */
  dial(target: DialTarget, signal?: AbortSignal): Promise<Connection>;
}

/** One TCP connection. */
export interface Connection {
  /** Address of our end, without port. */
  readonly localAddress: string;
  /** Our port, where it is known. */
  readonly localPort?: number;
  /** Fills the start of `buffer`; null at the peer's orderly end. Throws TransportError. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes all bytes; calls must not overlap. Throws TransportError. */
  write(bytes: Uint8Array): Promise<void>;
  /** Idempotent; pending reads end. */
  close(): void;
}

export interface Resolver {
  /** All addresses of a host name, at least one, canonical. Throws TransportError (`ENOTFOUND` …). */
  resolve(name: string): Promise<string[]>;
}

/** The kernel's fabrics host. */
export interface Kernel {
  /**
   * One connect: opens /dev/nvme-fabrics, writes the options, reads the answer. May take seconds. Throws KernelError
   * with the errno's name (`EALREADY`: it is connected already).
   */
  connect(options: string): Promise<{ instance: number; cntlid: number }>;
  /** Option tokens the running kernel knows, or null where it cannot tell (before 5.17). Throws KernelError `ENOENT`, `ENODEV` when the module is missing. */
  supportedOptions(): Promise<ReadonlySet<string> | null>;
  /** All NVMe controllers; an empty list without the class directory. Throws KernelError. */
  controllers(): Promise<Controller[]>;
  /** Calls `onHint` when controllers may have changed. */
  watch(onHint: () => void): Closer;
  /**
   * Other DH-CHAP secrets for a controller that the kernel is bringing back; left out where that cannot be. Throws
   * KernelError, without a secret in it.
   */
  renewSecrets?(controller: Controller, secrets: ControllerSecrets): Promise<SecretsRenewal>;
}

export type ControllerSecrets = Pick<ConnectOptions, "dhchapSecret" | "dhchapCtrlSecret">;

/** `without`: it was connected without one, and cannot be given any. `not-connecting`, `gone`: it was left alone. */
export type SecretsRenewal = "renewed" | "same" | "without" | "not-connecting" | "gone";

/** The kernel's log, as far as it may be read. */
export interface KernelLog {
  /** Listens from this moment on; null where the log cannot be read. Never throws. */
  listen(): KernelLogTail | null;
}

export interface KernelLogTail extends Closer {
  /** What was said about NVMe since the last call, oldest first; bounded. Never throws and never waits. */
  take(): readonly KernelMessage[];
}

export interface KernelMessage {
  /** As syslog counts: 0 emergency, 3 error, 4 warning, 6 information, 7 debug. */
  readonly severity: number;
  /** Printable ASCII, on one line. */
  readonly text: string;
}

/** The directory that consumers drop files into. */
export interface ConfigDir {
  readonly path: string;
  /** Everything in it now; a failure is told, not thrown. */
  scan(): Promise<ConfigDirScan>;
  /** Calls `onHint` when something may have changed; hints may be lost, late or many. */
  watch(onHint: () => void): Closer;
}

export type ConfigDirScan =
  | {
    readonly ok: true;
    readonly files: readonly ConfigFile[];
    /** Newest change of the directory or of a file in it, wall clock ms; left out where it is unknown. */
    readonly modifiedMs?: number;
  }
  | { readonly ok: false; readonly error: string };

/**
 * One regular file (or symlink to one), dot-files, directories and `tmp.dc.*` left out; sorted by name. `error` is a
 * whole message that names the path.
 */
export type ConfigFile =
  | {
    readonly name: string;
    readonly version: string;
    readonly bytes: Uint8Array;
    /** Users other than root and ourselves can read it. */
    readonly openToOthers?: true;
    /** It is nvme-cli's own, and its lines mean what they mean there; its name is its whole path. */
    readonly nvmeCli?: true;
  }
  | { readonly name: string; readonly version: string; readonly error: string };

/** internalDir: the memory across restarts. */
export interface StateStore {
  /** Name for messages. */
  readonly path: string;
  /** Bytes of internal.json, or null when there is none. Throws KernelError (errno) or ConfigError (`too-large`). */
  load(): Promise<Uint8Array | null>;
  /** Replaces internal.json: write, fsync, rename. Throws KernelError. */
  save(text: string): Promise<void>;
  /** Moves a file that cannot be read out of the way; answers its new name. Throws KernelError. */
  setAside(): Promise<string>;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Messages have no full stop; fields carry `cluster`, `endpoint`, `path`, `file` under these keys. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** systemd, or nothing. */
export interface Notifier {
  /** Longest pause between two `alive` before we count as stuck, ms; null when nobody waits for any. */
  readonly watchdogMs: number | null;
  ready(): void;
  /** What is configured is read again; `ready` says that it is in force. */
  reloading(): void;
  /** We do our work. */
  alive(): void;
  status(text: string): void;
  stopping(): void;
}
