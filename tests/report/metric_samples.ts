/** A small agent's knowledge, written down: what the metrics tests scrape. */
import { Secret } from "../../src/base/secret.ts";
import { KernelError, TransportError } from "../../src/base/errors.ts";
import { clusterKey } from "../../src/model/cluster.ts";
import { endpointKey } from "../../src/model/endpoint.ts";
import { type Facts, newSessionFact } from "../../src/plan/facts.ts";
import { plan } from "../../src/plan/plan.ts";
import type { MetricInput } from "../../src/report/metric_families.ts";
import { Tally } from "../../src/report/tally.ts";
import {
  cluster,
  dead,
  endpoint,
  facts,
  keyOf,
  list,
  live,
  lost,
  member,
  nvm,
  referral,
} from "../plan/fact_samples.ts";
import { controller } from "../plan/path_samples.ts";

export const secret = new Secret("DHHC-1:00:YW4gZXhhbXBsZSBvZiB0aGlydHktdHdvIGJ5dGVzISFjcmM0:");
export const hostile = { subsysnqn: 'nqn.2024-01.io.example:"q"\\n', hostnqn: cluster.hostnqn };

/** Three endpoints of one cluster, one of them lost; one of another whose name needs quoting, never reached. */
export function sampleFacts(): Facts {
  const options = { dhchapSecret: secret, dhchapCtrlSecret: secret };
  const odd = endpoint("d", { cluster: hostile, options });
  const oddMember = member("d", { key: endpointKey(odd), endpoint: odd });
  const [aKey, a] = live("a", nvm("10.0.1.1:4420", "nqn.2024-01.io.example:s1"), referral("b"));
  const retired = member("z", { retired: true });
  return facts({
    list: new Map([
      ...list(member("a", { endpoint: endpoint("a", { options }) }), member("b"), member("c"), retired),
      [clusterKey(hostile), { members: [oddMember], silentSinceMs: 0, entriesStamp: null, notes: [] }],
    ]),
    sessions: new Map([
      [aKey, { ...a, sinceMs: 40_000, logAtMs: 50_000, logReads: 3, events: 2 }],
      lost("b", 4, nvm("10.0.1.2:4420", "nqn.2024-01.io.example:s1")),
      dead("c", 1),
      [oddMember.key, { ...newSessionFact(odd, 0), state: "opening" }],
    ]),
    controllers: { list: [controller()], readAtMs: 90_000 },
    policy: { dryRun: false, hostid: null, connectDefaults: options },
  });
}

export function sampleTally(known: Facts, nowMs: number): Tally {
  const tally = new Tally();
  const session = (kind: "event" | "log", atMs: number) =>
    kind === "event"
      ? tally.sessionEvent(keyOf("a"), cluster, { kind, dw0: 0 }, atMs)
      : tally.sessionEvent(keyOf("a"), cluster, { kind, log: { genctr: 1n, records: [] } }, atMs);
  const error = new TransportError("ECONNREFUSED", `Cannot connect, and ${secret.reveal()} is no label`);
  session("event", nowMs - 300);
  session("log", nowMs - 290);
  const before = { ...known, controllers: { list: [], readAtMs: 90_000 } };
  tally.planned(plan(before, nowMs - 280), before, nowMs - 280);
  tally.passed(0.25);
  tally.planned(plan(known, nowMs), known, nowMs);
  tally.passed(1.5);
  tally.sessionEvent(keyOf("b"), cluster, { kind: "closed", error }, nowMs);
  tally.sessionEvent(keyOf("b"), cluster, { kind: "closed", error: null }, nowMs);
  tally.asked("port", null, 2);
  tally.asked("port", error, 4_000);
  tally.asked("connect", null, 12);
  tally.connected({ already: false }, 30);
  tally.connected({ already: true }, 1);
  tally.connected({ error: new KernelError("EIO", "Cannot connect") }, 8_000);
  tally.fileErrors(3);
  return tally;
}

export function sampleInput(): MetricInput {
  const nowMs = 100_000;
  const known = sampleFacts();
  return {
    facts: known,
    plan: plan(known, nowMs),
    tally: sampleTally(known, nowMs),
    usage: {
      cpuSeconds: 12.5,
      residentBytes: 70_000_000,
      virtualBytes: 900_000_000,
      heapBytes: 9_000_000,
      openFiles: 30,
      openFilesMax: 1024,
      startSeconds: 1_767_225_600,
    },
    isReady: true,
    build: { version: "1.2.3", commit: "0123456789ab", deno: "2.9.6" },
    nowMs,
  };
}
