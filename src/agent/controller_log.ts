/** Says which of the kernel's controllers came, went, or are in another state than before. */
import { formatHostPort } from "../base/address.ts";
import { limits } from "../base/limits.ts";
import type { Controller } from "../model/controller.ts";
import type { Log } from "../model/world.ts";

export class ControllerLog {
  readonly #log: Log;
  #told = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** `before` is what the last reading of sysfs showed. */
  record(before: readonly Controller[], after: readonly Controller[]): void {
    if (before === after) return;
    this.#told = 0;
    const old = new Map(before.map((controller) => [controller.name, controller]));
    for (const controller of after) {
      const known = old.get(controller.name);
      old.delete(controller.name);
      if (known === undefined) this.#tell(`Controller appeared, ${controller.state}`, controller);
      else if (known.subsysnqn !== controller.subsysnqn) {
        this.#tell(`Controller is another one now, ${controller.state}`, controller);
      } else if (known.state !== controller.state) {
        this.#tell(`Controller ${known.state} → ${controller.state}`, controller);
      }
    }
    for (const controller of old.values()) this.#tell("Controller is gone", controller);
    const untold = this.#told - limits.controllersToldMax;
    if (untold > 0) this.#log.debug(`Controllers changed: ${untold} more`);
  }

  #tell(message: string, { name, subsysnqn, transport, address }: Controller): void {
    if (++this.#told > limits.controllersToldMax) return;
    const at = transport === "pcie" ? address.traddr : formatHostPort(address.traddr, address.trsvcid);
    this.#log.debug(message, { device: name, path: `${subsysnqn} at ${at}` });
  }
}
