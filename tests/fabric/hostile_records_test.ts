/** Hostile records: a host decodes them all, and takes of them what is documented, nothing else. */
import { seededRandom } from "../../src/base/random.ts";
import { decodeLogHeader, decodeLogRecords, type DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { discoveryNqn, logRecordBytes, recordSubtype } from "../../src/nvme/spec.ts";
import { recordAddress } from "../../src/plan/record_address.ts";
import { wantedPaths } from "../../src/plan/wanted_paths.ts";
import { assert, assertEquals } from "../assert.ts";
import { list, live, member } from "../plan/fact_samples.ts";
import { Fabric } from "./fabric.ts";
import { hostA } from "./fabric_host.ts";
import type { FabricRecord } from "./fabric_log.ts";
import { type HostileContext, hostileKinds, hostileRecords } from "./hostile_records.ts";
import { canonicalPlace } from "./served.ts";

const selfPlaces = ["10.0.0.1 8009", "fd00::1 8009"];
const real = /^(10\.0\.0\.[123]|fd00::[123]) 8009$/;
const dead = /^192\.0\.2\.[1-9] 8009$/;

/** A node of three, and the host's view of what it tells. */
function newNode(ipv6: boolean) {
  const traddr = (index: number) => ipv6 ? `fd00::${index}` : `10.0.0.${index}`;
  const fabric = Fabric.build({ nodes: 3, subsystems: 2, traddr });
  const addresses = [...fabric.nodes.values()].map(({ discovery }) => discovery[0]!);
  const context: HostileContext = {
    self: addresses[0]!,
    live: addresses,
    nqns: [...fabric.subsystems.keys()],
    records: fabric.discoveryLog("n1", hostA),
  };
  const plainPaths = pathsOf(fabric);
  assertEquals(plainPaths.length, 2);
  return { fabric, context, plainPaths };
}

function decode(fabric: Fabric): DiscoveryRecord[] {
  const page = fabric.logPage("n1", hostA);
  return decodeLogRecords(page.subarray(1024), decodeLogHeader(page).numrec);
}

/** Paths that the plan wants of the node's log. */
function pathsOf(fabric: Fabric): string[] {
  const { paths } = wantedPaths(list(member("a")), new Map([live("a", ...decode(fabric))]));
  return [...paths.values()].map(({ addressKey, path }) => `${addressKey} ${path.subsysnqn}`);
}

/** `traddr trsvcid` that referrals among these lead to. */
function referralsOf(records: readonly DiscoveryRecord[]): string[] {
  return records.filter(({ subtype }) => subtype === recordSubtype.referral).flatMap((record) => {
    const address = recordAddress(record, { traddr: "10.0.0.1", options: {} });
    return address.problem === undefined ? [`${address.traddr} ${address.trsvcid}`] : [];
  });
}

for (const { name, leads, draw } of hostileKinds) {
  Deno.test(`hostile records, ${name}: ${leads === null ? "refused" : `lead to ${leads} alone`}`, () => {
    for (const ipv6 of [false, true]) {
      const { fabric, context, plainPaths } = newNode(ipv6);
      const plain = decode(fabric).length;
      const random = seededRandom(7);
      const drawn = Array.from({ length: 400 }, () => draw(random, context));
      fabric.injectRecords("n1", drawn);
      const records = decode(fabric).slice(plain);
      assertEquals(records.length, drawn.length);
      assertEquals(pathsOf(fabric), plainPaths);
      const referrals = referralsOf(records);
      if (leads === null) assertEquals(referrals, []);
      else assert(referrals.length > 0, "None of them was taken");
      if (leads === "self") assert(referrals.every((place) => selfPlaces.includes(place)), referrals.join());
      if (leads === "real") assert(referrals.every((place) => real.test(place)), referrals.join());
      if (leads === "dead") assert(referrals.every((place) => dead.test(place)), referrals.join());
      // What leads somewhere is refused nowhere; noise apart, what is noted as served is what was taken.
      if (leads !== null) assertEquals(records.filter(({ problem }) => problem !== undefined), []);
      const told = drawn.filter(({ subtype }) => subtype === recordSubtype.referral);
      const places = new Set(told.map(({ traddr = "", trsvcid = "" }) => canonicalPlace(traddr, trsvcid)));
      assertEquals(referrals.filter((place) => !places.has(place)), []);
    }
  });
}

Deno.test("hostileRecords() never breaks the decoder, and no string of it gets out unclean", () => {
  const { fabric, context, plainPaths } = newNode(false);
  for (let seed = 1; seed <= 1_500; seed++) {
    const drawn = hostileRecords(seededRandom(seed), context);
    assert(drawn.length >= 1 && drawn.length <= 6);
    fabric.injectRecords("n1", drawn);
    const records = decode(fabric);
    assertEquals(pathsOf(fabric), plainPaths, `seed ${seed}`);
    for (const place of referralsOf(records)) {
      assert(real.test(place) || dead.test(place), `seed ${seed}: ${place}`);
    }
    for (const { subnqn, traddr, trsvcid } of records) {
      const text = subnqn + traddr + trsvcid;
      assert(/^[\x20-\x7e]*$/.test(text), `seed ${seed}: ${JSON.stringify(text)}`);
      assert(!text.includes("bm9ib2R5"), `seed ${seed}: a key is shown`);
    }
  }
});

Deno.test("hostileRecords() draws every kind, the same again from the same seed, also with little to draw from", () => {
  const { context } = newNode(true);
  const text = (records: readonly FabricRecord[]) =>
    JSON.stringify(records, (_, value) => value instanceof Uint8Array ? [...value] : value);
  const drawn: FabricRecord[] = [];
  for (let seed = 1; seed <= 300; seed++) {
    const records = hostileRecords(seededRandom(seed), context);
    assertEquals(text(records), text(hostileRecords(seededRandom(seed), context)));
    drawn.push(...records);
    hostileRecords(seededRandom(seed), { self: context.self, live: [context.self], nqns: [] });
  }
  const has = (test: (record: FabricRecord) => boolean | undefined) => assert(drawn.some(test), String(test));
  has(({ raw }) => raw?.length === logRecordBytes);
  for (const subtype of [0, 1, 2, 3, 4, 255]) has((record) => record.subtype === subtype);
  for (const port of ["0", "65536", "-1", "8009x", "", " 4420"]) has(({ trsvcid }) => trsvcid === port);
  for (const traddr of ["0.0.0.0", "::", "::ffff:0.0.0.0", "010.0.0.1"]) {
    has((record) => record.traddr === traddr);
  }
  for (const length of [222, 223, 256]) has(({ subnqn }) => subnqn?.length === length);
  has(({ subtype, subnqn }) => subtype === recordSubtype.nvm && subnqn === discoveryNqn);
  has(({ subnqn }) => subnqn?.includes("\0"));
  has(({ subnqn, trtype }) => trtype === undefined && subnqn === context.nqns[0]);
});
