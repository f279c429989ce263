/**
 * The few calls of the C library that the runtime lacks, each as one function; the only file that loads a library.
 * Loads it when first called, so that a runtime without FFI fails there and nowhere else. Structures are laid out
 * as on 64-bit little-endian Linux. Decides nothing.
 */
import { KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

const symbols = {
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  adjtimex: { parameters: ["buffer"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

type Symbols = Deno.DynamicLibrary<typeof symbols>["symbols"];

export interface Library {
  readonly call: Symbols;
  /** errno of the runtime's own thread; says nothing about calls that ran on another. */
  readonly errno: () => number;
}

let library: Library | undefined;

/** Throws KernelError `no-ffi` where the library cannot be loaded; the next call tries again. */
export function loadLibc(path = "libc.so.6"): Library {
  if (library !== undefined && path === "libc.so.6") return library;
  try {
    const call = openFunctions(path);
    const location = call.__errno_location();
    if (location === null) throw new Error("errno has no address");
    const view = new Deno.UnsafePointerView(location);
    library = { call, errno: () => view.getInt32() };
    return library;
  } catch (error) {
    throw new KernelError("no-ffi", `Cannot load ${path}: this needs FFI and the GNU C library`, {
      cause: error,
    });
  }
}

/**
 * The functions by their addresses. Loaded as functions, each would have machine code made for its calls: that takes 4 ms
 * and 2 MB for these few, which are called some times a second at most.
 */
function openFunctions(path: string): Symbols {
  const names = Object.keys(symbols) as (keyof typeof symbols)[];
  const places = Object.fromEntries(names.map((name) => [name, { type: "pointer" } as const]));
  const addresses = Deno.dlopen(path, places).symbols;
  return Object.fromEntries(names.map((name) => {
    const address = addresses[name];
    if (address === null || address === undefined) throw new Error(`${name} has no address`);
    const definition: Deno.ForeignFunction = symbols[name];
    const pointer = new Deno.UnsafeFnPointer(address as Deno.PointerObject<typeof definition>, definition);
    return [name, pointer.call.bind(pointer)];
  })) as unknown as Symbols;
}

// asm-generic/errno-base.h, asm-generic/errno.h: those that the calls of this file give.
const errnoNames: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  28: "ENOSPC",
  30: "EROFS",
  32: "EPIPE",
  38: "ENOSYS",
  40: "ELOOP",
  90: "EMSGSIZE",
  93: "EPROTONOSUPPORT",
  97: "EAFNOSUPPORT",
  99: "EADDRNOTAVAIL",
  100: "ENETDOWN",
  101: "ENETUNREACH",
  105: "ENOBUFS",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  113: "EHOSTUNREACH",
  115: "EINPROGRESS",
};

/** The error of the call that has just failed, in the runtime's own thread. */
export function libcFailure(libc: Library, action: string): KernelError {
  return failure(libc, action);
}

function failure(libc: Library, action: string): KernelError {
  const errno = libc.errno();
  const code = errnoNames[errno] ?? `errno-${errno}`;
  return new KernelError(code, `${action}: ${code}`);
}

/** Bytes of a path for a C function. */
function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

// --- processor affinity ---

/**
 * Keeps every thread of the process, and those that they will start, on these cores. Throws KernelError: `EINVAL`
 * when none of the cores exists or is allowed, `no-ffi`.
 */
export function setCpuAffinity(cores: readonly number[]): void {
  const action = `Cannot run on cores ${cores.join(", ") || "(none)"}`;
  const mask = new Uint8Array(limits.coresMax / 8);
  for (const core of cores) {
    if (!Number.isInteger(core) || core < 0 || core >= limits.coresMax) {
      throw new KernelError("EINVAL", `${action}: a core is a number from 0 to ${limits.coresMax - 1}`);
    }
    mask[core >> 3] = (mask[core >> 3] ?? 0) | (1 << (core & 7));
  }
  const libc = loadLibc();
  // A thread inherits the mask of the one that starts it; so once a pass finds no new thread, all have it.
  const done = new Set<string>();
  for (let found = true; found;) {
    found = false;
    for (const { name } of Deno.readDirSync("/proc/self/task")) {
      if (done.has(name)) continue;
      found = true;
      done.add(name);
      if (libc.call.sched_setaffinity(Number(name), BigInt(mask.length), mask) === 0) continue;
      const error = failure(libc, action);
      // The thread may have ended since.
      if (error.code !== "ESRCH") throw error;
    }
  }
}

// --- time ---

/** CLOCK_MONOTONIC in microseconds, as service managers count. Throws KernelError. */
export function monotonicMicroseconds(): bigint {
  const libc = loadLibc();
  const clockMonotonic = 1;
  // struct timespec: seconds i64, nanoseconds i64.
  const view = new DataView(new ArrayBuffer(16));
  if (libc.call.clock_gettime(clockMonotonic, new Uint8Array(view.buffer)) !== 0) {
    throw failure(libc, "Cannot read the monotonic clock");
  }
  return view.getBigInt64(0, true) * 1_000_000n + view.getBigInt64(8, true) / 1_000n;
}

/** Whether somebody (NTP, PTP) keeps the wall clock in step, as adjtimex(2) tells. Throws KernelError `no-ffi`. */
export function isClockInStep(): boolean {
  const libc = loadLibc();
  const timeError = 5;
  // struct timex, 208 bytes on 64 bits; modes 0 only reads.
  const state = libc.call.adjtimex(new Uint8Array(208));
  if (state < 0) throw failure(libc, "Cannot ask how the clock is kept");
  return state !== timeError;
}

// --- file lock ---

const openFlags = {
  readOnly: 0,
  readWrite: 0o2,
  create: 0o100,
  nonBlocking: 0o4000,
  noFollow: 0o400000,
  closeOnExec: 0o2000000,
} as const;
const lockExclusiveNow = 2 | 4;

/**
 * Opens a file (created with mode 0600) and locks it for this process; null when another holds the lock. The kernel
 * drops the lock with the process, however it ends. Throws KernelError.
 */
export function lockFile(path: string): { unlock(): void } | null {
  const libc = loadLibc();
  const flags = openFlags.readWrite | openFlags.create | openFlags.closeOnExec | openFlags.noFollow;
  const fd = libc.call.open(cString(path), flags, 0o600);
  if (fd < 0) throw failure(libc, `Cannot open ${path}`);
  if (libc.call.flock(fd, lockExclusiveNow) === 0) {
    let held = true;
    return {
      unlock(): void {
        if (held) libc.call.close(fd);
        held = false;
      },
    };
  }
  const error = failure(libc, `Cannot lock ${path}`);
  libc.call.close(fd);
  if (error.code === "EAGAIN") return null;
  throw error;
}

// --- devices ---

/** Opens a device for reading what it has, without ever waiting. Throws KernelError. */
export function openAtStart(path: string): number {
  const libc = loadLibc();
  const flags = openFlags.readOnly | openFlags.nonBlocking | openFlags.closeOnExec;
  const fd = libc.call.open(cString(path), flags, 0);
  if (fd < 0) throw failure(libc, `Cannot open ${path}`);
  return fd;
}

/** The same for what comes from now on. */
export function openAtEnd(path: string): number {
  const libc = loadLibc();
  const fd = openAtStart(path);
  const seekEnd = 2;
  if (libc.call.lseek(fd, 0n, seekEnd) >= 0n) return fd;
  const error = failure(libc, `Cannot find the end of ${path}`);
  libc.call.close(fd);
  throw error;
}

/** One read without waiting: the bytes it gave; null when there is nothing. Throws KernelError. */
export function readNow(fd: number, buffer: Uint8Array<ArrayBuffer>): number | null {
  const libc = loadLibc();
  const count = Number(libc.call.read(fd, buffer, BigInt(buffer.length)));
  if (count >= 0) return count;
  const error = failure(libc, "Cannot read");
  if (error.code === "EAGAIN" || error.code === "EINTR") return null;
  throw error;
}

// --- sockets ---

const family = { unix: 1, netlink: 16 } as const;
const socketType = { datagram: 2, closeOnExec: 0o2000000, nonBlocking: 0o4000 } as const;
const socketLevel = 1;
const socketOption = { receiveBufferForce: 33, receiveBuffer: 8, sendTimeout: 21 } as const;
const dontWait = 0x40;
const noSignal = 0x4000;

/**
 * Sends one datagram to a unix socket: a path, or an abstract name written with a leading `@`. Waits for room in
 * its queue for at most `timeoutMs`, in the caller's thread. Throws KernelError.
 */
export function sendUnixDatagram(path: string, bytes: Uint8Array<ArrayBuffer>, timeoutMs = 100): void {
  const libc = loadLibc();
  const action = `Cannot send to ${path}`;
  const fd = libc.call.socket(family.unix, socketType.datagram | socketType.closeOnExec, 0);
  if (fd < 0) throw failure(libc, action);
  try {
    const timeout = timeval(timeoutMs);
    libc.call.setsockopt(fd, socketLevel, socketOption.sendTimeout, timeout, timeout.length);
    const address = unixAddress(path, action);
    const sent = libc.call.sendto(fd, bytes, BigInt(bytes.length), noSignal, address, address.length);
    if (sent < 0n) throw failure(libc, action);
  } finally {
    libc.call.close(fd);
  }
}

/** sockaddr_un: family u16, name up to 108 bytes; an abstract name starts with NUL and has no end but its length. */
function unixAddress(path: string, action: string): Uint8Array<ArrayBuffer> {
  const name = path.startsWith("@") ? new TextEncoder().encode(`\0${path.slice(1)}`) : cString(path);
  if (name.length > 108) throw new KernelError("EINVAL", `${action}: the name is longer than 107 bytes`);
  const address = new Uint8Array(2 + name.length);
  address[0] = family.unix;
  address.set(name, 2);
  return address;
}

/** struct timeval: seconds i64, microseconds i64. */
function timeval(ms: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true);
  view.setBigInt64(8, BigInt((ms % 1000) * 1000), true);
  return new Uint8Array(view.buffer);
}

/**
 * A socket on which the kernel announces device events (netlink(7), NETLINK_KOBJECT_UEVENT, group 1: the kernel's
 * own, not udev's). Answers its descriptor. Throws KernelError.
 */
export function openUeventSocket(): number {
  const libc = loadLibc();
  const action = "Cannot listen to the kernel's device events";
  const netlinkKobjectUevent = 15;
  const type = socketType.datagram | socketType.closeOnExec | socketType.nonBlocking;
  const fd = libc.call.socket(family.netlink, type, netlinkKobjectUevent);
  if (fd < 0) throw failure(libc, action);
  // Room for a storm of events. Privileged first, the plain request is capped at net.core.rmem_max.
  const room = new Uint8Array(new Uint32Array([1024 * 1024]).buffer);
  for (const option of [socketOption.receiveBuffer, socketOption.receiveBufferForce]) {
    libc.call.setsockopt(fd, socketLevel, option, room, room.length);
  }
  // sockaddr_nl: family u16, pad u16, port id u32 (0: the kernel picks one), groups u32.
  const address = new Uint8Array(12);
  address[0] = family.netlink;
  address[8] = 1;
  if (libc.call.bind(fd, address, address.length) === 0) return fd;
  const error = failure(libc, action);
  libc.call.close(fd);
  throw error;
}

/**
 * One message from a socket, without waiting: its length (cut to the buffer's); null when there is none. Throws
 * KernelError: `ENOBUFS` when messages were lost.
 */
export function receiveNow(fd: number, buffer: Uint8Array<ArrayBuffer>): number | null {
  const libc = loadLibc();
  const count = Number(libc.call.recv(fd, buffer, BigInt(buffer.length), dontWait));
  if (count >= 0) return count;
  const error = failure(libc, "Cannot receive");
  if (error.code === "EAGAIN" || error.code === "EINTR") return null;
  throw error;
}

/** A descriptor that turns readable at `wake`; to end a wait from outside. Throws KernelError. */
export function openWakeup(): number {
  const libc = loadLibc();
  const fd = libc.call.eventfd(0, socketType.closeOnExec | socketType.nonBlocking);
  if (fd < 0) throw failure(libc, "Cannot make an event descriptor");
  return fd;
}

export function wake(fd: number): void {
  const one = new Uint8Array(8);
  one[0] = 1;
  loadLibc().call.write(fd, one, 8n);
}

/**
 * Waits, on a thread of its own, until one of the descriptors is readable or in error; answers which. May answer
 * none when a signal came between. Does not time out.
 */
export async function waitReadable(fds: readonly number[]): Promise<boolean[]> {
  const pollIn = 1;
  // struct pollfd: fd i32, events i16, revents i16.
  const view = new DataView(new ArrayBuffer(8 * fds.length));
  fds.forEach((fd, at) => {
    view.setInt32(8 * at, fd, true);
    view.setInt16(8 * at + 4, pollIn, true);
  });
  const ready = await loadLibc().call.poll(new Uint8Array(view.buffer), BigInt(fds.length), -1);
  return fds.map((_, at) => ready > 0 && view.getInt16(8 * at + 6, true) !== 0);
}

export function closeDescriptor(fd: number): void {
  loadLibc().call.close(fd);
}
