/**
 * internal.json: the endpoint list across restarts, in the predecessor's format, our own fields beside. An entry that
 * cannot be used costs only itself; a file that is no such JSON is refused. Holds no secrets, ever: those stay in
 * the entry files. Reads and writes no file itself.
 */
import { canonicalAddress, isHostName, isIpAddress } from "../base/address.ts";
import { ConfigError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { quoteText } from "../base/quote.ts";
import type { Cluster } from "../model/cluster.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import { formatHostId, nqnProblem, parseHostId } from "../nvme/nqn.ts";

/** One remembered endpoint. */
export interface StateEntry {
  readonly cluster: Cluster;
  readonly transport: "tcp";
  /** Canonical IP address, or host name. */
  readonly traddr: string;
  readonly trsvcid: number;
  /** UUID text in lower case. */
  readonly hostid?: string;
  readonly discoveryNqn?: string;
  readonly persistent: boolean;
  readonly hostTraddr?: string;
  /** Seconds; -1 for ever. */
  readonly ctrlLossTmo?: number;
  readonly source: "user" | "referral";
  /** Labels (`10.0.0.1:8009`) of the endpoints whose logs named it. */
  readonly namedBy: readonly string[];
  /** It left the list by the others' word, and is kept to fall back on. */
  readonly retired: boolean;
  /** Host name that gave the address. */
  readonly hostName?: string;
  /** The other connect options; nothing that secures a connection. */
  readonly options?: RememberedOptions;
  /** The entry files hold keys or secrets for it, which are never written here: without them it is not connected. */
  readonly secured?: boolean;
}

const rememberedCounts = [
  "keepAliveTmo",
  "reconnectDelay",
  "nrIoQueues",
  "nrWriteQueues",
  "nrPollQueues",
  "queueSize",
  "tos",
] as const;
const rememberedFlags = ["hdrDigest", "dataDigest", "disableSqflow"] as const;

/** Every connect option but those with a field of their own, and those that secure a connection. */
export const rememberedOptionNames = [
  "hostIface",
  "fastIoFailTmo",
  ...rememberedCounts,
  ...rememberedFlags,
] as const;

/** Whole numbers and flags, named and ranged as in `ConnectOptions`; and the interface. */
export type RememberedOptions = Pick<ConnectOptions, typeof rememberedOptionNames[number]>;

export interface State {
  readonly entries: readonly StateEntry[];
  /** Wall clock, ms since 1970. */
  readonly createdAtMs: number;
  /** `configDigest` of the files it was made from; absent in the predecessor's files. */
  readonly configDigest?: string;
  /** Host NQN that the host's own identifier belongs to; absent: nobody's yet. */
  readonly hostidOwner?: string;
}

export interface ParsedState extends State {
  /** What of it could not be used, in words; at most `limits.lineErrorsPerFileMax` and a count. */
  readonly problems: readonly string[];
}

/** The text of internal.json; `parseState` reads it back. */
export function formatState(state: State): string {
  const document = {
    entries: state.entries.map(formatEntry),
    creation_time: new Date(state.createdAtMs).toISOString(),
    ...(state.configDigest === undefined ? {} : { config_digest: state.configDigest }),
    ...(state.hostidOwner === undefined ? {} : { host_id_owner: state.hostidOwner }),
  };
  return `${JSON.stringify(document, null, "\t")}\n`;
}

/** The predecessor's fields in its order, every one of them; ours only where they say something. */
function formatEntry(entry: StateEntry): Record<string, unknown> {
  return {
    Transport: entry.transport,
    Trsvcid: entry.trsvcid,
    Traddr: entry.traddr,
    Hostnqn: entry.cluster.hostnqn,
    Hostid: entry.hostid ?? "",
    Subsysnqn: entry.cluster.subsysnqn,
    Persistent: entry.persistent,
    Hostaddr: entry.hostTraddr ?? "",
    EntrySource: entry.source,
    CtrlLossTMO: entry.ctrlLossTmo ?? null,
    ...(entry.namedBy.length === 0 ? {} : { NamedBy: entry.namedBy.slice(0, limits.namedByMax) }),
    ...(entry.retired ? { Retired: true } : {}),
    ...(entry.hostName === undefined ? {} : { HostName: entry.hostName }),
    ...(entry.discoveryNqn === undefined ? {} : { DiscoveryNqn: entry.discoveryNqn }),
    ...(entry.options === undefined ? {} : { Options: entry.options }),
    ...(entry.secured ? { Secured: true } : {}),
  };
}

/** Throws ConfigError `corrupt-state` when the bytes are no such document, `too-large` beyond the bound. */
export function parseState(bytes: Uint8Array): ParsedState {
  if (bytes.length > limits.stateBytesMax) {
    const reason = `it has ${bytes.length} bytes, at most ${limits.stateBytesMax} are read`;
    throw new ConfigError("too-large", `Cannot parse internal.json: ${reason}`);
  }
  const document = parseDocument(bytes);
  const createdAtMs = typeof document.creation_time === "string" ? Date.parse(document.creation_time) : NaN;
  if (Number.isNaN(createdAtMs)) throw corrupt("creation_time is not a time (RFC 3339)");
  // The predecessor leaves `entries` out, or writes null, when there are none.
  const list = document.entries ?? [];
  if (!Array.isArray(list)) throw corrupt("entries is not a list");
  const { config_digest: digest, host_id_owner: owner } = document;
  return {
    ...parseEntries(list),
    createdAtMs,
    ...(typeof digest === "string" && /^[0-9a-f]{1,64}$/.test(digest) ? { configDigest: digest } : {}),
    ...(isNqn(owner) ? { hostidOwner: owner } : {}),
  };
}

function parseDocument(bytes: Uint8Array): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt(bytes.length === 0 ? "it is empty" : `it is not JSON: ${quoteText(messageOf(error), 160)}`);
  }
  if (!isRecord(document)) throw corrupt("it is not a JSON object");
  return document;
}

