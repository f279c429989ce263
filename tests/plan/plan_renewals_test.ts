import { limits } from "../../src/base/limits.ts";
import { Secret } from "../../src/base/secret.ts";
import { clusterKey } from "../../src/model/cluster.ts";
import type { Controller, ControllerState } from "../../src/model/controller.ts";
import type { Facts, RenewalFact } from "../../src/plan/facts.ts";
import type { PathRow } from "../../src/plan/plan_connects.ts";
import { planRenewals } from "../../src/plan/plan_renewals.ts";
import { assertEquals } from "../assert.ts";
import { controller, wanted } from "./path_samples.ts";

const secretOf = (letter: string) => new Secret(`DHHC-1:00:${btoa(letter.repeat(36))}:`);
const [ours, own, ctrl] = [secretOf("a"), secretOf("b"), secretOf("c")];
const one = wanted("10.0.1.1", "nqn.2024-01.io.example:sub");

interface Given {
  state?: ControllerState;
  row?: Partial<PathRow>;
  policy?: Partial<Facts["policy"]>;
  renewal?: Partial<RenewalFact>;
}

/** The secrets that the plan gives to nvme5, or null. */
function renewed({ state = "connecting", row = {}, policy, renewal }: Given) {
  const controllers: Controller[] = [controller({ name: "nvme5", state })];
  const renewals = new Map<string, RenewalFact>();
  const known = { device: "nvme5", secrets: { dhchapSecret: ours }, pending: false };
  if (renewal !== undefined) renewals.set(one.key, { ...known, ...renewal });
  const { renew } = planRenewals(
    [{ wanted: one, state: "recovering", reason: "", device: "nvme5", ...row }],
    {
      policy: { dryRun: false, connectDefaults: { dhchapSecret: ours }, hostid: null, ...policy },
      controllers: { list: controllers, readAtMs: 0 },
      renewals,
    },
  );
  return renew.length === 0 ? null : renew[0]!.secrets;
}

const withSecret = { ...one, path: { ...one.path, options: { dhchapSecret: own } } };

const rows: readonly { name: string; given: Given; expected: ReturnType<typeof renewed> }[] = [
  {
    name: "gives the settings' secret to a controller that is brought back",
    given: {},
    expected: { dhchapSecret: ours },
  },
  {
    name: "gives the entry's secret before that of the settings",
    given: { row: { wanted: withSecret } },
    expected: { dhchapSecret: own },
  },
  {
    name: "gives the cluster's, and the controller's too",
    given: {
      policy: {
        clusterDefaults: new Map([[clusterKey(one.path.cluster), {
          dhchapSecret: own,
          dhchapCtrlSecret: ctrl,
        }]]),
      },
    },
    expected: { dhchapSecret: own, dhchapCtrlSecret: ctrl },
  },
  { name: "leaves a live controller alone", given: { row: { state: "live" } }, expected: null },
  { name: "leaves one alone that is live by now", given: { state: "live" }, expected: null },
  { name: "waits while the connection is taken down", given: { state: "resetting" }, expected: null },
  { name: "asks for nothing without a secret", given: { policy: { connectDefaults: {} } }, expected: null },
  { name: "does nothing in a dry run", given: { policy: { dryRun: true } }, expected: null },
  {
    name: "does nothing while the secrets are unknown",
    given: { row: { wanted: { ...one, path: { ...one.path, secretsUnknown: true } } } },
    expected: null,
  },
  { name: "does it once", given: { renewal: {} }, expected: null },
  {
    name: "does nothing beside one under way",
    given: { renewal: { pending: true, device: "nvme4" } },
    expected: null,
  },
  {
    name: "does it again when the secret changes meanwhile",
    given: { renewal: { secrets: { dhchapSecret: own } } },
    expected: { dhchapSecret: ours },
  },
  {
    name: "does it again for another controller",
    given: { renewal: { device: "nvme4" } },
    expected: { dhchapSecret: ours },
  },
];

for (const { name, given, expected } of rows) {
  Deno.test(`planRenewals() ${name}`, () => assertEquals(renewed(given), expected));
}

Deno.test("planRenewals() holds to its bound, and forgets who is back", () => {
  const many = Array.from(
    { length: limits.renewalsInFlightMax + 5 },
    (_, at) => wanted(`10.0.2.${at}`, "nqn.s"),
  );
  const list = many.map((_, at) => controller({ name: `nvme${at}`, state: "connecting" }));
  const recovering = many.map((path, at): PathRow => ({
    wanted: path,
    state: "recovering",
    reason: "",
    device: `nvme${at}`,
  }));
  const facts = {
    policy: { dryRun: false, connectDefaults: { dhchapSecret: ours }, hostid: null },
    controllers: { list, readAtMs: 0 },
  };
  const first = planRenewals(recovering, { ...facts, renewals: new Map() });
  assertEquals(first.renew.length, limits.renewalsInFlightMax);
  const fact = (pending: boolean): RenewalFact => ({ device: "nvme0", secrets: {}, pending });
  const renewals = new Map([[many[0]!.key, fact(true)], ["back", fact(false)], ["pending", fact(true)]]);
  const second = planRenewals(recovering, { ...facts, renewals });
  assertEquals([second.renew.length, second.over], [limits.renewalsInFlightMax - 2, ["back"]]);
});
