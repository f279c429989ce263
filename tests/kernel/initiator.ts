/**
 * The kernel's NVMe initiator as a test sees it: controllers in sysfs, raw connects, data. Written apart from the
 * agent's own reader, so that one mistake does not hide in both.
 */
import { runCommand } from "./command.ts";
import { until } from "./poll.ts";

export interface HostIdentity {
  readonly hostnqn: string;
  readonly hostid: string;
}

/** One subsystem at one address. */
export interface FabricPath {
  readonly nqn: string;
  readonly traddr: string;
  readonly trsvcid: number;
}

export interface LiveController {
  readonly name: string;
  readonly state: string;
  readonly nqn: string;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly cntlid: string;
  readonly hostnqn: string;
  readonly hostid: string;
  readonly type: string;
  /** Inode of its sysfs directory: a new controller under an old name has another. */
  readonly inode: number;
}

const classDir = "/sys/class/nvme";

/** Controllers over fabrics, by instance. */
export async function controllers(): Promise<LiveController[]> {
  const found: LiveController[] = [];
  for (const entry of await list(classDir)) {
    const controller = await readController(entry);
    if (controller !== null) found.push(controller);
  }
  return found.sort((a, b) => Number(a.name.slice(4)) - Number(b.name.slice(4)));
}

/** Null when it went away while it was read. */
async function readController(name: string): Promise<LiveController | null> {
  const read = async (attribute: string) =>
    (await Deno.readTextFile(`${classDir}/${name}/${attribute}`).catch(() => "")).trim();
  const address = new Map(
    (await read("address")).split(",").map((part) => {
      const [key, ...value] = part.split("=");
      return [key ?? "", value.join("=")];
    }),
  );
  const state = await read("state");
  const inode = await Deno.stat(`${classDir}/${name}`).then((stat) => stat.ino, () => null);
  if (state === "" || inode === null) return null;
  return {
    name,
    state,
    nqn: await read("subsysnqn"),
    traddr: address.get("traddr") ?? "",
    trsvcid: address.get("trsvcid") ?? "",
    cntlid: await read("cntlid"),
    hostnqn: await read("hostnqn"),
    hostid: await read("hostid"),
    type: await read("cntrltype"),
    inode,
  };
}

/** Same text, same controller object of the kernel. */
export function identity(controller: LiveController): string {
  return `${controller.name} ${controller.nqn} ${controller.traddr} inode ${controller.inode}`;
}

/** Same text, same association with the target as well: a controller that reconnected has another. */
export function association(controller: LiveController): string {
  return `${identity(controller)} cntlid ${controller.cntlid} ${controller.state}`;
}

/** Null while all of these controllers are there, unchanged by `word`, whatever else there is. */
export async function lookForSame(
  before: readonly LiveController[],
  word: (controller: LiveController) => string,
): Promise<string | null> {
  const now = (await controllers()).map(word);
  const lost = before.map(word).filter((one) => !now.includes(one));
  return lost.length === 0 ? null : `lost ${lost.join("; ")}; now ${now.join("; ")}`;
}

export function describe(all: readonly LiveController[]): string {
  const shown = all.map((one) =>
    `${one.name} ${one.state} ${one.traddr}:${one.trsvcid} ${one.nqn.split(":").at(-1)}`
  );
  return shown.length === 0 ? "no controller" : `${shown.length} controllers: ${shown.join("; ")}`;
}

/** Null when exactly these paths have one live controller each, else what is there. */
export async function lookForExactly(paths: readonly FabricPath[]): Promise<string | null> {
  const all = await controllers();
  const missing = missingPaths(all, paths);
  return missing.length === 0 && all.length === paths.length ? null : describe(all);
}

/** Null when each of these paths has a live controller, whatever else there is. */
export async function lookForAll(paths: readonly FabricPath[]): Promise<string | null> {
  const all = await controllers();
  return missingPaths(all, paths).length === 0 ? null : describe(all);
}

/** A look that answers null once each of these paths has been seen live, not all at the same time. */
export function lookForEachOnce(paths: readonly FabricPath[]): () => Promise<string | null> {
  let missing = [...paths];
  return async () => {
    const all = await controllers();
    missing = missingPaths(all, missing);
    return missing.length === 0 ? null : `${missing.length} never live; ${describe(all)}`;
  };
}

export function missingPaths(all: readonly LiveController[], paths: readonly FabricPath[]): FabricPath[] {
  return paths.filter((path) => !all.some((one) => one.state === "live" && isOnPath(one, path)));
}

export function isOnPath(controller: LiveController, path: FabricPath): boolean {
  return controller.nqn === path.nqn && controller.traddr === path.traddr &&
    controller.trsvcid === String(path.trsvcid);
}

/** What a plain connect writes; answers how long the write and the read took. */
export async function rawConnect(path: FabricPath, host: HostIdentity, extra = ""): Promise<number> {
  const options = `transport=tcp,traddr=${path.traddr},trsvcid=${path.trsvcid},nqn=${path.nqn},` +
    `hostnqn=${host.hostnqn},hostid=${host.hostid}${extra}`;
  const startedMs = performance.now();
  const file = await Deno.open("/dev/nvme-fabrics", { read: true, write: true });
  try {
    await file.write(new TextEncoder().encode(options));
    const answer = new Uint8Array(256);
    await file.read(answer);
    return performance.now() - startedMs;
  } finally {
    file.close();
  }
}

