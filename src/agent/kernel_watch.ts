/**
 * Keeps the controllers and the kernel's abilities known: reads sysfs at every uevent, after every connect, and
 * periodically; looks for /dev/nvme-fabrics until it is there. One reading at a time; hints during one bring another.
 */
import { errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Timer } from "../base/clock.ts";
import type { Controller } from "../model/controller.ts";
import type { Closer, Log, World } from "../model/world.ts";
import { toFailure } from "../plan/retry.ts";
import { ControllerLog } from "./controller_log.ts";
import type { FactStore } from "./fact_store.ts";
import { ToldFailures } from "./told_failures.ts";

export class KernelWatch {
  readonly #world: World;
  readonly #facts: FactStore;
  readonly #dryRun: boolean;
  readonly #log: Log;
  readonly #controllerLog: ControllerLog;
  #closer: Closer | null = null;
  #reading = false;
  #again = false;
  /** A reading is due because of a hint. */
  #soon = false;
  #readAgainAtMs = 0;
  #asking = false;
  #timer: Timer | null = null;
  #askTimer: Timer | null = null;
  #stopped = false;
  readonly #failures = new ToldFailures();
  /** Longest pause between two readings that nothing asked for, ms; readings that take long have longer ones. */
  pollingMs: number = limits.sysfsIntervalMs;

  constructor(world: World, facts: FactStore, dryRun: boolean, log: Log = world.log) {
    this.#world = world;
    this.#facts = facts;
    this.#dryRun = dryRun;
    this.#log = log;
    this.#controllerLog = new ControllerLog(log);
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

  /** Something may have changed. Hints come in bursts; those of one moment, and those during a reading, become one. */
  refresh(): void {
    if (this.#reading) this.#again = true;
    else if (!this.#soon) {
      this.#readIn(Math.max(limits.sysfsHintMs, this.#readAgainAtMs - this.#world.clock.nowMs()));
    }
  }

  #readIn(delayMs: number): void {
    if (this.#stopped) return;
    this.#soon = delayMs < this.pollingMs;
    this.#timer?.cancel();
    this.#timer = this.#world.clock.setTimer(delayMs, () => this.#read());
  }

  async #read(): Promise<void> {
    if (this.#stopped) return;
    this.#reading = true;
    this.#soon = false;
    this.#again = false;
    this.#timer?.cancel();
    const { clock, kernel } = this.#world;
    const readAtMs = clock.nowMs();
    try {
      const list = await kernel.controllers();
      this.#failures.clear("sysfs");
      if (!this.#stopped) this.#take(list, readAtMs);
    } catch (error) {
      const text = errorText(error);
      const telling = this.#failures.take("sysfs", text, clock.nowMs());
      if (telling !== null) {
        this.#log.error(`Cannot read the controllers from sysfs: ${text}`, { ...telling });
      }
    }
    this.#reading = false;
    if (this.#stopped) return;
    // A slow sysfs (thousands of controllers) is read less often: a third of the time on hints, a tenth without.
    const tookMs = clock.nowMs() - readAtMs;
    this.#readAgainAtMs = clock.nowMs() + tookMs * 2;
    if (this.#again) this.refresh();
    else this.#readIn(Math.max(this.pollingMs, tookMs * 10));
  }

  #take(list: Controller[], readAtMs: number): void {
    const before = this.#facts.controllers?.list;
    this.#facts.recordControllers({ list, readAtMs });
    // Equal ones stay the same object; those of the first reading have not changed.
    const after = this.#facts.controllers?.list;
    if (before !== undefined && after !== undefined) this.#controllerLog.record(before, after);
  }

  /** Asks /dev/nvme-fabrics what it knows; again in a while when it is missing. */
  async askKernel(): Promise<void> {
    if (this.#dryRun || this.#asking || this.#stopped) return;
    this.#asking = true;
    this.#askTimer?.cancel();
    const { clock, kernel } = this.#world;
    const before = this.#facts.kernel;
    try {
      const options = await kernel.supportedOptions();
      this.#failures.clear("device");
      if (before.present === false) this.#log.info("The kernel's NVMe fabrics device is there now");
      this.#facts.recordKernel({ present: true, failure: null, options });
    } catch (error) {
      if (this.#stopped) return;
      const failure = toFailure(error, clock.nowMs());
      const telling = this.#failures.take("device", failure.message, clock.nowMs());
      if (telling !== null) this.#log.error(failure.message, { ...telling });
      this.#facts.recordKernel({ present: false, failure, options: null });
      this.#askTimer = clock.setTimer(limits.kernelMissingRetryMs, () => this.askKernel());
    }
    this.#asking = false;
  }
}