function corrupt(reason: string): ConfigError {
  return new ConfigError("corrupt-state", `Cannot parse internal.json: ${reason}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseEntries(list: readonly unknown[]): { entries: StateEntry[]; problems: string[] } {
  const entries: StateEntry[] = [];
  const problems: string[] = [];
  let bad = 0;
  for (const [index, item] of list.slice(0, limits.entriesMax).entries()) {
    const entry = parseEntry(item);
    if (typeof entry !== "string") entries.push(entry);
    else if (++bad <= limits.lineErrorsPerFileMax) {
      problems.push(`Ignored entry ${index + 1} of internal.json: ${entry}`);
    }
  }
  const more = list.length - entries.length - problems.length;
  if (more > 0) problems.push(`Ignored ${more} more entries of internal.json`);
  return { entries, problems };
}

/** The entry, or words why it is none. */
function parseEntry(item: unknown): StateEntry | string {
  if (!isRecord(item)) return "it is not an object";
  const { Transport, Traddr, Hostnqn, Subsysnqn } = item;
  if (Transport !== "tcp") return "Transport is not tcp";
  if (!isNqn(Hostnqn)) return "Hostnqn is not an NQN";
  if (!isNqn(Subsysnqn)) return "Subsysnqn is not an NQN";
  if (typeof Traddr !== "string" || !isAddress(Traddr)) return "Traddr is not an address";
  const trsvcid = Number(item.Trsvcid);
  if (!isPortValue(item.Trsvcid)) return "Trsvcid is not a port";
  const hostid = textOf(item.Hostid);
  const hostidBytes = hostid === undefined ? null : parseHostId(hostid);
  if (hostid !== undefined && hostidBytes === null) return "Hostid is not a UUID";
  return {
    cluster: { subsysnqn: Subsysnqn, hostnqn: Hostnqn },
    transport: "tcp",
    traddr: canonicalAddress(Traddr),
    trsvcid,
    ...(hostidBytes === null ? {} : { hostid: formatHostId(hostidBytes) }),
    persistent: item.Persistent === true,
    source: item.EntrySource === "referral" ? "referral" : "user",
    ...parseExtras(item),
  };
}

/** The fields that an entry can do without: a bad one is as good as none. */
function parseExtras(item: Record<string, unknown>) {
  const { Hostaddr, CtrlLossTMO, NamedBy, HostName, DiscoveryNqn } = item;
  const named = Array.isArray(NamedBy) ? NamedBy.filter(isLabel).slice(0, limits.namedByMax) : [];
  return {
    namedBy: named,
    retired: item.Retired === true,
    ...(typeof Hostaddr === "string" && isIpAddress(Hostaddr)
      ? { hostTraddr: canonicalAddress(Hostaddr) }
      : {}),
    ...(isLossSeconds(CtrlLossTMO) ? { ctrlLossTmo: CtrlLossTMO } : {}),
    ...(typeof HostName === "string" && isHostName(HostName) ? { hostName: HostName.toLowerCase() } : {}),
    ...(isNqn(DiscoveryNqn) ? { discoveryNqn: DiscoveryNqn } : {}),
    ...parseOptions(item.Options),
    ...(item.Secured === true ? { secured: true } : {}),
  };
}

/** Those that are what they should be. */
function parseOptions(value: unknown): { options?: RememberedOptions } {
  if (!isRecord(value)) return {};
  const { hostIface, fastIoFailTmo } = value;
  const options: RememberedOptions = {
    ...(typeof hostIface === "string" && /^[\x21-\x2b\x2d-\x7e]{1,15}$/.test(hostIface) ? { hostIface } : {}),
    ...(isLossSeconds(fastIoFailTmo) ? { fastIoFailTmo } : {}),
    ...Object.fromEntries(
      rememberedCounts.flatMap((name) => isCount(value[name]) ? [[name, value[name]]] : []),
    ),
    ...Object.fromEntries(rememberedFlags.flatMap((name) => value[name] === true ? [[name, true]] : [])),
  };
  return Object.keys(options).length === 0 ? {} : { options };
}

function isCount(value: unknown): value is number {
  return isLossSeconds(value) && value >= 0;
}

function isNqn(value: unknown): value is string {
  return typeof value === "string" && nqnProblem(value) === null;
}

function isAddress(text: string): boolean {
  return isIpAddress(text) || isHostName(text);
}

/** A number in the predecessor's files; text is taken too. */
function isPortValue(value: unknown): boolean {
  if (typeof value === "string" && !/^\d{1,5}$/.test(value)) return false;
  const port = typeof value === "string" || typeof value === "number" ? Number(value) : NaN;
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function isLossSeconds(value: unknown): value is number {
  // JSON has a number -0, which is not written back.
  return typeof value === "number" && Number.isInteger(value) && value >= -1 && value <= 2 ** 31 - 1 &&
    !Object.is(value, -0);
}

function isLabel(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,300}$/.test(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
