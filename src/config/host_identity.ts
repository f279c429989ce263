/**
 * Who this host is: decided from the texts of /etc/nvme/hostid and hostnqn, which are read like nvme-cli reads them
 * (the first line counts), from the machine's UUID, and from what an earlier run remembered. Reads and writes no file
 * itself: it says what to write.
 */
import { formatHostId, hostIdOfNqn, nqnProblem, parseHostId } from "../nvme/nqn.ts";

/** A value, or words why there is none. */
export type IdentityText =
  | { readonly value: string; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: string };

/** What was found where a file may be. Only where there is none, one may be made. */
export type IdentityFile =
  | { readonly kind: "missing" }
  | { readonly kind: "text"; readonly text: string }
  /** `problem`: a whole message that names the file. */
  | { readonly kind: "unreadable"; readonly problem: string };

export interface IdentitySources {
  readonly hostid: IdentityFile;
  readonly hostnqn: IdentityFile;
  /** Our own file in internalDir. */
  readonly remembered: IdentityFile;
  /** /sys/class/dmi/id/product_uuid; null where there is none or only root may read it. */
  readonly productUuid: string | null;
  /** 16 random bytes. */
  readonly random: Uint8Array;
  /** Names for messages. */
  readonly paths: { readonly hostid: string; readonly hostnqn: string; readonly remembered: string };
}

export interface IdentityRights {
  /** Missing host files are made. */
  readonly makeHostFiles: boolean;
  /** Only what can be remembered is drawn at random: another identity at each start is worse than none. */
  readonly remember: boolean;
}

export type HostIdSource = "file" | "hostnqn" | "machine" | "remembered" | "random";

export interface IdentityWrite {
  readonly file: "hostid" | "hostnqn" | "remembered";
  /** With its newline. */
  readonly text: string;
}

export interface HostIdentity {
  /** UUID text in lower case; null when nothing tells one. */
  readonly hostid: string | null;
  readonly source: HostIdSource | null;
  /** Null without a usable file and without an identifier to derive one from. */
  readonly hostnqn: string | null;
  /** Files that are there and of no use, whole messages. */
  readonly problems: readonly string[];
  readonly writes: readonly IdentityWrite[];
}

/** Where an identifier comes from, in words that follow "from". */
export const hostIdSourceText: Readonly<Record<HostIdSource, string>> = {
  file: "its file",
  hostnqn: "the UUID in the host NQN's file",
  machine: "the machine's UUID (DMI)",
  remembered: "an earlier start, which drew it at random",
  random: "a random number",
};

const uuidNqnPrefix = "nqn.2014-08.org.nvmexpress:uuid:";

/** File → UUID in the host NQN → machine → remembered → random; nvme-cli's order (libnvme fabrics.c). Pure. */
export function decideHostIdentity(sources: IdentitySources, rights: IdentityRights): HostIdentity {
  const problems: string[] = [];
  const keep = (what: string, path: string, file: IdentityFile, parse: (text: string) => IdentityText) => {
    if (file.kind === "missing") return null;
    if (file.kind === "unreadable") {
      problems.push(file.problem);
      return null;
    }
    const { value, problem } = parse(file.text);
    if (value === undefined) problems.push(`Cannot use the ${what} in ${path}: ${problem}`);
    return value ?? null;
  };
  const { paths } = sources;
  const inFile = keep("host identifier", paths.hostid, sources.hostid, parseHostIdFile);
  const nqnInFile = keep("host NQN", paths.hostnqn, sources.hostnqn, parseHostNqnFile);
  const remembered = keep("host identifier", paths.remembered, sources.remembered, parseHostIdFile);
  const choices: readonly (readonly [HostIdSource, string | null])[] = [
    ["file", inFile],
    ["hostnqn", nqnInFile === null ? null : hostIdOfNqn(nqnInFile)],
    ["machine", sources.productUuid === null ? null : parseProductUuid(sources.productUuid)],
    ["remembered", remembered],
    ["random", rights.remember ? randomHostId(sources.random) : null],
  ];
  const [source, hostid] = choices.find(([, value]) => value !== null) ?? [null, null];
  const hostnqn = nqnInFile ?? (hostid === null ? null : `${uuidNqnPrefix}${hostid}`);
  const found = { hostid, source, hostnqn, problems };
  return { ...found, writes: hostid === null ? [] : writesFor({ ...found, hostid }, sources, rights) };
}

function writesFor(
  { hostid, source, hostnqn }: Pick<HostIdentity, "source" | "hostnqn"> & { readonly hostid: string },
  sources: IdentitySources,
  rights: IdentityRights,
): IdentityWrite[] {
  const writes: IdentityWrite[] = [];
  if (source === "random") writes.push({ file: "remembered", text: `${hostid}\n` });
  if (!rights.makeHostFiles) return writes;
  if (sources.hostid.kind === "missing") writes.push({ file: "hostid", text: `${hostid}\n` });
  // Where an identifier's file is there and of no use, somebody must look first: a name made now would outlive it.
  const isSettled = source === "file" || sources.hostid.kind === "missing";
  if (sources.hostnqn.kind === "missing" && hostnqn !== null && isSettled) {
    writes.push({ file: "hostnqn", text: `${hostnqn}\n` });
  }
  return writes;
}

/** Content of /etc/nvme/hostid: a UUID, answered in lower case. */
export function parseHostIdFile(text: string): IdentityText {
  const line = firstLine(text);
  if (line === "") return { problem: "the first line is empty" };
  const bytes = parseHostId(line);
  return bytes === null
    ? { problem: "the first line is no UUID, or all zero" }
    : { value: formatHostId(bytes) };
}

/** Content of /etc/nvme/hostnqn. */
export function parseHostNqnFile(text: string): IdentityText {
  const line = firstLine(text);
  const problem = nqnProblem(line);
  return problem === null ? { value: line } : { problem: `of the first line, ${problem}` };
}

/**
 * The system's UUID (SMBIOS 3.0 §7.2.1), lower case, or null: firmware without one has all zeros or all ones there.
 * The kernel has already put the first three fields, little-endian in the table, into the order of the text; nvme-cli
 * takes the text as it is, and so do we.
 */
export function parseProductUuid(text: string): string | null {
  const bytes = parseHostId(firstLine(text));
  return bytes === null || bytes.every((byte) => byte === 0xff) ? null : formatHostId(bytes);
}

/** 16 random bytes as a UUID of version 4 (RFC 9562 §5.4). */
export function randomHostId(random: Uint8Array): string {
  const bytes = Uint8Array.from(random.subarray(0, 16));
  bytes[6] = (bytes[6] ?? 0) & 0x0f | 0x40;
  bytes[8] = (bytes[8] ?? 0) & 0x3f | 0x80;
  return formatHostId(bytes);
}

function firstLine(text: string): string {
  return (text.replace(/^\ufeff/, "").split("\n", 1)[0] ?? "").trim();
}
