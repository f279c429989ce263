/** What `doctor` says of the kernel's controllers that no log names: somebody else's, or of storage that has gone. */
import { formatHostPort, sameAddress } from "../../base/address.ts";
import type { Controller } from "../../model/controller.ts";
import { isSamePath, type Path } from "../../model/path.ts";
import type { Finding } from "./finding.ts";

export interface ControllersReading {
  /** All that sysfs has. */
  readonly controllers: readonly Controller[];
  /** All that the logs name. */
  readonly named: readonly Path[];
  /** Every log could be read: what none names is nobody's. */
  readonly isComplete: boolean;
}

/** One finding for each that is foreign, and one for all when none is. */
export function checkControllers({ controllers, named, isComplete }: ControllersReading): Finding[] {
  const base = { group: "paths", check: "controllers in the kernel" } as const;
  const own = controllers.filter(isVolume);
  const foreign = own.filter((controller) => !named.some((path) => isSamePath(controller, path)));
  if (foreign.length === 0) {
    const message = own.length === 0 ? "None over TCP" : `${own.length} over TCP, each named by a log`;
    return [{ ...base, verdict: "ok", message }];
  }
  if (!isComplete) {
    const message =
      `${foreign.length} of ${own.length} are named by no log that could be read: they may be of the others`;
    return [{ ...base, verdict: "skipped", message }];
  }
  return foreign.map((controller) => foreignFinding(controller, named));
}

/** Discovery controllers have a check of their own. */
function isVolume({ transport, cntrltype }: Controller): boolean {
  return transport === "tcp" && cntrltype !== "discovery";
}

function foreignFinding(controller: Controller, named: readonly Path[]): Finding {
  const { name, state, subsysnqn, address: { traddr, trsvcid }, hostnqn } = controller;
  const base = { group: "paths", check: `${subsysnqn} at ${formatHostPort(traddr, trsvcid)}` } as const;
  const twin = named.find((path) =>
    path.subsysnqn === subsysnqn && String(path.trsvcid) === trsvcid && sameAddress(path.traddr, traddr)
  );
  if (twin !== undefined) {
    const how = hostnqn !== undefined && hostnqn !== twin.hostnqn
      ? `as host NQN ${hostnqn}, and the entries want ${twin.hostnqn}`
      : "from another address of this host than the entries want";
    return {
      ...base,
      verdict: "warning",
      message: `${name} is connected (${state}) ${how}`,
      advice:
        `Somebody else connected it: let the entries say the same, or disconnect it once nothing uses it`,
    };
  }
  if (state === "live") {
    return {
      ...base,
      verdict: "ok",
      message: `live as ${name}, named by no log: somebody else's, and left alone`,
    };
  }
  return {
    ...base,
    verdict: "warning",
    message:
      `${name} is ${state}, and no log names it any more: its storage is gone, moved, or somebody else's`,
    advice:
      `The kernel gives it up after its ctrl_loss_tmo; at once, if nothing uses it: discovery-client disconnect -d ${name}`,
  };
}
