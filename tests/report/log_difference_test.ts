import { limits } from "../../src/base/limits.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { logDifference } from "../../src/report/log_difference.ts";
import { assertEquals } from "../assert.ts";

function record(fields: Partial<DiscoveryRecord> = {}): DiscoveryRecord {
  return {
    trtype: 3,
    adrfam: 1,
    subtype: 2,
    treq: 0,
    portid: 1,
    cntlid: 0xffff,
    asqsz: 32,
    eflags: 0,
    sectype: 0,
    trsvcid: "4420",
    subnqn: "nqn.a",
    traddr: "10.0.0.1",
    ...fields,
  };
}

const other = record({ subnqn: "nqn.b", traddr: "fe80::1" });
const referral = record({ subtype: 1, subnqn: "nqn.2014-08.org.nvmexpress.discovery", trsvcid: "8009" });
const many = Array.from({ length: 8 }, (_, at) => record({ trsvcid: String(5000 + at) }));

const cases: readonly [what: string, before: DiscoveryRecord[], after: DiscoveryRecord[], text: string][] = [
  ["nothing", [record(), other], [record(), other], ""],
  ["another order", [record(), other], [other, record()], ""],
  ["one came", [record()], [record(), other], "came: nqn.b at [fe80::1]:4420"],
  ["one went", [record(), referral], [record()], "went: referral to 10.0.0.1:8009"],
  [
    "one moved",
    [record()],
    [record({ traddr: "10.0.0.2" })],
    "came: nqn.a at 10.0.0.2:4420; went: nqn.a at 10.0.0.1:4420",
  ],
  [
    "its port ID changed",
    [record()],
    [record({ portid: 2 })],
    "changed: nqn.a at 10.0.0.1:4420 (port ID 1 → 2)",
  ],
  [
    "its problem changed",
    [record()],
    [record({ problem: "x" })],
    "changed: nqn.a at 10.0.0.1:4420 (what is wrong with it)",
  ],
  ["twice is once more", [record()], [record(), record()], "came: nqn.a at 10.0.0.1:4420"],
  [
    "of two that are alike, one changed",
    [record(), record({ portid: 2 })],
    [record({ portid: 2 })],
    "went: nqn.a at 10.0.0.1:4420",
  ],
  [
    "many came",
    [],
    many,
    `came: ${
      many.slice(0, limits.recordsToldMax).map(({ trsvcid }) => `nqn.a at 10.0.0.1:${trsvcid}`).join(", ")
    } and 3 more`,
  ],
];

for (const [what, before, after, text] of cases) {
  Deno.test(`logDifference() says it: ${what}`, () => assertEquals(logDifference(before, after), text));
}
