/**
 * Takes one NVMe over Fabrics controller away from the kernel, by its sysfs attribute `delete_controller`. For an
 * operator's explicit command alone: the house rules let nobody else import this. Refuses every other transport, and a
 * controller that is not the one meant any more.
 *
 * Source: linux drivers/nvme/host/sysfs.c (nvme_sysfs_delete).
 */
import { KernelError } from "../base/errors.ts";
import type { Controller } from "../model/controller.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

/**
 * Returns when the controller is gone, or has been without us. Throws KernelError: `EACCES` without root's rights,
 * `ENOTSUP` for a transport without connections, `ESTALE` when its name belongs to another by now.
 */
export async function deleteController(
  { name, subsysnqn }: Pick<Controller, "name" | "subsysnqn">,
  root = "/sys/class/nvme",
): Promise<void> {
  const directory = `${root}/${name}`;
  try {
    const [transport, nqn] = await Promise.all(
      ["transport", "subsysnqn"].map(async (attribute) =>
        (await Deno.readTextFile(`${directory}/${attribute}`)).trim()
      ),
    );
    if (transport === undefined || !fabricsTransports.has(transport)) {
      throw new KernelError("ENOTSUP", `Cannot disconnect ${name}: its transport is ${transport}`);
    }
    // Before it is identified the kernel prints its null pointer; our reader tells that as empty.
    if (nqn !== subsysnqn && !(subsysnqn === "" && nqn?.startsWith("("))) {
      throw new KernelError(
        "ESTALE",
        `Cannot disconnect ${name}: it is a controller of another subsystem now, ${nqn}`,
      );
    }
    const attribute = await Deno.open(`${directory}/delete_controller`, { write: true });
    try {
      await attribute.write(new TextEncoder().encode("1"));
    } finally {
      attribute.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (["ENOENT", "ENODEV", "ENXIO"].includes(code)) return;
    if (["EACCES", "EPERM"].includes(code)) {
      const message = `Cannot disconnect ${name}: ${code}; only root may`;
      throw new KernelError(code, message, { cause: error });
    }
    throw kernelError(`Cannot disconnect ${name}`, error);
  }
}

const fabricsTransports: ReadonlySet<string> = new Set(["tcp", "rdma", "fc", "loop"]);
