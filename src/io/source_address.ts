/**
 * The address of this host that a connection shall leave by, from what an entry says about source and interface. The
 * runtime cannot bind a socket to an interface as the kernel does (SO_BINDTODEVICE): an address of the interface
 * stands in, and the routes decide the rest. Opens nothing.
 */
import { formatIpAddress, type IpAddress, parseIpAddress } from "../base/address.ts";
import { TransportError } from "../base/errors.ts";

/** What we need of `Deno.NetworkInterfaceInfo`. */
export type InterfaceAddress = Pick<Deno.NetworkInterfaceInfo, "name" | "address">;

export interface WantedSource {
  readonly hostTraddr?: string;
  readonly hostIface?: string;
}

export interface SourceAddress {
  /** What to bind to; undefined leaves it to the routes. */
  readonly bindTo?: string;
  /** Where the connection may leave by for the wish to be granted. */
  readonly granted: readonly string[];
}

/**
 * `label` names the other side in messages. Throws TransportError: `EAFNOSUPPORT` for an IPv4 source of an IPv6
 * connection or the other way round, `ENODEV` without the interface, `EADDRNOTAVAIL` when it has no address that fits.
 */
export function sourceAddress(
  target: IpAddress,
  { hostTraddr, hostIface }: WantedSource,
  label: string,
  interfaces: () => readonly InterfaceAddress[],
): SourceAddress | null {
  if (hostTraddr !== undefined) return givenAddress(target, hostTraddr, label);
  return hostIface === undefined ? null : interfaceAddress(target, hostIface, label, interfaces());
}

function givenAddress(target: IpAddress, hostTraddr: string, label: string): SourceAddress {
  const source = parseIpAddress(hostTraddr);
  if (source === null || source.family !== target.family) {
    const reason = `its address is IPv${target.family}, and the source ${hostTraddr} is not`;
    throw new TransportError("EAFNOSUPPORT", `Cannot connect to ${label}: ${reason}`);
  }
  return bindable(source, [hostTraddr]);
}

function interfaceAddress(
  target: IpAddress,
  name: string,
  label: string,
  all: readonly InterfaceAddress[],
): SourceAddress {
  const own = all.filter((it) => it.name === name);
  if (own.length === 0) {
    throw new TransportError(
      "ENODEV",
      `Cannot connect to ${label}: there is no interface ${name} with an address`,
    );
  }
  const fitting = own.flatMap((it) => {
    const address = parseIpAddress(it.address);
    const fits = address !== null && address.family === target.family &&
      isLinkLocal(address) === isLinkLocal(target);
    return fits ? [{ address, shared: sharedBits(address, target) }] : [];
  });
  // The one nearest to the target: the same subnet, where there is one.
  const [nearest] = fitting.sort((a, b) => b.shared - a.shared);
  if (nearest === undefined) {
    const reason = `the interface ${name} has no IPv${target.family} address that reaches it`;
    throw new TransportError("EADDRNOTAVAIL", `Cannot connect to ${label}: ${reason}`);
  }
  return bindable(nearest.address, fitting.map(({ address }) => formatIpAddress(address)));
}

/** The runtime binds no link-local address; the scope of the other side's selects the interface there anyway. */
function bindable(source: IpAddress, granted: readonly string[]): SourceAddress {
  return isLinkLocal(source) ? { granted } : { granted, bindTo: formatIpAddress(source) };
}

/** fe80::/10 (RFC 4291 §2.4); IPv4 has addresses of that kind, and no scopes. */
function isLinkLocal({ family, bytes }: IpAddress): boolean {
  return family === 6 && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

function sharedBits(a: IpAddress, b: IpAddress): number {
  for (const [at, byte] of a.bytes.entries()) {
    const difference = byte ^ (b.bytes[at] ?? 0);
    if (difference !== 0) return at * 8 + Math.clz32(difference) - 24;
  }
  return a.bytes.length * 8;
}
