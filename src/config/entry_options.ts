/**
 * The options of an entry line: one row each, with its names and the reader of its value. The names are those of
 * nvme-cli's discovery.conf; the ranges those of /dev/nvme-fabrics (Linux drivers/nvme/host/fabrics.c).
 * A value never holds a comma, a blank or a control character: it could add an option to the kernel's connect string.
 */
import {
  canonicalAddress,
  formatIpAddress,
  isHostName,
  parseIpAddress,
  parsePort,
  splitHostPort,
} from "../base/address.ts";
import { quoteText } from "../base/quote.ts";
import { Secret } from "../base/secret.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import { formatHostId, nqnProblem, parseHostId, plainTextProblem } from "../nvme/nqn.ts";

/** What a line has said so far. */
export interface EntryDraft {
  transport?: "tcp";
  traddr?: string;
  /** The port inside `--traddr`. */
  traddrPort?: number;
  trsvcid?: number;
  hostnqn?: string;
  subsysnqn?: string;
  hostid?: string;
  persistent?: boolean;
  readonly options: { -readonly [Key in keyof ConnectOptions]: ConnectOptions[Key] };
}

/** Puts a value into the draft; answers words that complete "expected …" when it cannot. */
type ValueReader = (draft: EntryDraft, value: string) => string | null;

export interface EntryOption {
  /** The name that messages use, then others that mean the same; without dashes. */
  readonly names: readonly [string, ...string[]];
  readonly short?: string;
  /** Reads the value; a flag's `set` takes none. */
  readonly read?: ValueReader;
  readonly set?: (draft: EntryDraft, value: boolean) => void;
  /** The value never shows up in a message. */
  readonly secret?: boolean;
}

/** As milliseconds, the longest time a timer can wait, and a fit for the kernel's signed integers. */
const secondsMax = 2_147_483;

export const entryOptions: readonly EntryOption[] = [
  { names: ["transport"], short: "t", read: readTransport },
  { names: ["traddr"], short: "a", read: readTraddr },
  { names: ["trsvcid"], short: "s", read: readTrsvcid },
  { names: ["hostnqn"], short: "q", read: nqnReader((draft, nqn) => draft.hostnqn = nqn) },
  {
    names: ["subsysnqn", "nqn"],
    short: "n",
    read: nqnReader((draft, nqn) => draft.subsysnqn = nqn),
  },
  { names: ["hostid"], short: "I", read: readHostId },
  { names: ["persistent"], short: "p", set: (draft, value) => draft.persistent = value },
  { names: ["host-traddr"], short: "w", read: readHostTraddr },
  { names: ["host-iface"], short: "f", read: readHostIface },
  { names: ["ctrl-loss-tmo"], short: "l", read: numberReader("ctrlLossTmo", -1, secondsMax) },
  { names: ["keep-alive-tmo"], short: "k", read: numberReader("keepAliveTmo", 0, secondsMax) },
  { names: ["reconnect-delay"], short: "c", read: numberReader("reconnectDelay", 1, secondsMax) },
  { names: ["nr-io-queues"], short: "i", read: numberReader("nrIoQueues", 1, 65_535) },
  { names: ["queue-size"], short: "Q", read: numberReader("queueSize", 16, 1_024) },
  { names: ["dhchap-secret"], short: "S", read: secretReader("dhchapSecret"), secret: true },
  { names: ["dhchap-ctrl-secret"], short: "C", read: secretReader("dhchapCtrlSecret"), secret: true },
  { names: ["hdr-digest"], short: "g", set: flagSetter("hdrDigest") },
  { names: ["data-digest"], short: "G", set: flagSetter("dataDigest") },
  { names: ["tls"], set: flagSetter("tls") },
  { names: ["tls-key"], read: readTlsKey, secret: true },
  { names: ["keyring"], read: readKeyring },
];

/** nvme-cli wrote some names with underscores; both are understood. */
const optionsByName = new Map(entryOptions.flatMap((option) => option.names.map((name) => [name, option])));
const optionsByShort = new Map(
  entryOptions.flatMap((option) => option.short === undefined ? [] : [[option.short, option]]),
);

export function optionNamed(name: string): EntryOption | undefined {
  return optionsByName.get(name) ?? optionsByName.get(name.replaceAll("_", "-"));
}

export function optionOfLetter(letter: string): EntryOption | undefined {
  return optionsByShort.get(letter);
}

