/**
 * Whom to give changed DH-CHAP secrets to: controllers of our paths that the kernel is bringing back by itself, which
 * would go on with those they were connected with, for as long as ctrl_loss_tmo allows. One look each time that a
 * controller is lost, and one more when its secrets change meanwhile. A live one is left alone: the kernel would
 * authenticate anew at once, and lose it where the target still has the old ones. Pure.
 */
import { limits } from "../base/limits.ts";
import { type ConnectOptions, sameConnectOptions } from "../model/connect_options.ts";
import type { Controller } from "../model/controller.ts";
import { connectOptionsOf } from "./attempt.ts";
import type { Facts, RenewalFact } from "./facts.ts";
import type { PathRow } from "./plan_connects.ts";
import type { WantedPath } from "./wanted_paths.ts";

export interface Renewal {
  readonly wanted: WantedPath;
  readonly controller: Controller;
  /** Those of the path as it would be connected now. */
  readonly secrets: Pick<ConnectOptions, "dhchapSecret" | "dhchapCtrlSecret">;
}

export interface RenewalPlan {
  readonly renew: readonly Renewal[];
  /** Path keys of facts that are over: the controller is back, or gone. */
  readonly over: readonly string[];
}

type RenewalFacts = Pick<Facts, "policy" | "controllers"> & {
  readonly renewals: ReadonlyMap<string, RenewalFact>;
};

export function planRenewals(rows: readonly PathRow[], facts: RenewalFacts): RenewalPlan {
  const { policy, renewals } = facts;
  const renew: Renewal[] = [];
  const recovering = new Set<string>();
  let pending = 0;
  for (const fact of renewals.values()) if (fact.pending) pending++;
  let controllers: ReadonlyMap<string, Controller> | null = null;
  for (const { wanted, state, device } of rows) {
    if (state !== "recovering" || device === undefined) continue;
    recovering.add(wanted.key);
    const { path } = wanted;
    const { dhchapSecret, dhchapCtrlSecret } = connectOptionsOf(policy, path);
    if (policy.dryRun || path.secretsUnknown || dhchapSecret === undefined) continue;
    controllers ??= new Map(facts.controllers?.list.map((controller) => [controller.name, controller]));
    const controller = controllers.get(device);
    if (controller?.state !== "connecting") continue;
    const secrets = { dhchapSecret, ...(dhchapCtrlSecret === undefined ? {} : { dhchapCtrlSecret }) };
    if (!isDue(renewals.get(wanted.key), device, secrets)) continue;
    // Each that ends brings another pass.
    if (pending + renew.length < limits.renewalsInFlightMax) renew.push({ wanted, controller, secrets });
  }
  const over = [...renewals].filter(([key, { pending }]) => !pending && !recovering.has(key));
  return { renew, over: over.map(([key]) => key) };
}

function isDue(known: RenewalFact | undefined, device: string, secrets: Renewal["secrets"]): boolean {
  if (known === undefined) return true;
  return !known.pending && (known.device !== device || !sameConnectOptions(known.secrets, secrets));
}
