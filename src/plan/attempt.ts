/**
 * What an attempt at a path is made with: its entry's own words and what the settings say where it is silent. Where
 * either has changed since an attempt failed, perhaps to put right what was wrong, nothing is waited for. Pure.
 */
import { type ConnectOptions, sameConnectOptions } from "../model/connect_options.ts";
import type { Path } from "../model/path.ts";
import { connectDefaultsOf } from "./connect_defaults.ts";
import type { Attempt, ConnectFact, Policy } from "./facts.ts";

export function attemptOf(policy: Policy, path: Path): Attempt {
  return { hostid: path.hostid, options: connectOptionsOf(policy, path) };
}

/** The options of a connect now. */
export function connectOptionsOf(policy: Policy, path: Path): ConnectOptions {
  return { ...connectDefaultsOf(policy, path), ...path.options };
}

export function hasChangedSince({ triedWith }: ConnectFact, policy: Policy, path: Path): boolean {
  if (triedWith === null) return false;
  return triedWith.hostid !== path.hostid ||
    !sameConnectOptions(triedWith.options, connectOptionsOf(policy, path));
}