export const entryOptionNames: readonly string[] = [...optionsByName.keys()];

/** Words why this value cannot stand in a line at all, or null. */
export function valueProblem(value: string): string | null {
  if (value === "") return "a value";
  return plainTextProblem(value) === null ? null : "printable ASCII without commas and blanks";
}

function readTransport(draft: EntryDraft, value: string): string | null {
  if (value !== "tcp") return "tcp, the only transport supported";
  draft.transport = value;
  return null;
}

function readTraddr(draft: EntryDraft, value: string): string | null {
  const split = splitHostPort(value);
  const address = split === null ? null : parseIpAddress(split.host);
  if (split === null || (address === null && !isHostName(split.host))) {
    return "an IP address or host name, with or without a port";
  }
  const port = split.port === undefined ? undefined : parsePort(split.port);
  if (split.port !== undefined && port === undefined) return "a port from 1 to 65535 after the address";
  draft.traddr = address === null ? canonicalAddress(split.host) : formatIpAddress(address);
  draft.traddrPort = port;
  return null;
}

function readTrsvcid(draft: EntryDraft, value: string): string | null {
  draft.trsvcid = parsePort(value);
  return draft.trsvcid === undefined ? "a port from 1 to 65535" : null;
}

function nqnReader(put: (draft: EntryDraft, nqn: string) => void): ValueReader {
  return (draft, value) => {
    const problem = nqnProblem(value);
    if (problem !== null) return `an NQN, but ${problem}`;
    put(draft, value);
    return null;
  };
}

function readHostId(draft: EntryDraft, value: string): string | null {
  const bytes = parseHostId(value);
  if (bytes === null) return "a UUID that is not all zero";
  draft.hostid = formatHostId(bytes);
  return null;
}

function readHostTraddr(draft: EntryDraft, value: string): string | null {
  if (parseIpAddress(value) === null) return "an IP address";
  draft.options.hostTraddr = canonicalAddress(value);
  return null;
}

/** Linux: IFNAMSIZ is 16 with the final NUL; no slash, no colon (dev_valid_name). */
function readHostIface(draft: EntryDraft, value: string): string | null {
  if (!/^[^/:]{1,15}$/.test(value) || value === "." || value === "..") return "a network interface name";
  draft.options.hostIface = value;
  return null;
}

type KeysOf<Wanted> = {
  [Key in keyof ConnectOptions]-?: Required<ConnectOptions>[Key] extends Wanted ? Key : never;
}[keyof ConnectOptions];

function numberReader(key: KeysOf<number>, min: number, max: number): ValueReader {
  return (draft, value) => {
    const number = /^-?\d{1,10}$/.test(value) ? Number(value) : NaN;
    if (!(number >= min && number <= max)) return `a whole number from ${min} to ${max}`;
    draft.options[key] = number;
    return null;
  };
}

/**
 * Base Specification 2.1 §8.3.4.5.7: `DHHC-1:hh:`, Base64 of the key (32, 48 or 64 bytes) with its CRC (4 bytes), and
 * a colon. The CRC is the kernel's to check.
 */
function secretReader(key: KeysOf<Secret>): ValueReader {
  return (draft, value) => {
    const base64 = /^DHHC-1:0[0-3]:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1] ?? "";
    if (![48, 72, 92].includes(base64.length)) return "DHHC-1:hh:Base64: of a key of 32, 48 or 64 bytes";
    draft.options[key] = new Secret(value);
    return null;
  };
}

function flagSetter(key: KeysOf<boolean>): (draft: EntryDraft, value: boolean) => void {
  return (draft, value) => {
    if (value) draft.options[key] = true;
    else delete draft.options[key];
  };
}

function readTlsKey(draft: EntryDraft, value: string): string | null {
  if (!/^(0x[0-9A-Fa-f]{1,8}|[1-9]\d{0,9})$/.test(value)) return "the serial number of a key, decimal or 0x…";
  draft.options.tlsKey = value;
  return null;
}

function readKeyring(draft: EntryDraft, value: string): string | null {
  if (!/^[\w.:@%-]{1,64}$/.test(value)) return "the serial number or name of a keyring";
  draft.options.keyring = value;
  return null;
}

/** Text of a line as a message may show it; what looks like a key is hidden wherever it stands. */
export function shownText(text: string): string {
  return /DHHC-|NVMeTLSkey/i.test(text) ? "[secret]" : quoteText(text);
}
