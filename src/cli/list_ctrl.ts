/** `list ctrl`: the kernel's NVMe over Fabrics controllers, with the predecessor's names for their parts. */
import { readControllers } from "../io/sysfs.ts";
import type { Controller } from "../model/controller.ts";
import type { OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";
import { outputFormat, printJson } from "./output.ts";
import { formatTable } from "./table.ts";

const fabrics = new Set(["tcp", "rdma", "fc", "loop"]);

export async function listCtrl(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  const controllers = (await readControllers()).filter(({ transport }) => fabrics.has(transport));
  if (format === "json") printJson(environment, controllersObject(controllers));
  else environment.stdout.write(controllersTable(controllers));
  return 0;
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
