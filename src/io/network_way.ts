/**
 * How packets get to an address, from this host's side: the route that the kernel would take, what TCP agrees on with
 * the other side, and whether echoes as large as the interface allows come back. Needs no root; sends nothing for the
 * route, opens and closes one connection for TCP, and sends two echoes. Decides nothing. Source: ip(7), ipv6(7),
 * tcp(7), linux/tcp.h (struct tcp_info), net/ipv4/ping.c.
 */
import { formatIpAddress, type IpAddress, parseIpAddress } from "../base/address.ts";
import { KernelError } from "../base/errors.ts";
import { errnoText } from "./io_errors.ts";
import { closeDescriptor, libcFailure, type Library, loadLibc, monotonicMicroseconds } from "./libc.ts";

export interface WayTarget {
  /** IP address. */
  readonly traddr: string;
  /** What shall be left by, where an entry says so. */
  readonly hostTraddr?: string;
  readonly hostIface?: string;
}

export interface Route {
  readonly sourceAddress: string;
  /** Largest packet that the kernel would send there whole, bytes: of the route or of what it learnt; null where it does not tell. */
  readonly mtuBytes: number | null;
}

export interface TcpTerms {
  /** Largest segment that goes there, bytes: the smaller of the other side's wish and what the way bears. */
  readonly sendBytesMax: number;
  /** The largest that we told the other side to send, bytes. */
  readonly receiveBytesMax: number;
  /** Of packets there, bytes. */
  readonly pathMtuBytes: number;
  /** ms, a fraction too. */
  readonly roundTripMs: number;
}

/** `forbidden`: this user may send none; the sysctl net.ipv4.ping_group_range says who may. */
export type EchoAnswer = "back" | "lost" | "too-large" | "forbidden";

const family = { 4: 2, 6: 10 } as const;
const socketType = { stream: 1, datagram: 2, raw: 3, closeOnExec: 0o2000000, nonBlocking: 0o4000 } as const;
const level = { socket: 1, ip: 0, tcp: 6, ipv6: 41 } as const;
const option = {
  bindToDevice: 25,
  tcpInfo: 11,
  ipMtu: 14,
  ipv6Mtu: 24,
  ipDiscover: 10,
  ipv6Discover: 23,
} as const;
const protocol = { icmp: 1, icmpv6: 58 } as const;
const pollFor = { read: 1, write: 4 } as const;

/** The route at this moment; nothing is sent. Throws KernelError: `ENETUNREACH`, `EHOSTUNREACH`, `EADDRNOTAVAIL`, `no-ffi` … */
export function routeTo(target: WayTarget): Route {
  const address = parsed(target.traddr);
  return withSocket(target, address, socketType.datagram, 0, (libc, fd) => {
    // A datagram socket that is connected has its route looked up, and sends nothing.
    connect(libc, fd, address, 9, `Cannot find a way to ${target.traddr}`);
    return { sourceAddress: sourceOf(libc, fd, target.traddr), mtuBytes: mtuOf(libc, fd, address) };
  });
}

/**
 * One TCP connection, opened and closed again. Null when it does not come about in time, which others tell better.
 * Throws KernelError `no-ffi`.
 */
export function tcpTermsWith(target: WayTarget, port: number, timeoutMs: number): Promise<TcpTerms | null> {
  const address = parsed(target.traddr);
  return withSocket(target, address, socketType.stream, 0, async (libc, fd) => {
    const to = socketAddress(address, port);
    if (libc.call.connect(fd, to, to.length) !== 0) {
      if (libcFailure(libc, "connect").code !== "EINPROGRESS") return null;
      if (!await waitFor(libc, fd, pollFor.write, timeoutMs)) return null;
    }
    return tcpTerms(libc, fd);
  });
}

/**
 * An ICMP echo whose whole packet has so many bytes and may not be cut up on its way. Throws KernelError: `no-ffi`,
 * the errno of a send that failed.
 */
export async function echoOf(target: WayTarget, packetBytes: number, timeoutMs: number): Promise<EchoAnswer> {
  const address = parsed(target.traddr);
  const kind = address.family === 6 ? protocol.icmpv6 : protocol.icmp;
  for (const type of [socketType.datagram, socketType.raw]) {
    try {
      return await withSocket(target, address, type, kind, async (libc, fd) => {
        echoSequence = (echoSequence + 1) & 0xffff;
        const sequence = echoSequence;
        const echo = echoRequest(address.family === 6, packetBytes, sequence);
        if (!sendEcho(libc, fd, target.traddr, address, echo)) return "too-large";
        return await awaitEcho(
          libc,
          fd,
          timeoutMs,
          (packet) => isReply(packet, sequence, type === socketType.raw),
        );
      });
    } catch (error) {
      if (!(error instanceof KernelError) || !["EACCES", "EPERM"].includes(error.code)) throw error;
      // The kind for everybody is switched off on some hosts; root has the other.
    }
  }
  return "forbidden";
}

