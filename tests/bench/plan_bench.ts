/** The plan over 10,000 paths that are all live, and the decoding of a log of 10,000 records. */
import { decodeLogHeader, decodeLogRecords, encodeLogPage } from "../../src/nvme/discovery_log.ts";
import type { Controller } from "../../src/model/controller.ts";
import { plan } from "../../src/plan/plan.ts";
import { entry, facts, list, live, member, nvm, referral } from "../plan/fact_samples.ts";
import { assert } from "../assert.ts";
import { type Figure, medianMs } from "./measure.ts";

const nodes = 20;
const subsystems = 500;
const subnqn = (at: number) => `nqn.2024-01.io.example:subsystem-${at}`;
const node = (at: number) => `10.1.0.${at + 1}`;

export async function planFigures(): Promise<Figure[]> {
  const logs = Array.from({ length: nodes }, (_, at) => [
    ...Array.from({ length: nodes }, (_, other) => referral(node(other))),
    ...Array.from({ length: subsystems }, (_, n) => nvm(`${node(at)}:4420`, subnqn(n))),
  ]);
  const controllers: Controller[] = logs.flatMap((_, at) =>
    Array.from({ length: subsystems }, (_, n) => controllerOf(at, n))
  );
  const first = facts({
    entries: [entry(node(0))],
    list: list(...logs.map((_, at) => member(node(at)))),
    sessions: new Map(logs.map((records, at) => live(node(at), ...records))),
    controllers: { list: controllers, readAtMs: 0 },
  });
  const settled = { ...first, list: plan(first, 0).list };
  const planned = plan(settled, 1);
  const liveRows = planned.connects.rows.filter((row) => row.state === "live").length;
  assert(liveRows === nodes * subsystems, `All ${nodes * subsystems} paths are live, not ${liveRows}`);
  const planMs = await medianMs(31, 5, () => plan(settled, 2));
  return [{
    name: "plan over 10,000 unchanged paths",
    value: planMs,
    unit: "ms",
    against: { name: "bound", value: 20 },
    atMost: 1,
  }];
}

function controllerOf(at: number, n: number): Controller {
  const instance = at * subsystems + n;
  return {
    name: `nvme${instance}`,
    instance,
    transport: "tcp",
    state: "live",
    subsysnqn: subnqn(n),
    address: { traddr: node(at), trsvcid: "4420", srcAddr: "10.1.0.200" },
    hostnqn: entry("a").cluster.hostnqn,
    hostid: "00112233-4455-6677-8899-aabbccddeeff",
  };
}

export async function decodeFigures(): Promise<Figure[]> {
  const count = 10_000;
  const records = Array.from({ length: count }, (_, n) => nvm(`10.1.${n >> 8}.${n & 255}:4420`, subnqn(n)));
  const page = encodeLogPage({ genctr: 7n, recfmt: 0 }, records);
  const body = page.subarray(1024);
  const decode = () => {
    const header = decodeLogHeader(page.subarray(0, 1024));
    return decodeLogRecords(body, header.numrec);
  };
  const decoded = decode();
  assert(
    decoded.length === count && decoded.every((record) => record.problem === undefined),
    "All is decoded",
  );
  return [{ name: "decode of a log of 10,000 records", value: await medianMs(21, 5, decode), unit: "ms" }];
}
