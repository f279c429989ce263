/**
 * What a reader of sysfs makes of a controller whose directory is being filled: the kernel adds it before it has
 * identified the controller, and a reader meets its attributes one by one.
 */
import type { Random } from "../../src/base/random.ts";
import type { Controller } from "../../src/model/controller.ts";

/** Each attribute is there by chance; null when one is missing without which a reader leaves the controller out. */
export function tornController(whole: Controller, random: Random): Controller | null {
  const missing = () => random() < 0.4;
  if (random() < 0.2) return null;
  const { hostnqn, hostid, cntlid, cntrltype } = whole;
  return {
    name: whole.name,
    instance: whole.instance,
    transport: whole.transport,
    state: missing() ? "new" : whole.state,
    // "(null)" in sysfs until it is identified.
    subsysnqn: missing() ? "" : whole.subsysnqn,
    address: missing() ? { traddr: "", trsvcid: "" } : whole.address,
    ...(missing() ? {} : { hostnqn }),
    ...(missing() ? {} : { hostid }),
    ...(missing() ? {} : { cntlid }),
    ...(missing() ? {} : { cntrltype: missing() ? "reserved" : cntrltype }),
  };
}
