/** The kernel that a command deals with: this machine's, unless the environment brings another. */
import type { Clock } from "../base/clock.ts";
import { LinuxKernel } from "../io/linux_kernel.ts";
import type { Kernel } from "../model/world.ts";
import type { Environment } from "./environment.ts";

export function hostKernel({ kernel, hostRoot = "" }: Environment, clock: Clock): Kernel {
  return kernel ?? new LinuxKernel({
    clock,
    devicePath: `${hostRoot}/dev/nvme-fabrics`,
    sysfsRoot: `${hostRoot}/sys/class/nvme`,
  });
}

/** The sysfs directory of the controllers. */
export function controllersRoot({ hostRoot = "" }: Environment): string {
  return `${hostRoot}/sys/class/nvme`;
}
