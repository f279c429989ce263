/**
 * What sysfs shows of NVMe, as text for people who were not there: controllers, subsystems, the paths below them, and
 * the modules' parameters. Reads attributes by name, and none that holds a secret; what is not there is left out.
 */
import { limits } from "../base/limits.ts";
import { inParallel } from "./in_parallel.ts";

/** Attributes of controllers, subsystems and paths (linux drivers/nvme/host/sysfs.c, multipath.c). No dhchap_* is among them. */
const attributes = [
  "address",
  "ana_grpid",
  "ana_state",
  "cntlid",
  "cntrltype",
  "ctrl_loss_tmo",
  "dctype",
  "fast_io_fail_tmo",
  "firmware_rev",
  "hostid",
  "hostnqn",
  "iopolicy",
  "kato",
  "model",
  "nsid",
  "numa_node",
  "queue_count",
  "reconnect_delay",
  "serial",
  "size",
  "sqsize",
  "state",
  "subsysnqn",
  "subsystype",
  "tls_mode",
  "transport",
  "wwid",
] as const;

const classes = ["nvme", "nvme-subsystem"] as const;
const modules = [
  "nvme",
  "nvme_auth",
  "nvme_core",
  "nvme_fabrics",
  "nvme_keyring",
  "nvme_tcp",
  "nvmet",
  "nvmet_tcp",
] as const;

/** `/sys/class/nvme/nvme0/state: live`, a line each; `hostRoot` is where /sys is. */
export async function readNvmeSysfs(hostRoot = ""): Promise<string[]> {
  const directories =
    (await Promise.all(classes.map((name) => nvmeDirectories(hostRoot, `/sys/class/${name}`)))).flat();
  const known = directories.slice(0, limits.bundleSysfsMax);
  const lines = await inParallel(known, limits.readsInFlightMax, (path) => attributeLines(hostRoot, path));
  const parameters = await Promise.all(modules.map((name) => moduleLines(hostRoot, `/sys/module/${name}`)));
  const left = directories.length - known.length;
  return [...lines.flat(), ...parameters.flat(), ...left > 0 ? [`and ${left} more, left out`] : []];
}

/** Those of a class, and of each those below that are NVMe's: paths and namespaces. */
async function nvmeDirectories(hostRoot: string, parent: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn(`${hostRoot}${parent}`)) {
    found.push(`${parent}/${name}`);
    if (found.length > limits.bundleSysfsMax) continue;
    for (const inner of await namesIn(`${hostRoot}${parent}/${name}`)) {
      if (/^nvme\d/.test(inner)) found.push(`${parent}/${name}/${inner}`);
    }
  }
  return found;
}

async function attributeLines(hostRoot: string, path: string): Promise<string[]> {
  const lines = await Promise.all(attributes.map(async (attribute) => {
    const text = await textOf(`${hostRoot}${path}/${attribute}`);
    return text === null ? null : `${path}/${attribute}: ${text}`;
  }));
  return lines.filter((line) => line !== null);
}

async function moduleLines(hostRoot: string, path: string): Promise<string[]> {
  const names = await namesIn(`${hostRoot}${path}/parameters`);
  const lines = await Promise.all(names.map(async (name) => {
    const text = await textOf(`${hostRoot}${path}/parameters/${name}`);
    return text === null ? null : `${path}/parameters/${name}: ${text}`;
  }));
  return [...names.length === 0 ? [] : [`${path}`], ...lines.filter((line) => line !== null)];
}

async function namesIn(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(path)) names.push(name);
  } catch {
    // It is not there, or has gone meanwhile.
  }
  return names.sort(new Intl.Collator("en", { numeric: true }).compare);
}

/** One line of it, bounded: an attribute has a page at most. */
async function textOf(path: string): Promise<string | null> {
  try {
    return (await Deno.readTextFile(path)).trim().replace(/\s+/g, " ").slice(0, 4_096);
  } catch {
    return null;
  }
}
