/**
 * What `doctor` looks at on this host that no other part needs: processes by name, interfaces by address, the rights of
 * a directory. Each answers what it can see, and decides nothing.
 */
import { sameAddress } from "../base/address.ts";
import { limits } from "../base/limits.ts";
import { isClockInStep } from "./libc.ts";

export interface NamedProcess {
  readonly name: string;
  readonly pid: number;
  /** What it was called with, its own name left out. */
  readonly args: readonly string[];
}

/** Processes of these names: `comm` of /proc, which is cut at 15 bytes, and the last part of argv[1] of a script. */
export async function processesNamed(names: ReadonlySet<string>, hostRoot = ""): Promise<NamedProcess[]> {
  const found: NamedProcess[] = [];
  try {
    let looked = 0;
    for await (const { name: entry } of Deno.readDir(`${hostRoot}/proc`)) {
      if (!/^\d+$/.test(entry)) continue;
      if (++looked > limits.doctorProcessesMax) break;
      const program = await programAt(`${hostRoot}/proc/${entry}`, names);
      if (program !== null) found.push({ ...program, pid: Number(entry) });
    }
  } catch {
    // Without /proc nobody is seen.
  }
  return found.sort((a, b) => a.pid - b.pid);
}

async function programAt(
  directory: string,
  names: ReadonlySet<string>,
): Promise<Omit<NamedProcess, "pid"> | null> {
  try {
    const comm = (await Deno.readTextFile(`${directory}/comm`)).trim();
    const words = async () => (await Deno.readTextFile(`${directory}/cmdline`)).split("\0").slice(1, -1);
    for (const name of names) if (comm === name.slice(0, 15)) return { name, args: await words() };
    // A script's comm may be its interpreter's.
    if (!/^python/.test(comm)) return null;
    const [script = "", ...args] = await words();
    const last = script.slice(script.lastIndexOf("/") + 1);
    return names.has(last) ? { name: last, args } : null;
  } catch {
    // It has ended meanwhile.
    return null;
  }
}

/** The interface that has this address, and its MTU; undefined where none has, or nobody may look. */
export async function interfaceOf(
  address: string,
): Promise<{ readonly name: string; readonly mtu: number | null } | undefined> {
  try {
    const found = Deno.networkInterfaces().find((it) => sameAddress(it.address, address));
    if (found === undefined) return undefined;
    const text = await Deno.readTextFile(`/sys/class/net/${found.name}/mtu`).catch(() => "");
    return { name: found.name, mtu: /^\d+$/.test(text.trim()) ? Number(text) : null };
  } catch {
    return undefined;
  }
}

export interface DirectoryRights {
  readonly kind: "missing" | "unreadable" | "no-directory" | "directory";
  /** Permission bits. */
  readonly mode?: number;
  readonly uid?: number;
  /** Its entries can be listed by this process. */
  readonly isReadable?: boolean;
}

export async function directoryRights(path: string): Promise<DirectoryRights> {
  try {
    const { isDirectory, mode, uid } = await Deno.stat(path);
    if (!isDirectory) return { kind: "no-directory" };
    return { kind: "directory", mode: (mode ?? 0) & 0o7777, uid: uid ?? 0, isReadable: await canList(path) };
  } catch (error) {
    return { kind: error instanceof Deno.errors.NotFound ? "missing" : "unreadable" };
  }
}

async function canList(path: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(path)) break;
    return true;
  } catch {
    return false;
  }
}

/** Whether somebody keeps the clock in step; null where that cannot be asked. */
export function clockInStep(): boolean | null {
  try {
    return isClockInStep();
  } catch {
    return null;
  }
}

/** Addresses of this host, a line each: name, address with prefix, MTU. None where nobody may look. */
export async function addressLines(): Promise<string[]> {
  try {
    return await Promise.all(
      Deno.networkInterfaces().map(async ({ name, cidr }) => {
        const mtu = await Deno.readTextFile(`/sys/class/net/${name}/mtu`).catch(() => "?");
        return `${name} ${cidr} mtu ${mtu.trim()}`;
      }),
    );
  } catch {
    return [];
  }
}

/** What this host calls itself; empty where nobody may ask. */
export function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "";
  }
}