/** Test side only: the agent never does this. */
export async function deleteController(name: string): Promise<void> {
  const inode = await Deno.stat(`${classDir}/${name}`).then((stat) => stat.ino, () => null);
  try {
    await Deno.writeTextFile(`${classDir}/${name}/delete_controller`, "1", { create: false });
    deletedHere.add(`${name} inode ${inode}`);
  } catch {
    // Gone already.
  }
}

const deletedHere = new Set<string>();

/** Controllers that this side has deleted so far. */
export function deletedSoFar(): number {
  return deletedHere.size;
}

/**
 * Controllers removed so far by a write of some program: the kernel says of each that it is removed, and of those
 * that it removes by itself (out of attempts, or refused for good) that as well.
 */
export async function removedByPrograms(): Promise<number> {
  const { stdout } = await runCommand("dmesg", []);
  const count = (text: string) => stdout.split(text).length - 1;
  return count("Removing ctrl: NQN") - count("Removing controller (");
}

/** Leaves no fabrics controller. */
export async function deleteAllControllers(): Promise<void> {
  await until("no controller is left", 20_000, async () => {
    const all = await controllers();
    await Promise.all(all.map((one) => deleteController(one.name)));
    return all.length === 0 ? null : describe(all);
  });
}

/** First bytes of namespace 1 of a subsystem, through the multipath device; null when there is no device yet. */
export async function readNamespace(nqn: string, length: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const device = await namespaceDevice(nqn);
  if (device === null) return null;
  const file = await Deno.open(device, { read: true });
  try {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const count = await file.read(bytes.subarray(at));
      if (count === null) break;
      at += count;
    }
    return bytes.subarray(0, at);
  } finally {
    file.close();
  }
}

/** `/dev/nvme0n1`, or null when there is none yet. */
export async function namespaceDevice(nqn: string): Promise<string | null> {
  const subsystems = "/sys/class/nvme-subsystem";
  for (const name of await list(subsystems)) {
    const found = (await Deno.readTextFile(`${subsystems}/${name}/subsysnqn`).catch(() => "")).trim();
    if (found !== nqn) continue;
    const head = (await list(`${subsystems}/${name}`)).find((entry) => /^nvme\d+n1$/.test(entry));
    if (head !== undefined) return `/dev/${head}`;
  }
  return null;
}

/** Namespace paths behind a subsystem, one for each controller that leads to it. */
export async function namespacePaths(all: readonly LiveController[]): Promise<number> {
  let count = 0;
  for (const one of all) {
    count += (await list(`${classDir}/${one.name}`)).filter((entry) => /^nvme\d+c\d+n1$/.test(entry)).length;
  }
  return count;
}

/**
 * How long the kernel waits for the answer to a command that sets a controller up, s; answers what brings back the old
 * value. Of connections from now on.
 */
export async function setAdminTimeout(seconds: number): Promise<() => Promise<void>> {
  const file = "/sys/module/nvme_core/parameters/admin_timeout";
  const before = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, String(seconds), { create: false });
  return () => Deno.writeTextFile(file, before, { create: false });
}

/** An attribute of a controller in sysfs, trimmed; null when it has none of that name. */
export async function controllerAttribute(name: string, attribute: string): Promise<string | null> {
  return await Deno.readTextFile(`${classDir}/${name}/${attribute}`).then((text) => text.trim(), () => null);
}

/** `6.1` or `6.12`, as the lab calls its kernels; others by their first two numbers too. */
export async function kernelVersion(): Promise<string> {
  return (await Deno.readTextFile("/proc/sys/kernel/osrelease")).split(".").slice(0, 2).join(".");
}

/** Names of the connect options that the kernel says it knows. */
export async function kernelOptions(): Promise<Set<string>> {
  const file = await Deno.open("/dev/nvme-fabrics", { read: true });
  try {
    const answer = new Uint8Array(4096);
    const count = await file.read(answer) ?? 0;
    const words = new TextDecoder().decode(answer.subarray(0, count)).trim().split(",");
    return new Set(words.map((word) => word.split("=")[0] ?? ""));
  } finally {
    file.close();
  }
}

/** The kernel's log since a moment of its own clock (seconds, as kernelClock() tells), the last lines of it. */
export async function kernelLog(sinceSeconds: number, linesMax: number): Promise<string[]> {
  const { stdout } = await runCommand("dmesg", [], { mayFail: true });
  const lines = stdout.trimEnd().split("\n");
  return lines.filter((line) => Number(/^\[ *([\d.]+)\]/.exec(line)?.[1] ?? 0) >= sinceSeconds).slice(
    -linesMax,
  );
}

/** Seconds since the guest's start, as the kernel's log counts them. */
export async function kernelClock(): Promise<number> {
  return Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]);
}

async function list(path: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) found.push(entry.name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

/** Takes the initiator's modules out of the kernel, the device with them; no controller may be there. Answers what undoes it. */
export async function unloadInitiator(): Promise<() => Promise<void>> {
  const modules = ["nvme_fabrics", "nvme_tcp"];
  for (const module of modules.toReversed()) await runCommand("rmmod", [module]);
  return async () => {
    const files = (await Array.fromAsync(Deno.readDir("/modules"))).map(({ name }) => name);
    for (const module of modules) {
      const end = `-${module.replaceAll("_", "-")}.ko`;
      const file = files.find((name) => name.endsWith(end));
      if (file === undefined) throw new Error(`Cannot find the module ${module}`);
      await runCommand("insmod", [`/modules/${file}`]);
    }
  };
}
