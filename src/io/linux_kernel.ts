/** The Linux host as Kernel: the fabrics device, sysfs and the kernel's events put together. */
import type { Clock } from "../base/clock.ts";
import type { Controller } from "../model/controller.ts";
import type { Kernel } from "../model/world.ts";
import { NvmeFabrics } from "./nvme_fabrics.ts";
import { ControllerReader } from "./sysfs.ts";
import { type UeventWatch, watchUevents } from "./uevents.ts";

export interface LinuxKernelOptions {
  readonly clock: Clock;
  /** Told when the kernel's events cannot be heard; everything else goes on. */
  readonly onProblem?: (error: Error) => void;
  readonly devicePath?: string;
  readonly sysfsRoot?: string;
}

export class LinuxKernel implements Kernel {
  readonly #fabrics: NvmeFabrics;
  readonly #reader: ControllerReader;
  readonly #onProblem: (error: Error) => void;

  constructor(options: LinuxKernelOptions) {
    this.#fabrics = new NvmeFabrics(options.devicePath);
    this.#reader = new ControllerReader(options.clock, options.sysfsRoot);
    this.#onProblem = options.onProblem ?? (() => {});
  }

  connect(options: string): Promise<{ instance: number; cntlid: number }> {
    return this.#fabrics.connect(options);
  }

  supportedOptions(): Promise<ReadonlySet<string> | null> {
    return this.#fabrics.supportedOptions();
  }

  controllers(): Promise<Controller[]> {
    return this.#reader.read();
  }

  watch(onHint: () => void): UeventWatch {
    return watchUevents({ onHint, onProblem: this.#onProblem });
  }
}
