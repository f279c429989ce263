/** All mutations, and what they say about the simulator's rules. */
import type { Rule } from "../sim/safety.ts";
import { agentMutations } from "./agent_mutations.ts";
import { configMutations } from "./config_mutations.ts";
import type { Mutation } from "./mutation.ts";
import { planMutations } from "./plan_mutations.ts";
import { protocolMutations } from "./protocol_mutations.ts";

export const mutations: readonly Mutation[] = [
  ...protocolMutations,
  ...planMutations,
  ...agentMutations,
  ...configMutations,
];

/** For each rule why no mutation of the source can break it; null where one does. */
export const unreachedRules: Readonly<Record<Rule, string | null>> = {
  "no-bug": null,
  "no-disconnect": "the World has no such call, and connect-options forbids the options that would do it",
  "connect-named": null,
  "connect-options": null,
  "one-connect-a-path": null,
  "connects-in-flight": null,
  "connect-needed": null,
  "connect-proven": null,
  "connects-bounded": null,
  "memory-used": null,
  "log-as-served": null,
  "paths-stay": null,
  "endpoints-stay": null,
  "state-loadable": null,
  "state-not-ahead": null,
  "state-kept": null,
  "no-secret": null,
  "sockets-bounded": null,
  "timers-bounded": null,
  "dials-bounded": null,
  "time-moves": null,
  "paths-live": null,
  "endpoints-right": null,
  "entries-right": null,
  "sessions-up": null,
  "state-saved": null,
  "event-noticed": null,
  "quiet": null,
  "no-leak": null,
};
