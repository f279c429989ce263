/**
 * The identity of this machine: reads the files that tell it, and makes the missing ones where it may. What counts
 * and what is written is decided in config/host_identity.ts.
 */
import { errorCode, errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import {
  decideHostIdentity,
  type HostIdentity,
  hostIdSourceText,
  type IdentityFile,
  type IdentityRights,
  type IdentitySources,
  type IdentityWrite,
} from "../config/host_identity.ts";
import { parentOf, writeFileAtomically } from "../io/atomic_file.ts";
import { readTextFileSync } from "../io/host_files.ts";
import { randomBytes } from "../io/real_random.ts";
import { StateFile } from "../io/state_file.ts";

export interface HostIdReading {
  /** Of the host's file: UUID text in lower case; null when it tells none. */
  readonly hostid: string | null;
  /** What the host is called for lack of a file; null where nothing tells it. */
  readonly fallback: string | null;
  /** The host's own NQN; null where nothing tells one. */
  readonly hostnqn: string | null;
  /** Host NQN that an agent remembers this identifier to belong to; null where it remembers none. */
  readonly owner: string | null;
  /** Files of no use, in words; left out when there is none. */
  readonly problem?: string;
  /** What was made, and where the identifier comes from. */
  readonly notes: readonly string[];
}

export interface HostIdPlaces {
  /** The setting nvmeHostIDPath; the file `hostnqn` is beside it. */
  readonly path: string;
  /** Where a random identifier is remembered; undefined: nowhere. */
  readonly internalDir?: string;
  /** False: none is drawn where nothing tells one. */
  readonly draw?: boolean;
  /** Only root's agent makes files of the host. */
  readonly makeHostFiles?: boolean;
  readonly productUuidPath?: string;
}

/** Writes nothing; what the agent remembers in `internalDir` counts. */
export async function readHostId(path: string, internalDir?: string): Promise<HostIdReading> {
  const reading = await prepareHostId({ path, internalDir, draw: false });
  const owner = internalDir === undefined ? null : await rememberedOwner(internalDir);
  return { ...reading, owner };
}

/** An agent's memory that cannot be read is that agent's trouble. */
async function rememberedOwner(internalDir: string): Promise<string | null> {
  try {
    const bytes = await new StateFile(internalDir).load();
    if (bytes === null) return null;
    const { parseState } = await import("../config/state_file.ts");
    return parseState(bytes).hostidOwner ?? null;
  } catch {
    return null;
  }
}

/** Never throws: a host without identity files is served all the same. The directory of the host's files is not made. */
export async function prepareHostId(places: HostIdPlaces): Promise<HostIdReading> {
  const rights: IdentityRights = {
    makeHostFiles: places.makeHostFiles === true,
    remember: places.internalDir !== undefined && places.draw !== false,
  };
  const first = readSources(places);
  const identity = decideHostIdentity(first, rights);
  const written = await writeAll(identity.writes, first.paths);
  if (!written.isOvertaken) return reading(identity, written);
  // Somebody made a file in between: theirs counts.
  const again = decideHostIdentity(readSources(places), { ...rights, makeHostFiles: false });
  return reading(again, { ...written, files: new Set() });
}

interface Written {
  readonly files: ReadonlySet<IdentityWrite["file"]>;
  readonly notes: readonly string[];
  readonly isOvertaken: boolean;
}

function readSources(places: HostIdPlaces): IdentitySources {
  const { path, internalDir, productUuidPath = "/sys/class/dmi/id/product_uuid" } = places;
  const paths = {
    hostid: path,
    hostnqn: `${parentOf(path).replace(/\/$/, "")}/hostnqn`,
    // Not `hostid`: the setting nvmeHostIDPath may well name that, in this very directory.
    remembered: `${(internalDir ?? "").replace(/(?<=.)\/+$/, "")}/remembered-hostid`,
  };
  const hostid = readIdentityFile(paths.hostid);
  const hostnqn = readIdentityFile(paths.hostnqn);
  const remembered: IdentityFile = internalDir === undefined
    ? { kind: "missing" }
    : readIdentityFile(paths.remembered);
  const product = readIdentityFile(productUuidPath);
  const productUuid = product.kind === "text" ? product.text : null;
  return { hostid, hostnqn, remembered, productUuid, random: randomBytes(16), paths };
}

function readIdentityFile(path: string): IdentityFile {
  try {
    const text = readTextFileSync(path, limits.hostIdFileBytesMax);
    return text === null ? { kind: "missing" } : { kind: "text", text };
  } catch (error) {
    return { kind: "unreadable", problem: errorText(error) };
  }
}

async function writeAll(
  writes: readonly IdentityWrite[],
  paths: IdentitySources["paths"],
): Promise<Written> {
  const files = new Set<IdentityWrite["file"]>();
  const notes: string[] = [];
  let isOvertaken = false;
  for (const { file, text } of writes) {
    const path = paths[file];
    try {
      // No secret: every session tells it to the controller, and every user may ask nvme-cli for it.
      const how = { mode: 0o644, replace: file === "remembered" };
      await writeFileAtomically({ path, temporaryPath: `${path}.discovery-client.tmp`, text, ...how });
      files.add(file);
      if (file !== "remembered") notes.push(`Made ${path}: ${text.trim()}`);
    } catch (error) {
      if (errorCode(error) === "EEXIST") isOvertaken = true;
      // Not every host has the directory; it is nvme-cli's to make. A container's may be read-only.
      else if (errorCode(error) !== "ENOENT") notes.push(`Went on without a file: ${errorText(error)}`);
    }
  }
  return { files, notes, isOvertaken };
}

function reading(
  { hostid, source, hostnqn, problems }: HostIdentity,
  { files, notes }: Written,
): HostIdReading {
  const isOfFile = source === "file" || files.has("hostid");
  const from = hostid === null || source === null || source === "file"
    ? []
    : [`The host's identifier is ${hostid}, from ${hostIdSourceText[source]}`];
  if (source === "random" && !isOfFile && !files.has("remembered")) {
    from.push("No directory could keep the host's identifier: it will be another one after a restart");
  }
  return {
    hostid: isOfFile ? hostid : null,
    fallback: isOfFile ? null : hostid,
    hostnqn,
    owner: null,
    ...(problems.length === 0 ? {} : { problem: problems.join("; ") }),
    notes: [...from, ...notes],
  };
}
