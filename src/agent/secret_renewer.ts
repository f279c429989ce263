/** Has the kernel bring a lost controller back with the secrets of now, and says what came of it; never the secrets. */
import { errorText } from "../base/errors.ts";
import type { Log, World } from "../model/world.ts";
import { pathLabel } from "../model/path.ts";
import type { Renewal } from "../plan/plan_renewals.ts";
import type { FactStore } from "./fact_store.ts";

export class SecretRenewer {
  readonly #kernel: World["kernel"];
  readonly #log: Log;
  readonly #facts: FactStore;

  constructor(kernel: World["kernel"], log: Log, facts: FactStore) {
    this.#kernel = kernel;
    this.#log = log;
    this.#facts = facts;
  }

  /** Never rejects. */
  async renew({ wanted, controller, secrets }: Renewal): Promise<void> {
    const { name: device } = controller;
    const fields = { device, path: pathLabel(wanted.path), hostnqn: wanted.path.hostnqn };
    this.#facts.recordRenewing(wanted.key, { device, secrets });
    try {
      const answer = await this.#kernel.renewSecrets?.(controller, secrets);
      if (answer === "renewed") {
        this.#log.info(
          "The kernel tries to bring a controller back with the changed DH-CHAP secrets",
          fields,
        );
      } else if (answer === "without") {
        this.#log.warn(
          "A controller was connected without a DH-CHAP secret, and comes back so or not at all",
          fields,
        );
      }
    } catch (error) {
      this.#log.warn(errorText(error), fields);
    }
    this.#facts.recordRenewed(wanted.key);
  }
}
