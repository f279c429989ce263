/** The Linux host as Kernel: the fabrics device, the kernel's log, sysfs and the kernel's events put together. */
import type { Clock } from "../base/clock.ts";
import type { Controller } from "../model/controller.ts";
import type { ControllerSecrets, Kernel, KernelLog, SecretsRenewal } from "../model/world.ts";
import { renewSecrets } from "./controller_secrets.ts";
import { explainConnect } from "./kernel_words.ts";
import { Kmsg } from "./kmsg.ts";
import { NvmeFabrics } from "./nvme_fabrics.ts";
import { ControllerReader } from "./sysfs.ts";
import { type UeventWatch, watchUevents } from "./uevents.ts";

export interface LinuxKernelOptions {
  readonly clock: Clock;
  /** Told when the kernel's events cannot be heard; everything else goes on. */
  readonly onProblem?: (error: Error) => void;
  readonly devicePath?: string;
  readonly sysfsRoot?: string;
  readonly kernelLog?: KernelLog;
}

export class LinuxKernel implements Kernel {
  readonly #fabrics: NvmeFabrics;
  readonly #reader: ControllerReader;
  readonly #onProblem: (error: Error) => void;
  readonly #kernelLog: KernelLog;
  readonly #sysfsRoot: string | undefined;

  constructor(options: LinuxKernelOptions) {
    this.#fabrics = new NvmeFabrics(options.devicePath);
    this.#reader = new ControllerReader(options.clock, options.sysfsRoot);
    this.#sysfsRoot = options.sysfsRoot;
    this.#onProblem = options.onProblem ?? (() => {});
    this.#kernelLog = options.kernelLog ?? new Kmsg();
  }

  connect(options: string): Promise<{ instance: number; cntlid: number }> {
    return explainConnect(() => this.#fabrics.connect(options), {
      options,
      kernelLog: this.#kernelLog,
      namesKnown: () => this.#reader.names(),
    });
  }

  supportedOptions(): Promise<ReadonlySet<string> | null> {
    return this.#fabrics.supportedOptions();
  }

  controllers(): Promise<Controller[]> {
    return this.#reader.read();
  }

  renewSecrets(controller: Controller, secrets: ControllerSecrets): Promise<SecretsRenewal> {
    return renewSecrets(controller, secrets, this.#sysfsRoot);
  }

  watch(onHint: () => void): UeventWatch {
    return watchUevents({ onHint, onProblem: this.#onProblem });
  }
}
