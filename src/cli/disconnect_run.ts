/**
 * An operator's disconnect: takes controllers away that may go, keeps those that hold somebody's device, and tells what
 * became of each. The only user of io/delete_controller.ts; the agent has no way here.
 */
import { errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { readBlockDeviceUse } from "../io/block_devices.ts";
import { deleteController } from "../io/delete_controller.ts";
import { inParallel } from "../io/in_parallel.ts";
import type { Controller } from "../model/controller.ts";
import type { Environment } from "./environment.ts";
import { heldControllers } from "./held_controllers.ts";
import { controllersRoot } from "./host_kernel.ts";
import { type OutputFormat, printJson } from "./output.ts";
import { formatTable } from "./table.ts";

export interface DisconnectRequest {
  readonly asked: readonly Controller[];
  /** Every controller of the host. */
  readonly all: readonly Controller[];
  /** Take away what somebody's device needs, too. */
  readonly force: boolean;
}

/** What became of one controller. */
export interface Disconnected {
  readonly controller: Controller;
  readonly result: "disconnected" | "kept" | "failed";
  readonly reason?: string;
}

/** Whether the kernel has it by a connection, which can be taken away. */
export function isFabrics({ transport }: Controller): boolean {
  return ["tcp", "rdma", "fc", "loop"].includes(transport);
}

/** Name → why it has to stay. Throws KernelError. */
export async function keptControllers(
  { hostRoot }: Environment,
  { asked, all, force }: DisconnectRequest,
): Promise<ReadonlyMap<string, string>> {
  const kept = new Map<string, string>();
  for (const controller of asked) {
    if (isFabrics(controller)) continue;
    kept.set(controller.name, `its transport is ${controller.transport}, there is no connection to end`);
  }
  if (force) return kept;
  const connected = asked.filter(isFabrics);
  const use = await readBlockDeviceUse(all.map(({ name }) => name), hostRoot);
  return new Map([...kept, ...heldControllers(connected, all, use)]);
}

/** In the order asked. Throws KernelError when it cannot be told what is in use: nothing was done then. */
export async function disconnectControllers(
  environment: Environment,
  request: DisconnectRequest,
): Promise<Disconnected[]> {
  const kept = await keptControllers(environment, request);
  const root = controllersRoot(environment);
  return await inParallel(request.asked, limits.disconnectsInFlightMax, async (controller) => {
    const reason = kept.get(controller.name);
    if (reason !== undefined) return { controller, result: "kept", reason } as const;
    try {
      await deleteController(controller, root);
      return { controller, result: "disconnected" } as const;
    } catch (error) {
      return { controller, result: "failed", reason: errorText(error) } as const;
    }
  });
}

/** The result on stdout, what stayed on stderr; answers the exit status. */
export function tellDisconnected(
  environment: Environment,
  format: OutputFormat,
  done: readonly Disconnected[],
): number {
  if (format === "json") printJson(environment, done.map(disconnectedObject));
  else environment.stdout.write(disconnectedTable(done));
  for (const { controller: { name, subsysnqn }, result, reason } of done) {
    if (result === "failed") environment.stderr.write(`discovery-client: ${reason}\n`);
    if (result === "kept") {
      environment.stderr.write(`discovery-client: Kept ${name} of ${subsysnqn}: ${reason}\n`);
    }
  }
  return done.every(({ result }) => result === "disconnected") ? 0 : 1;
}

function disconnectedObject({ controller, result, reason }: Disconnected): Record<string, unknown> {
  const { name, transport, address, subsysnqn } = controller;
  return {
    Device: `/dev/${name}`,
    Transport: transport,
    Traddr: address.traddr,
    Trsvcid: /^\d+$/.test(address.trsvcid) ? Number(address.trsvcid) : 0,
    Subsysnqn: subsysnqn,
    Result: result,
    ...(reason === undefined ? {} : { Reason: reason }),
  };
}

function disconnectedTable(done: readonly Disconnected[]): string {
  const rows = done.map(({ controller: { name, transport, address, subsysnqn }, result, reason = "" }) => [
    `/dev/${name}`,
    result,
    transport,
    address.traddr,
    address.trsvcid,
    subsysnqn,
    reason,
  ]);
  return formatTable(["DEVICE", "RESULT", "TRANSPORT", "TRADDR", "TRSVCID", "SUBSYSNQN", "REASON"], rows);
}
