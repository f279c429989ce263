import { limits } from "../../src/base/limits.ts";
import type { Controller } from "../../src/model/controller.ts";
import type { SessionFact } from "../../src/plan/facts.ts";
import { plan } from "../../src/plan/plan.ts";
import { addressesProvenByUse } from "../../src/plan/proof_by_use.ts";
import { assertEquals } from "../assert.ts";
import { cluster, entry, facts, list, live, member, nvm } from "./fact_samples.ts";

const nowMs = 10_000;

const controller: Controller = {
  name: "nvme0",
  instance: 0,
  transport: "tcp",
  state: "live",
  subsysnqn: "nqn.2024-01.io.example:one",
  address: { traddr: "10.0.0.1", trsvcid: "4420" },
  hostnqn: cluster.hostnqn,
};

function proven(session: Partial<SessionFact>, change: Partial<Controller>): string[] {
  const [key, fact] = live("a");
  const sessions = new Map([[key, { ...fact, logAtMs: nowMs - 10, ...session }]]);
  return [
    ...addressesProvenByUse(sessions, { list: [{ ...controller, ...change }], readAtMs: nowMs }, nowMs),
  ];
}

Deno.test("addressesProvenByUse() takes a log just read and a live controller at the port together", () => {
  assertEquals(proven({}, {}), ["10.0.0.1:4420"]);
  assertEquals(proven({ logAtMs: nowMs - limits.proofByUseMs }, {}), [], "an old log");
  assertEquals(proven({ state: "idle" }, {}), [], "a lost session");
  assertEquals(proven({ logCurrent: false }, {}), [], "a log of an earlier session");
  assertEquals(proven({}, { state: "connecting" }), [], "a controller on its way back");
  assertEquals(proven({}, { transport: "rdma" }), [], "another transport");
  const elsewhere = { traddr: "10.0.0.2", trsvcid: "4420" };
  assertEquals(proven({}, { address: elsewhere }), [], "another host");
});

Deno.test("plan() connects a new subsystem of a running cluster without a probe, another port with one", () => {
  const [key, fact] = live(
    "a",
    nvm("10.0.0.1:4420", "nqn.2024-01.io.example:one"),
    nvm("10.0.0.1:4420", "nqn.2024-01.io.example:two"),
    nvm("10.0.0.1:4421", "nqn.2024-01.io.example:two"),
  );
  const { connects } = plan(
    facts({
      entries: [entry("a")],
      list: list(member("a")),
      sessions: new Map([[key, { ...fact, logAtMs: nowMs }]]),
      controllers: { list: [controller], readAtMs: nowMs },
    }),
    nowMs,
  );
  assertEquals(connects.connect.map(({ addressKey }) => addressKey), ["10.0.0.1:4420"]);
  assertEquals(connects.probe.map(({ addressKey }) => addressKey), ["10.0.0.1:4421"]);
});
