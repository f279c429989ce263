/**
 * The kernel's NVMe target through configfs (drivers/nvme/target/configfs.c). A port is one node; its discovery log
 * lists the subsystems linked to it, then its referrals. Decides nothing.
 */
import { runCommand } from "./command.ts";
import { discoveryPort, ioPort } from "./network.ts";

const root = "/sys/kernel/config/nvmet";

export interface SubsystemOptions {
  readonly nqn: string;
  /** Which of the guest's RAM disks, 0..15; null: the subsystem has no namespace. */
  readonly disk: number | null;
  /** Hosts that may see it; any host when left out. */
  readonly hosts?: readonly string[];
}

/** The first bytes of a subsystem's namespace. */
export function namespacePattern(nqn: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4096);
  const line = new TextEncoder().encode(`namespace 1 of ${nqn}\n`);
  for (let at = 0; at < bytes.length; at++) bytes[at] = line[at % line.length] ?? 0;
  return bytes;
}

export async function addSubsystem(options: SubsystemOptions): Promise<void> {
  const path = `${root}/subsystems/${options.nqn}`;
  await Deno.mkdir(path);
  if (options.disk !== null) await set(path, "attr_serial", `lab${options.disk}`);
  await set(path, "attr_allow_any_host", options.hosts === undefined ? "1" : "0");
  for (const host of options.hosts ?? []) await allowHost(options.nqn, host);
  if (options.disk !== null) await addNamespace(options.nqn, `/dev/ram${options.disk}`);
}

async function addNamespace(nqn: string, device: string): Promise<void> {
  const disk = await Deno.open(device, { write: true });
  try {
    await disk.write(namespacePattern(nqn));
    await disk.syncData();
  } finally {
    disk.close();
  }
  const path = `${root}/subsystems/${nqn}/namespaces/1`;
  await Deno.mkdir(path);
  await set(path, "device_path", device);
  await set(path, "enable", "1");
}

/** Gives the namespace an identifier, by which udev names its device on the host; it must be linked to no port. */
export async function identifyNamespace(nqn: string, uuid: string): Promise<void> {
  const path = `${root}/subsystems/${nqn}/namespaces/1`;
  await set(path, "enable", "0");
  await set(path, "device_uuid", uuid);
  await set(path, "enable", "1");
}

/** The controllers that a subsystem can have at once, by their identifiers. */
export async function setControllerIds(nqn: string, min: number, max: number): Promise<void> {
  const path = `${root}/subsystems/${nqn}`;
  // At no time may the range be empty.
  await set(path, "attr_cntlid_max", String(max));
  await set(path, "attr_cntlid_min", String(min));
}

/** In one blocking step: storms of changes leave no time for more. */
export function showToAnyHost(nqn: string, shown: boolean): void {
  Deno.writeTextFileSync(`${root}/subsystems/${nqn}/attr_allow_any_host`, shown ? "1" : "0", {
    create: false,
  });
}

/** Takes the target's modules out of the kernel and puts them in again; the target must be empty. */
export async function reloadModules(): Promise<void> {
  await runCommand("rmmod", ["nvmet_tcp"]);
  await runCommand("rmmod", ["nvmet"]);
  const still = await Deno.stat("/sys/module/nvmet").then(() => true, () => false);
  if (still) throw new Error("Cannot reload nvmet: it is still in the kernel");
  const files = await names("/modules");
  for (const module of ["nvmet", "nvmet-tcp"]) {
    const file = files.find((one) => one.endsWith(`-${module}.ko`) && !one.endsWith(`-x-${module}.ko`));
    if (file === undefined) throw new Error(`Cannot find the module ${module}`);
    await runCommand("insmod", [`/modules/${file}`]);
  }
}

/** It must be linked to no port. */
export async function removeSubsystem(nqn: string): Promise<void> {
  const path = `${root}/subsystems/${nqn}`;
  for (const host of await names(`${path}/allowed_hosts`)) await Deno.remove(`${path}/allowed_hosts/${host}`);
  for (const namespace of await names(`${path}/namespaces`)) {
    await set(`${path}/namespaces/${namespace}`, "enable", "0");
    await Deno.remove(`${path}/namespaces/${namespace}`);
  }
  await Deno.remove(path);
}

