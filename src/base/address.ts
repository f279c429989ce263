/**
 * IP addresses as values: parse, canonical text, comparison. The kernel, sysfs and people spell one address in
 * several ways (`::1`, `0:0:0:0:0:0:0:1`, `::ffff:10.0.0.1`); comparing texts takes them for different ones.
 * Resolves nothing.
 */

export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: readonly number[];
  /** IPv6 scope (`eth0` or an index), as written. */
  readonly scope?: string;
}

const ipv4Pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Parses IPv4 dotted decimal or IPv6 (RFC 4291 §2.2, with `%scope` by RFC 4007); null when it is neither. */
export function parseIpAddress(text: string): IpAddress | null {
  if (text.length > 64) return null;
  const v4 = parseIpv4(text);
  if (v4 !== null) return { family: 4, bytes: v4 };
  const percent = text.indexOf("%");
  const scope = percent < 0 ? undefined : text.slice(percent + 1);
  if (scope !== undefined && !/^[A-Za-z0-9_.@-]{1,15}$/.test(scope)) return null;
  const bytes = parseIpv6(percent < 0 ? text : text.slice(0, percent));
  if (bytes === null) return null;
  // IPv4-mapped (RFC 4291 §2.5.5.2) is the same host under another spelling.
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff) {
    return { family: 4, bytes: bytes.slice(12) };
  }
  return scope === undefined ? { family: 6, bytes } : { family: 6, bytes, scope };
}

function parseIpv4(text: string): number[] | null {
  const match = ipv4Pattern.exec(text);
  if (match === null) return null;
  const bytes: number[] = [];
  for (let at = 1; at <= 4; at++) {
    const part = match[at] ?? "";
    // A leading zero means octal to some readers and decimal to others: refuse it.
    if (Number(part) > 255 || (part.length > 1 && part.startsWith("0"))) return null;
    bytes.push(Number(part));
  }
  return bytes;
}

function parseIpv6(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  // Dotted decimal may only end the whole address.
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : null;
  return missing < 2 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function parseGroups(text: string, mayEndDotted: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (mayEndDotted && index === groups.length - 1 && group.includes(".")) {
      const v4 = parseIpv4(group);
      if (v4 === null) return null;
      bytes.push(...v4);
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return null;
  }
  return bytes.length > 16 ? null : bytes;
}

/** Canonical text (RFC 5952), the scope kept. */
export function formatIpAddress(address: IpAddress): string {
  if (address.family === 4) {
    const [a, b, c, d] = address.bytes;
    return `${a}.${b}.${c}.${d}`;
  }
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) {
    groups.push(((address.bytes[at] ?? 0) << 8) | (address.bytes[at + 1] ?? 0));
  }
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  const text = bestStart < 0
    ? hex(groups)
    : `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
  return address.scope === undefined ? text : `${text}%${address.scope}`;
}

/** Canonical spelling of an address; a host name comes back lower-cased, without a final dot. */
export function canonicalAddress(text: string): string {
  const address = parseIpAddress(text);
  return address === null ? text.toLowerCase().replace(/\.$/, "") : formatIpAddress(address);
}

export function isIpAddress(text: string): boolean {
  return parseIpAddress(text) !== null;
}

/**
 * Whether two texts name the same address. A scope on one side only does not tell them apart: the kernel shows
 * link-local addresses with and without it.
 */
export function sameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseIpAddress(a);
  const right = parseIpAddress(b);
  if (left === null || right === null) return canonicalAddress(a) === canonicalAddress(b);
  if (left.family !== right.family || left.bytes.some((byte, at) => byte !== right.bytes[at])) return false;
  return left.scope === undefined || right.scope === undefined || left.scope === right.scope;
}

/** RFC 1123 host name: letters, digits and inner hyphens, labels up to 63, 253 in all. */
export function isHostName(text: string): boolean {
  return text.length <= 253 &&
    /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?$/.test(text) &&
    !/^[\d.]+$/.test(text);
}

/**
 * Splits `10.0.0.1`, `10.0.0.1:8009`, `[fe80::1%eth0]:8009`, `fe80::1` or `node1:8009` into host and port text;
 * null when it has none of these forms. The port is not range-checked here.
 */
export function splitHostPort(text: string): { host: string; port?: string } | null {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) {
    const [, host = "", port] = bracketed;
    if (!host.includes(":") || parseIpAddress(host) === null) return null;
    return port === undefined ? { host } : { host, port };
  }
  const [host = "", port, ...more] = text.split(":");
  if (more.length > 0) return parseIpAddress(text) === null ? null : { host: text };
  if (host === "" || /[[\]]/.test(host)) return null;
  return port === undefined ? { host } : { host, port };
}

/** A TCP port, 1 to 65535, in plain decimal; undefined otherwise. */
export function parsePort(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** `10.0.0.1:8009`, `[fe80::1]:8009`. */
export function formatHostPort(host: string, port: number | string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
