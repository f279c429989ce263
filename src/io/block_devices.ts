/**
 * Which block devices the kernel's controllers serve, and who holds them: mounts, swap, other block devices on top
 * (device mapper, RAID), processes that have one open. Reads only, decides nothing.
 *
 * With multipath a controller has hidden devices nvme<subsystem>c<controller>n<namespace> below it, all of one
 * nvme<subsystem>n<namespace>; without, that device itself (linux drivers/nvme/host/core.c, multipath.c:
 * nvme_mpath_set_disk_name).
 */
import { limits } from "../base/limits.ts";
import type { BlockDeviceUse, NamespacePath } from "../model/block_device.ts";
import { inParallel } from "./in_parallel.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

/** `root` is the directory below which sys and proc are. Throws KernelError: what cannot be read is not unused. */
export async function readBlockDeviceUse(controllers: readonly string[], root = ""): Promise<BlockDeviceUse> {
  try {
    const paths = (await atOnce(controllers, (name) => readPaths(root, name))).flat();
    const devices = [...new Set(paths.map(({ device }) => device))];
    const parts = (await atOnce(devices, (device) => readParts(root, device))).flat();
    const held = new Map<string, string[]>();
    if (parts.length === 0) return { paths, held };
    const uses = [
      ...parts.flatMap(({ device, name, holders }) =>
        holders.map((holder) => ({ device, text: `${of(device, name)}held by ${holder}` }))
      ),
      ...await readMounts(root, parts),
      ...await readSwaps(root, parts),
      ...readOpenFiles(root, parts),
    ];
    for (const { device, text } of uses) {
      const texts = held.get(device) ?? [];
      if (!texts.includes(text)) held.set(device, [...texts, text]);
    }
    return { paths, held };
  } catch (error) {
    throw kernelError("Cannot tell which devices are in use", error);
  }
}

function atOnce<Result>(
  names: readonly string[],
  read: (name: string) => Promise<Result>,
): Promise<Result[]> {
  return inParallel(names, limits.readsInFlightMax, read);
}

/** A device or one of its partitions. */
interface Part {
  readonly device: string;
  /** `nvme0n1` or `nvme0n1p1`. */
  readonly name: string;
  /** `259:1`; null when it has just gone. */
  readonly number: string | null;
  readonly holders: readonly string[];
}

interface Use {
  readonly device: string;
  readonly text: string;
}

function of(device: string, name: string): string {
  return device === name ? "" : `${name} `;
}

async function readPaths(root: string, controller: string): Promise<NamespacePath[]> {
  const directory = `${root}/sys/class/nvme/${controller}`;
  const paths: NamespacePath[] = [];
  for (const name of await list(directory)) {
    const [, subsystem, , namespace] = /^nvme(\d+)(c\d+)?n(\d+)$/.exec(name) ?? [];
    if (subsystem === undefined || namespace === undefined) continue;
    const state = await readText(`${directory}/${name}/ana_state`);
    const usable = state === null || ["optimized", "non-optimized"].includes(state.trim());
    paths.push({ controller, device: `nvme${subsystem}n${namespace}`, usable });
  }
  return paths;
}

async function readParts(root: string, device: string): Promise<Part[]> {
  const directory = `${root}/sys/block/${device}`;
  const partitions = (await list(directory)).filter((name) => name.startsWith(`${device}p`));
  const places = [[device, directory], ...partitions.map((name) => [name, `${directory}/${name}`])] as const;
  return await Promise.all(places.map(async ([name, place]) => ({
    device,
    name,
    number: (await readText(`${place}/dev`))?.trim() ?? null,
    holders: await list(`${place}/holders`),
  })));
}

/**
 * Of our mount namespace and the first process's, which differ in a container. By number, by name (Btrfs shows numbers
 * of its own), and the device node itself, bound to another place as container platforms do.
 */
async function readMounts(root: string, parts: readonly Part[]): Promise<Use[]> {
  const texts = await Promise.all(["self", "1"].map((who) => readText(`${root}/proc/${who}/mountinfo`)));
  const uses: Use[] = [];
  for (const line of texts.flatMap((text) => text?.split("\n") ?? [])) {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue (proc(5))
    const [mount = "", source = ""] = line.split(" - ");
    const [, , number = "", inside = "", point = ""] = mount.split(" ");
    const [kind, from = ""] = source.split(" ");
    for (const part of parts) {
      const isNode = kind === "devtmpfs" && inside === `/${part.name}`;
      if (!isNode && number !== part.number && from !== `/dev/${part.name}`) continue;
      const text = `${of(part.device, part.name)}mounted at ${unescapeOctal(point)}`;
      uses.push({ device: part.device, text });
    }
  }
  return uses;
}

/** Blanks and the like come as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

async function readSwaps(root: string, parts: readonly Part[]): Promise<Use[]> {
  const lines = (await readText(`${root}/proc/swaps`) ?? "").split("\n");
  const names = new Set(lines.map((line) => line.split(/\s/)[0]));
  return parts.filter(({ name }) => names.has(`/dev/${name}`))
    .map(({ device, name }) => ({ device, text: `${of(device, name)}used for swap` }));
}

/** A virtual machine or a database may use a device without any mount. Of what we may not look into, nothing. */
function readOpenFiles(root: string, parts: readonly Part[]): Use[] {
  const byNumber = new Map<string | null, Part>(parts.map((part) => [part.number, part]));
  byNumber.delete(null);
  const uses: Use[] = [];
  for (const pid of listQuietly(`${root}/proc`).filter((name) => /^\d+$/.test(name))) {
    for (const fd of listQuietly(`${root}/proc/${pid}/fd`)) {
      const part = byNumber.get(deviceOfFile(`${root}/proc/${pid}/fd/${fd}`));
      if (part === undefined) continue;
      const text = `${of(part.device, part.name)}open in process ${pid}${processName(root, pid)}`;
      uses.push({ device: part.device, text });
    }
  }
  return uses;
}

/** `259:0`; null for what is no block device. Only names below /dev are asked: others may hang with their server. */
function deviceOfFile(path: string): string | null {
  try {
    if (!Deno.readLinkSync(path).startsWith("/dev/")) return null;
    const { rdev, isBlockDevice } = Deno.statSync(path);
    return rdev === null || isBlockDevice !== true ? null : formatDeviceNumber(rdev);
  } catch {
    return null;
  }
}

/** `major:minor` of st_rdev, as glibc takes it apart (sys/sysmacros.h); the kernel has no more than 32 bits of it. */
export function formatDeviceNumber(rdev: number): string {
  const major = Math.floor(rdev / 0x100) % 0x1000;
  const minor = rdev % 0x100 + Math.floor(rdev / 0x100000) % 0x1000 * 0x100;
  return `${major}:${minor}`;
}

function processName(root: string, pid: string): string {
  try {
    return ` (${Deno.readTextFileSync(`${root}/proc/${pid}/comm`).trim()})`;
  } catch {
    return "";
  }
}

function listQuietly(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Nothing where the directory is gone. */
async function list(directory: string): Promise<string[]> {
  try {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) names.push(name);
    return names.sort();
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return ["ENOENT", "ENODEV", "ENXIO", "ENOTDIR", "ESRCH"].includes(errnoOf(error));
}
