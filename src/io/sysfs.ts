/**
 * The kernel's NVMe controllers as sysfs shows them (/sys/class/nvme). Decides nothing about them, and writes
 * nothing.
 *
 * Any attribute may vanish while we read: a controller that loses what every controller has is left out, one that
 * loses more is told without it.
 *
 * Source: linux drivers/nvme/host/sysfs.c, fabrics.c (nvmf_get_address), tcp.c (nvme_tcp_get_address).
 */
import { limits } from "../base/limits.ts";
import type { Clock } from "../base/clock.ts";
import type { Controller, ControllerAddress, ControllerState } from "../model/controller.ts";
import { inParallel } from "./in_parallel.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

/** All controllers, in the order of their instances; none without the directory. Throws KernelError. */
export async function readControllers(root = "/sys/class/nvme"): Promise<Controller[]> {
  return await new ControllerReader({ nowMs: () => 0 }, root).read();
}

/**
 * Reads the controllers again and again. A controller costs eight files at first and one stat and one file from then
 * on: only its state changes while it lives (and, with a new connection, its source address: see sysfsDetailsMs).
 */
export class ControllerReader {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #root: string;
  #known = new Map<string, KnownController>();
  #names: readonly string[] | null = null;

  constructor(clock: Pick<Clock, "nowMs">, root = "/sys/class/nvme") {
    this.#clock = clock;
    this.#root = root;
  }

