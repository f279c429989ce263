/**
 * What Linux reads in one write to /dev/nvme-fabrics (drivers/nvme/host/fabrics.c, nvmf_parse_options), written anew
 * from its behaviour: tokens, ranges, defaults. Throws KernelError with the errno the kernel would give; knows no
 * controller and no network.
 */
import { parseIpAddress } from "../../src/base/address.ts";
import { KernelError } from "../../src/base/errors.ts";

export interface FabricsOptions {
  readonly transport: string;
  readonly nqn: string;
  /** As written: the kernel compares strings. */
  readonly traddr: string;
  readonly trsvcid: string;
  readonly hostnqn: string;
  /** UUID text, lower case. */
  readonly hostid: string;
  readonly hostTraddr?: string;
  readonly hostIface?: string;
  /** Seconds; negative for ever. */
  readonly ctrlLossTmo: number;
  /** Seconds. */
  readonly reconnectDelay: number;
  /** Seconds. */
  readonly keepAliveTmo: number;
  readonly discovery: boolean;
  /** Every token given, with its text; flags have an empty one. May hold secrets. */
  readonly given: ReadonlyMap<string, string>;
}

type Kind = "text" | "flag" | { readonly least: number; readonly most?: number };

const kinds: Readonly<Record<string, Kind>> = {
  transport: "text",
  nqn: "text",
  traddr: "text",
  trsvcid: "text",
  hostnqn: "text",
  hostid: "text",
  host_traddr: "text",
  host_iface: "text",
  queue_size: { least: 16, most: 1024 },
  nr_io_queues: { least: 1 },
  nr_write_queues: { least: 1 },
  nr_poll_queues: { least: 1 },
  keep_alive_tmo: { least: 0 },
  reconnect_delay: { least: 1 },
  ctrl_loss_tmo: { least: -Infinity },
  fast_io_fail_tmo: { least: -Infinity },
  tos: { least: 0 },
  hdr_digest: "flag",
  data_digest: "flag",
  disable_sqflow: "flag",
  duplicate_connect: "flag",
  discovery: "flag",
  dhchap_secret: "text",
  dhchap_ctrl_secret: "text",
  tls: "flag",
  concat: "flag",
  keyring: { least: 1 },
  tls_key: { least: 1 },
};

/** All tokens of a recent kernel. */
export const fabricsTokens: readonly string[] = Object.keys(kinds);

/** NVME_DEFAULT_KATO, seconds. */
const keepAliveDefault = 5;
const writeBytesMax = 4095;
const nqnCharsMax = 222;
const discoveryNqn = "nqn.2014-08.org.nvmexpress.discovery";

/** `defaults`: the host identity the kernel made up at module load. `known`: the tokens of this kernel. */
export function parseFabricsOptions(
  text: string,
  known: ReadonlySet<string>,
  defaults: { readonly hostnqn: string; readonly hostid: string },
): FabricsOptions {
  if (new TextEncoder().encode(text).length > writeBytesMax) throw failure("ENOMEM", "The write is too long");
  const given = new Map<string, string>();
  for (const part of text.replace(/\n$/, "").split(/[,\n]/)) {
    if (part !== "") given.set(...parseToken(part, known));
  }
  const value = (name: string) => given.get(name);
  const required = (name: string) => {
    const found = value(name);
    if (found === undefined) throw failure("EINVAL", `Missing option ${name}`);
    return found;
  };
  const number = (name: string, otherwise: number) =>
    given.has(name) ? parseNumber(given.get(name)!)! : otherwise;
  const transport = required("transport");
  const nqn = checkedNqn("nqn", required("nqn"));
  if (transport !== "tcp") throw failure("EINVAL", `No handler found for transport ${transport}`);
  checkConcat(given);
  const discovery = given.has("discovery") || nqn === discoveryNqn;
  return {
    transport,
    nqn,
    traddr: checkedAddress("traddr", required("traddr"))!,
    trsvcid: checkedPort(value("trsvcid") ?? "8009"),
    hostnqn: checkedNqn("hostnqn", value("hostnqn") ?? defaults.hostnqn),
    hostid: checkedUuid(value("hostid") ?? defaults.hostid),
    hostTraddr: checkedAddress("host_traddr", value("host_traddr")),
    hostIface: value("host_iface"),
    ctrlLossTmo: number("ctrl_loss_tmo", 600),
    reconnectDelay: number("reconnect_delay", 10),
    // 0 is the default for an I/O controller.
    keepAliveTmo: number("keep_alive_tmo", 0) || (discovery ? 0 : keepAliveDefault),
    discovery,
    given,
  };
}

function parseToken(part: string, known: ReadonlySet<string>): [string, string] {
  const equals = part.indexOf("=");
  const name = equals < 0 ? part : part.slice(0, equals);
  const value = equals < 0 ? "" : part.slice(equals + 1);
  const kind = kinds[name];
  const flagFits = (kind === "flag") === (equals < 0);
  if (kind === undefined || !known.has(name) || !flagFits) {
    throw failure("EINVAL", `Unknown parameter or missing value ${name}`);
  }
  if (typeof kind === "object") {
    const number = parseNumber(value);
    if (number === null || number < kind.least || number > (kind.most ?? Infinity)) {
      throw failure("EINVAL", `Invalid ${name} ${value}`);
    }
  }
  if (/^dhchap_/.test(name) && (!value.startsWith("DHHC-1:") || value.length < 11)) {
    throw failure("EINVAL", `Invalid DH-CHAP secret for ${name}`);
  }
  return [name, value];
}

function checkConcat(given: ReadonlyMap<string, string>): void {
  if (!given.has("concat")) return;
  if (given.has("tls")) throw failure("EINVAL", "Secure concatenation over TLS is not supported");
  if (given.has("tls_key")) throw failure("EINVAL", "Cannot specify a TLS key for secure concatenation");
  if (!given.has("dhchap_secret")) throw failure("EINVAL", "Need DH-CHAP for secure concatenation");
}

/** As match_int reads: decimal, hex with 0x, octal with 0, in 32 bits. */
function parseNumber(text: string): number | null {
  if (!/^-?(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.test(text)) return null;
  const digits = text.replace(/^-/, "").replace(/^0(?=\d)/, "0o");
  const number = text.startsWith("-") ? -Number(digits) : Number(digits);
  return Math.abs(number) < 2 ** 31 ? number : null;
}

function checkedNqn(name: string, text: string): string {
  if (text === "" || text.length > nqnCharsMax) {
    throw failure("EINVAL", `Invalid ${name} of ${text.length} characters`);
  }
  return text;
}

function checkedUuid(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw failure("EINVAL", `Invalid hostid ${text}`);
  }
  return text.toLowerCase();
}

function checkedAddress(name: string, text: string | undefined): string | undefined {
  if (text !== undefined && parseIpAddress(text) === null) {
    throw failure("EINVAL", `Malformed ${name} ${text}`);
  }
  return text;
}

function checkedPort(text: string): string {
  const port = parseNumber(text);
  if (port === null || port < 0 || port > 65_535) throw failure("EINVAL", `Malformed trsvcid ${text}`);
  return text;
}

function failure(errno: string, message: string): KernelError {
  return new KernelError(errno, `Cannot connect: ${message}: ${errno}`);
}
