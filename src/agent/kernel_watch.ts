/**
 * Keeps the controllers and the kernel's abilities known: reads sysfs at every uevent, after every connect, and
 * periodically; looks for /dev/nvme-fabrics until it is there. One reading at a time; hints during one bring another.
 */
import { errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Timer } from "../base/clock.ts";
import type { Closer, World } from "../model/world.ts";
import { toFailure } from "../plan/retry.ts";
import type { FactStore } from "./fact_store.ts";

export class KernelWatch {
  readonly #world: World;
  readonly #facts: FactStore;
  readonly #dryRun: boolean;
  #closer: Closer | null = null;
  #reading = false;
  #again = false;
  #asking = false;
  #timer: Timer | null = null;
  #askTimer: Timer | null = null;
  #stopped = false;
  #sysfsError = "";

  constructor(world: World, facts: FactStore, dryRun: boolean) {
    this.#world = world;
    this.#facts = facts;
    this.#dryRun = dryRun;
  }

  /** Resolves when controllers and abilities were read for the first time. */
  async start(): Promise<void> {
    this.#closer = this.#world.kernel.watch(() => this.refresh());
    await Promise.all([this.#read(), this.askKernel()]);
  }

  stop(): void {
    this.#stopped = true;
    this.#closer?.close();
    this.#timer?.cancel();
    this.#askTimer?.cancel();
  }

  /** Something may have changed. */
  refresh(): void {
    if (this.#reading) this.#again = true;
    else this.#read();
  }

  async #read(): Promise<void> {
    if (this.#stopped) return;
    this.#reading = true;
    this.#again = false;
    this.#timer?.cancel();
    const { clock, kernel, log } = this.#world;
    const readAtMs = clock.nowMs();
    try {
      const list = await kernel.controllers();
      this.#sysfsError = "";
      if (!this.#stopped) this.#facts.recordControllers({ list, readAtMs });
    } catch (error) {
      const text = errorText(error);
      if (text !== this.#sysfsError) log.error(`Cannot read the controllers from sysfs: ${text}`);
      this.#sysfsError = text;
    }
    this.#reading = false;
    if (this.#stopped) return;
    // A slow sysfs (thousands of controllers) is read less often: at most a twentieth of the time goes there.
    const tookMs = clock.nowMs() - readAtMs;
    const delayMs = this.#again ? 0 : Math.max(limits.sysfsIntervalMs, tookMs * 20);
    this.#timer = clock.setTimer(delayMs, () => this.refresh());
  }

  /** Asks /dev/nvme-fabrics what it knows; again in a while when it is missing. */
  async askKernel(): Promise<void> {
    if (this.#dryRun || this.#asking || this.#stopped) return;
    this.#asking = true;
    this.#askTimer?.cancel();
    const { clock, kernel, log } = this.#world;
    const before = this.#facts.kernel;
    try {
      const options = await kernel.supportedOptions();
      if (before.present === false) log.info("The kernel's NVMe fabrics device is there now");
      this.#facts.recordKernel({ present: true, failure: null, options });
    } catch (error) {
      const failure = toFailure(error, clock.nowMs());
      if (before.failure?.message !== failure.message) log.error(failure.message);
      this.#facts.recordKernel({ present: false, failure, options: null });
      if (!this.#stopped) {
        this.#askTimer = clock.setTimer(limits.kernelMissingRetryMs, () => this.askKernel());
      }
    }
    this.#asking = false;
  }
}