export async function allowHost(nqn: string, hostnqn: string): Promise<void> {
  const host = `${root}/hosts/${hostnqn}`;
  if (!(await names(`${root}/hosts`)).includes(hostnqn)) await Deno.mkdir(host);
  await Deno.symlink(host, `${root}/subsystems/${nqn}/allowed_hosts/${hostnqn}`);
}

/** Takes back what `allowHost` gave; controllers that are connected stay. */
export async function denyHost(nqn: string, hostnqn: string): Promise<void> {
  await Deno.remove(`${root}/subsystems/${nqn}/allowed_hosts/${hostnqn}`);
}

/**
 * What a host has to prove itself with (DH-HMAC-CHAP), and the subsystems to it; in force from the next connection on.
 * A host without is not asked.
 */
export async function setHostSecrets(hostnqn: string, host: string, controller: string): Promise<void> {
  const path = `${root}/hosts/${hostnqn}`;
  await set(path, "dhchap_key", `${host}\n`);
  await set(path, "dhchap_ctrl_key", `${controller}\n`);
}

/** Whether this kernel's target can authenticate a host that it knows. */
export async function authenticatesHosts(hostnqn: string): Promise<boolean> {
  return await Deno.stat(`${root}/hosts/${hostnqn}/dhchap_key`).then(() => true, () => false);
}

/** The port listens from its first link on. */
export async function addPort(id: number, address: string, service = ioPort): Promise<void> {
  const path = `${root}/ports/${id}`;
  await Deno.mkdir(path);
  await set(path, "addr_trtype", "tcp");
  await set(path, "addr_adrfam", "ipv4");
  await set(path, "addr_traddr", address);
  await set(path, "addr_trsvcid", String(service));
}

export async function link(port: number, nqn: string): Promise<void> {
  await Deno.symlink(`${root}/subsystems/${nqn}`, `${root}/ports/${port}/subsystems/${nqn}`);
}

/** Drops the subsystem's connections through this port; the last one closes the port itself. */
export async function unlink(port: number, nqn: string): Promise<void> {
  await Deno.remove(`${root}/ports/${port}/subsystems/${nqn}`);
}

export async function linkedSubsystems(port: number): Promise<string[]> {
  return await names(`${root}/ports/${port}/subsystems`);
}

/** A referral on `port` to the discovery controller at `address`. */
export async function addReferral(port: number, address: string, toPort: number): Promise<void> {
  const path = `${root}/ports/${port}/referrals/${address}`;
  await Deno.mkdir(path);
  await set(path, "addr_trtype", "tcp");
  await set(path, "addr_adrfam", "ipv4");
  await set(path, "addr_traddr", address);
  await set(path, "addr_trsvcid", String(discoveryPort));
  await set(path, "addr_portid", String(toPort));
  await set(path, "enable", "1");
}

export async function removeReferral(port: number, address: string): Promise<void> {
  const path = `${root}/ports/${port}/referrals/${address}`;
  await set(path, "enable", "0");
  await Deno.remove(path);
}

/** Leaves an empty target, whatever there was. */
export async function clearTarget(): Promise<void> {
  for (const port of await names(`${root}/ports`)) {
    for (const nqn of await names(`${root}/ports/${port}/subsystems`)) await unlink(Number(port), nqn);
    for (const referral of await names(`${root}/ports/${port}/referrals`)) {
      await removeReferral(Number(port), referral);
    }
    await Deno.remove(`${root}/ports/${port}`);
  }
  for (const nqn of await names(`${root}/subsystems`)) await removeSubsystem(nqn);
  for (const host of await names(`${root}/hosts`)) await Deno.remove(`${root}/hosts/${host}`);
}

async function names(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(path)) found.push(entry.name);
  return found.sort();
}

/** Attributes exist already: opened without creation, and written in one piece. */
async function set(path: string, attribute: string, value: string): Promise<void> {
  try {
    await Deno.writeTextFile(`${path}/${attribute}`, value, { create: false });
  } catch (error) {
    throw new Error(`Cannot write ${value} to ${path}/${attribute}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