/** Answers false where it is larger than what this host may send there. */
function sendEcho(
  libc: Library,
  fd: number,
  traddr: string,
  address: IpAddress,
  echo: Uint8Array<ArrayBuffer>,
): boolean {
  const [where, which] = address.family === 6
    ? [level.ipv6, option.ipv6Discover]
    : [level.ip, option.ipDiscover];
  // Sent whole whatever was learnt of the way before (IP_PMTUDISC_PROBE): it is to be found out.
  setNumber(libc, fd, where, which, 3);
  const what = `Cannot send an echo to ${traddr}`;
  connect(libc, fd, address, 0, what);
  if (libc.call.write(fd, echo, BigInt(echo.length)) >= 0n) return true;
  const error = libcFailure(libc, what);
  // A raw socket calls a packet that was dropped at once ENOBUFS: it is waited for in vain.
  if (error.code === "ENOBUFS") return true;
  if (error.code === "EMSGSIZE") return false;
  throw error;
}

/** Other packets of ICMP come as well where the socket is a raw one, on loopback our own request among them. */
async function awaitEcho(
  libc: Library,
  fd: number,
  timeoutMs: number,
  isAnswer: (packet: Uint8Array) => boolean,
): Promise<EchoAnswer> {
  const buffer = new Uint8Array(128);
  const startUs = monotonicMicroseconds();
  for (let packets = 0; packets < 100; packets++) {
    const leftMs = timeoutMs - Number(monotonicMicroseconds() - startUs) / 1_000;
    if (leftMs <= 0 || !await waitFor(libc, fd, pollFor.read, leftMs)) return "lost";
    const count = Number(libc.call.recv(fd, buffer, BigInt(buffer.length), 0x40));
    // What a router says of a packet that is too large comes as an error of the socket.
    if (count < 0) return libcFailure(libc, "recv").code === "EMSGSIZE" ? "too-large" : "lost";
    if (isAnswer(buffer.subarray(0, count))) return "back";
  }
  return "lost";
}

/**
 * A raw socket hears the answers to all echoes of this host to that address: sequence and identifier tell them apart.
 * Of version 4 it gives the IP header as well: 0x45 … with its length in words of four bytes. The identifier of a
 * datagram socket is the kernel's, which tells apart by itself.
 */
function isReply(packet: Uint8Array, sequence: number, isRaw: boolean): boolean {
  const first = packet[0] ?? 0;
  const at = first >> 4 === 4 ? (first & 15) * 4 : 0;
  if (packet.length < at + 8 || (packet[at] !== 0 && packet[at] !== 129)) return false;
  const view = new DataView(packet.buffer, packet.byteOffset + at, 8);
  return view.getUint16(6) === sequence && (!isRaw || view.getUint16(4) === echoIdentifier());
}

/** Of the last echo; another one for each. */
let echoSequence = 0;

function echoIdentifier(): number {
  return Deno.pid & 0xffff;
}

/**
 *     0        1        2           4            6            8
 *     ├ type ──┼ code 0 ┼ checksum ─┼ identifier ┼ sequence ──┼ payload, zeros …
 *       8, 128
 *
 * The headers of IP (20 or 40 bytes) count as well. Of version 6 the kernel computes the checksum, and of the identifier
 * of a datagram socket.
 */
function echoRequest(isV6: boolean, packetBytes: number, sequence: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(8, packetBytes - (isV6 ? 40 : 20)));
  const view = new DataView(bytes.buffer);
  bytes[0] = isV6 ? 128 : 8;
  view.setUint16(4, echoIdentifier());
  view.setUint16(6, sequence);
  if (!isV6) view.setUint16(2, checksum([0x0800, echoIdentifier(), sequence]));
  return bytes;
}

/** The complement of the sum of 16-bit words, carries added again (RFC 1071); words that are left out are zero. */
function checksum(words: readonly number[]): number {
  const sum = words.reduce((all, word) => {
    const next = all + word;
    return (next & 0xffff) + (next >> 16);
  }, 0);
  return ~sum & 0xffff;
}

function parsed(traddr: string): IpAddress {
  const address = parseIpAddress(traddr);
  if (address === null) {
    throw new KernelError("EINVAL", `Cannot look for a way to ${traddr}: it is no IP address`);
  }
  return address;
}

