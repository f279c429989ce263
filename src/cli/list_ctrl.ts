/** `list ctrl`: the kernel's controllers, PCIe among them, with the predecessor's names for their parts. */
import { readControllers } from "../io/sysfs.ts";
import type { Controller } from "../model/controller.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import type { OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";
import { controllersRoot } from "./host_kernel.ts";
import { outputFormat, printJson } from "./output.ts";
import { formatTable } from "./table.ts";

export async function listCtrl(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  const found = await readControllers(controllersRoot(environment));
  const controllers = options.flag("discovery") ? found.filter(isDiscoveryController) : found;
  if (format === "json") printJson(environment, controllersObject(controllers));
  else environment.stdout.write(controllersTable(controllers));
  return 0;
}

/** Kernels before 5.18 tell no type; then the name tells it, unless it is a unique one. */
export function isDiscoveryController({ cntrltype, subsysnqn }: Controller): boolean {
  return cntrltype === undefined ? subsysnqn === discoveryNqn : cntrltype === "discovery";
}

/** By controller name; `Trsvcid` is a number, 0 where the transport has none. */
export function controllersObject(controllers: readonly Controller[]): Record<string, unknown> {
  return Object.fromEntries(controllers.map(({ name, address, transport, subsysnqn, state }) => [name, {
    Traddr: address.traddr,
    Trsvcid: /^\d+$/.test(address.trsvcid) ? Number(address.trsvcid) : 0,
    Transport: transport,
    Subsysnqn: subsysnqn,
    HostTraddr: address.hostTraddr ?? "",
    Device: `/dev/${name}`,
    State: state,
  }]));
}

export function controllersTable(controllers: readonly Controller[]): string {
  const rows = controllers.map(({ name, address, transport, subsysnqn, state }) => [
    `/dev/${name}`,
    state,
    transport,
    address.traddr,
    address.trsvcid,
    address.hostTraddr ?? "",
    subsysnqn,
  ]);
  return formatTable(["DEVICE", "STATE", "TRANSPORT", "TRADDR", "TRSVCID", "HOST-TRADDR", "SUBSYSNQN"], rows);
}