  /** As readControllers(). Overlapping calls are allowed. */
  async read(): Promise<Controller[]> {
    const names = await listControllerNames(this.#root);
    this.#names = names;
    const found = await inParallel(names, limits.readsInFlightMax, (name) => this.#readOne(name));
    const controllers = found.filter((controller) => controller !== null);
    const living = new Set(names);
    for (const name of this.#known.keys()) if (!living.has(name)) this.#known.delete(name);
    return controllers.sort((a, b) => a.instance - b.instance);
  }

  /**
   * Names of the controllers as they were last read; read now, in this thread, where that was never done. None where
   * that cannot be.
   */
  names(): readonly string[] {
    if (this.#names !== null) return this.#names;
    try {
      return [...Deno.readDirSync(this.#root)].map(({ name }) => name);
    } catch {
      return [];
    }
  }

  async #readOne(name: string): Promise<Controller | null> {
    const directory = `${this.#root}/${name}`;
    try {
      // A number comes back for another controller; its directory is a new one then. In this thread, as it asks no
      // driver and so cannot wait; a thousand times over it halves the cost.
      const { ino } = Deno.statSync(directory);
      const state = parseControllerState(await readAttribute(directory, "state"));
      const nowMs = this.#clock.nowMs();
      const known = this.#known.get(name);
      if (
        known !== undefined && known.ino === ino && known.controller.state === state &&
        nowMs - known.atMs < limits.sysfsDetailsMs
      ) return known.controller;
      const controller = await readDetails(directory, name, state);
      if (isComplete(controller)) this.#known.set(name, { ino, atMs: nowMs, controller });
      else this.#known.delete(name);
      return controller;
    } catch (error) {
      if (hasVanished(error)) return null;
      throw kernelError(`Cannot read ${directory}`, error);
    }
  }
}

interface KnownController {
  readonly ino: number | null;
  readonly atMs: number;
  readonly controller: Controller;
}

/** The kernel has identified it: from now on its attributes stay. */
function isComplete(controller: Controller): boolean {
  return controller.state !== "new" && controller.subsysnqn !== "" && controller.cntrltype !== "reserved";
}

async function listControllerNames(root: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(root)) if (/^nvme\d{1,9}$/.test(name)) names.push(name);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw kernelError(`Cannot list ${root}`, error);
  }
  return names;
}

async function readDetails(directory: string, name: string, state: ControllerState): Promise<Controller> {
  const optional = (attribute: string) => readOptionalAttribute(directory, attribute);
  const [transport, subsysnqn, address, hostnqn, hostid, cntlid, cntrltype] = await Promise.all([
    readAttribute(directory, "transport"),
    readAttribute(directory, "subsysnqn"),
    optional("address"),
    optional("hostnqn"),
    optional("hostid"),
    optional("cntlid"),
    optional("cntrltype"),
  ]);
  return parseController(name, state, { transport, subsysnqn, address, hostnqn, hostid, cntlid, cntrltype });
}

/** Texts of the attributes, trimmed; those a controller can do without may be missing. */
export interface ControllerTexts {
  readonly transport: string;
  readonly subsysnqn: string;
  readonly address?: string;
  readonly hostnqn?: string;
  readonly hostid?: string;
  readonly cntlid?: string;
  readonly cntrltype?: string;
}

/** `name` is `nvme` and a number. */
export function parseController(name: string, state: ControllerState, texts: ControllerTexts): Controller {
  const { transport, subsysnqn, address, hostnqn, hostid, cntlid, cntrltype } = texts;
  return {
    name,
    instance: Number(name.slice("nvme".length)),
    transport,
    state,
    subsysnqn: isFilled(subsysnqn) ? subsysnqn : "",
    address: parseControllerAddress(address ?? ""),
    ...(hostnqn === undefined ? {} : { hostnqn }),
    ...(hostid === undefined ? {} : { hostid: hostid.toLowerCase() }),
    ...(cntlid !== undefined && /^\d{1,5}$/.test(cntlid) ? { cntlid: Number(cntlid) } : {}),
    ...(cntrltype === undefined ? {} : { cntrltype }),
  };
}

/** Before the controller is identified it has no subsystem, and the kernel prints its null pointer so. */
function isFilled(text: string): boolean {
  return text !== "(null)" && text !== "(efault)";
}

async function readOptionalAttribute(directory: string, attribute: string): Promise<string | undefined> {
  try {
    const text = await readAttribute(directory, attribute);
    return text === "" ? undefined : text;
  } catch (error) {
    if (hasVanished(error)) return undefined;
    throw error;
  }
}

/** A page at most: the kernel's own bound. One call of the runtime, where open, read and close would be three. */
async function readAttribute(directory: string, attribute: string): Promise<string> {
  return (await Deno.readTextFile(`${directory}/${attribute}`)).trim();
}

function hasVanished(error: unknown): boolean {
  return ["ENOENT", "ENODEV", "ENXIO", "ENOTDIR"].includes(errnoOf(error));
}

const states: ReadonlySet<string> = new Set<ControllerState>([
  "new",
  "live",
  "resetting",
  "connecting",
  "deleting",
  "dead",
]);

/** The `state` attribute; `unknown` for a word of a later kernel. */
export function parseControllerState(text: string): ControllerState {
  // "deleting (no IO)" is the second half of deleting.
  if (text.startsWith("deleting")) return "deleting";
  return states.has(text) ? text as ControllerState : "unknown";
}

/**
 * `traddr=10.0.0.1,trsvcid=4420,host_traddr=…,host_iface=…,src_addr=…`, of which TCP always has the first two. What
 * has no such form (the bus address of a PCIe controller) is the traddr as a whole.
 */
export function parseControllerAddress(text: string): ControllerAddress {
  if (!text.includes("=")) return { traddr: text, trsvcid: "" };
  const parts = new Map<string, string>();
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    if (at > 0) parts.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  const optional = (key: keyof ControllerAddress, token: string) => {
    const value = parts.get(token);
    return value === undefined || value === "" ? {} : { [key]: value };
  };
  return {
    traddr: parts.get("traddr") ?? "",
    trsvcid: parts.get("trsvcid") ?? "",
    ...optional("hostTraddr", "host_traddr"),
    ...optional("hostIface", "host_iface"),
    ...optional("srcAddr", "src_addr"),
  };
}