/** Calls `action` with a socket that leaves as the target wants, closed again when it is done. */
function withSocket<Result>(
  { traddr, hostTraddr, hostIface }: WayTarget,
  address: IpAddress,
  type: number,
  kind: number,
  action: (libc: Library, fd: number) => Result,
): Result {
  const libc = loadLibc();
  const what = `Cannot look for a way to ${traddr}`;
  const flags = type | socketType.closeOnExec | socketType.nonBlocking;
  const fd = libc.call.socket(family[address.family], flags, kind);
  if (fd < 0) throw libcFailure(libc, what);
  let isPending = false;
  try {
    const source = hostTraddr === undefined ? null : parseIpAddress(hostTraddr);
    if (source !== null && source.family === address.family) {
      const from = socketAddress(source, 0);
      if (libc.call.bind(fd, from, from.length) !== 0) throw toldFailure(libc, `${what} from ${hostTraddr}`);
    }
    if (hostIface !== undefined) {
      const name = new TextEncoder().encode(`${hostIface}\0`);
      // Kernels before 5.7 grant it to root alone; the routes decide then.
      libc.call.setsockopt(fd, level.socket, option.bindToDevice, name, name.length);
    }
    const result = action(libc, fd);
    if (!(result instanceof Promise)) return result;
    isPending = true;
    return result.finally(() => closeDescriptor(fd)) as Result;
  } finally {
    if (!isPending) closeDescriptor(fd);
  }
}

function connect(libc: Library, fd: number, address: IpAddress, port: number, what: string): void {
  const to = socketAddress(address, port);
  if (libc.call.connect(fd, to, to.length) !== 0) throw toldFailure(libc, what);
}

function toldFailure(libc: Library, what: string): KernelError {
  const { code } = libcFailure(libc, what);
  return new KernelError(code, `${what}: ${errnoText(code)}`);
}

/**
 *     sockaddr_in    family u16, port u16 (big), address 4, zeros 8
 *     sockaddr_in6   family u16, port u16 (big), flow u32, address 16, scope u32
 */
function socketAddress(address: IpAddress, port: number): Uint8Array<ArrayBuffer> {
  const isV6 = address.family === 6;
  const view = new DataView(new ArrayBuffer(isV6 ? 28 : 16));
  view.setUint16(0, family[address.family], true);
  view.setUint16(2, port, false);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(address.bytes, isV6 ? 8 : 4);
  if (isV6 && address.scope !== undefined) view.setUint32(24, interfaceIndex(address.scope), true);
  return bytes;
}

function interfaceIndex(scope: string): number {
  if (/^\d+$/.test(scope)) return Number(scope);
  try {
    return Number(Deno.readTextFileSync(`/sys/class/net/${scope}/ifindex`));
  } catch {
    throw new KernelError("ENODEV", `Cannot look for a way: there is no interface ${scope}`);
  }
}

function sourceOf(libc: Library, fd: number, traddr: string): string {
  const bytes = new Uint8Array(28);
  const length = new Uint8Array(new Uint32Array([bytes.length]).buffer);
  if (libc.call.getsockname(fd, bytes, length) !== 0) {
    throw libcFailure(libc, `Cannot find a way to ${traddr}`);
  }
  const isV6 = bytes[0] === family[6];
  return formatIpAddress({
    family: isV6 ? 6 : 4,
    bytes: [...isV6 ? bytes.subarray(8, 24) : bytes.subarray(4, 8)],
  });
}

function mtuOf(libc: Library, fd: number, { family }: IpAddress): number | null {
  const value = new Uint8Array(4);
  const length = new Uint8Array(new Uint32Array([4]).buffer);
  const [where, which] = family === 6 ? [level.ipv6, option.ipv6Mtu] : [level.ip, option.ipMtu];
  if (libc.call.getsockopt(fd, where, which, value, length) !== 0) return null;
  return new DataView(value.buffer).getUint32(0, true);
}

/**
 *     16            60            68           84
 *     ├ snd_mss u32 ┼ pmtu u32 …  ┼ rtt u32 …  ┼ advmss u32
 *
 * State 1, in the first byte, is an established connection.
 */
function tcpTerms(libc: Library, fd: number): TcpTerms | null {
  const info = new Uint8Array(104);
  const length = new Uint8Array(new Uint32Array([info.length]).buffer);
  if (libc.call.getsockopt(fd, level.tcp, option.tcpInfo, info, length) !== 0 || info[0] !== 1) return null;
  const view = new DataView(info.buffer);
  return {
    sendBytesMax: view.getUint32(16, true),
    receiveBytesMax: view.getUint32(84, true),
    pathMtuBytes: view.getUint32(60, true),
    roundTripMs: view.getUint32(68, true) / 1_000,
  };
}

function setNumber(libc: Library, fd: number, where: number, which: number, value: number): void {
  const bytes = new Uint8Array(new Int32Array([value]).buffer);
  libc.call.setsockopt(fd, where, which, bytes, bytes.length);
}

/** On a thread of its own. struct pollfd: fd i32, events i16, revents i16. */
async function waitFor(libc: Library, fd: number, events: number, timeoutMs: number): Promise<boolean> {
  const view = new DataView(new ArrayBuffer(8));
  view.setInt32(0, fd, true);
  view.setInt16(4, events, true);
  return await libc.call.poll(new Uint8Array(view.buffer), 1n, Math.ceil(timeoutMs)) > 0;
}
