/**
 * The options of an entry line: one row each, with its names, what it means, and the reader of its value. The names
 * are those of nvme-cli's discovery.conf and `nvme connect`; the ranges those of /dev/nvme-fabrics (Linux
 * drivers/nvme/host/fabrics.c, nvmf_parse_options), narrower where NVMe or a timer sets a bound.
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
import { dhchapSecretShape, isDhchapSecret, looksSecret } from "../nvme/dhchap_secret.ts";
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

/** Queue identifiers have 16 bits (Base Specification 2.1 §3.3.3.2); the kernel takes no more than there are CPUs. */
const queuesMax = 65_535;

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
  { names: ["nr-io-queues"], short: "i", read: numberReader("nrIoQueues", 1, queuesMax) },
  { names: ["nr-write-queues"], short: "W", read: numberReader("nrWriteQueues", 1, queuesMax) },
  { names: ["nr-poll-queues"], short: "P", read: numberReader("nrPollQueues", 1, queuesMax) },
  { names: ["queue-size"], short: "Q", read: numberReader("queueSize", 16, 1_024) },
  { names: ["fast-io-fail-tmo"], short: "F", read: numberReader("fastIoFailTmo", -1, secondsMax) },
  // The kernel takes more than 255, and makes 255 of it.
  { names: ["tos"], short: "T", read: numberReader("tos", 0, 255) },
  { names: ["disable-sqflow"], short: "d", set: flagSetter("disableSqflow") },
  { names: ["dhchap-secret"], short: "S", read: secretReader("dhchapSecret"), secret: true },
  { names: ["dhchap-ctrl-secret"], short: "C", read: secretReader("dhchapCtrlSecret"), secret: true },
  { names: ["hdr-digest"], short: "g", set: flagSetter("hdrDigest") },
  { names: ["data-digest"], short: "G", set: flagSetter("dataDigest") },
  { names: ["tls"], set: flagSetter("tls") },
  { names: ["concat"], set: flagSetter("concat") },
  { names: ["tls-key"], read: readTlsKey, secret: true },
  { names: ["keyring"], read: readKeyring },
];

/**
 * What nvme-cli has and a line cannot have, and why. `duplicate_connect` would make one more controller of a path at
 * every comparison with the kernel.
 */
export const refusedOptions: ReadonlyMap<string, string> = new Map([
  ["duplicate-connect", "a path has one controller, always"],
  ["D", "a path has one controller, always"],
]);

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

function secretReader(key: KeysOf<Secret>): ValueReader {
  return (draft, value) => {
    if (!isDhchapSecret(value)) return dhchapSecretShape;
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
  if (!isKeySerial(value)) return "the serial number of a key, decimal or 0x…";
  draft.options.tlsKey = value;
  return null;
}

/** The kernel takes numbers only, and looks in its own keyring, `.nvme`, when it is given none. */
function readKeyring(draft: EntryDraft, value: string): string | null {
  if (value !== ".nvme" && !isKeySerial(value)) {
    return "the serial number of a keyring, decimal or 0x… (/proc/keys shows it in hex), or .nvme";
  }
  draft.options.keyring = value;
  return null;
}

/** Linux: key_serial_t is a signed 32-bit number, and above zero for a key that exists. */
function isKeySerial(value: string): boolean {
  if (!/^(0x[0-9A-Fa-f]{1,8}|[1-9]\d{0,9})$/.test(value)) return false;
  const serial = Number(value);
  return serial >= 1 && serial <= 0x7fff_ffff;
}

/** What options of one line must not stand without each other, or beside each other; words, or null. */
export function combinationProblem(options: ConnectOptions): string | null {
  const { dhchapSecret, dhchapCtrlSecret, tls = false, concat = false, tlsKey, keyring } = options;
  if (dhchapCtrlSecret !== undefined && dhchapSecret === undefined) {
    return "Cannot use --dhchap-ctrl-secret: it needs --dhchap-secret beside it";
  }
  if (concat && tls) return "Cannot use --concat: it brings its own TLS, and --tls stands beside it";
  if (tlsKey !== undefined && concat) {
    return "Cannot use --tls-key: --concat makes its own key";
  }
  // Without --tls the kernel takes the key, and connects in the clear.
  if (tlsKey !== undefined && !tls) return "Cannot use --tls-key: it needs --tls beside it";
  if (keyring !== undefined && !tls && !concat) {
    return "Cannot use --keyring: it needs --tls or --concat beside it";
  }
  return null;
}

/** Text of a line as a message may show it; what looks like a key is hidden wherever it stands. */
export function shownText(text: string): string {
  return looksSecret(text) ? "[secret]" : quoteText(text);
}
