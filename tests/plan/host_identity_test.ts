import {
  derivedHostId,
  hostIdNotice,
  hostidOwner,
  hostIdSource,
  identitiesInForce,
  identityConflict,
  settleHostId,
} from "../../src/plan/host_identity.ts";
import { parseHostId } from "../../src/nvme/nqn.ts";
import { assert, assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
import { cluster, entry, facts, list, member } from "./fact_samples.ts";
import { controller } from "./path_samples.ts";

const nqn = "nqn.2024-01.io.example:host1";
const other = "nqn.2024-01.io.example:host2";
const [id1, id2, id3] = ["1", "2", "3"].map((digit) => `${digit.repeat(8)}-1111-4111-8111-111111111111`) as [
  string,
  string,
  string,
];
const zero = "00000000-0000-0000-0000-000000000000";

interface Row {
  name: string;
  inForce?: string;
  wanted?: string;
  hostid: string | null;
  fallback?: string | null;
  /** The NQN that is asked for, when it is not the usual one. */
  hostnqn?: string;
  /** Identifier that another NQN holds. */
  heldByOther?: string;
  owner?: string;
  claims?: [nqn: string, hostid: string][];
  expected: string;
}

const uuidNqn = `nqn.2014-08.org.nvmexpress:uuid:${id3}`;

const rows: Row[] = [
  { name: "the one in force, above all", inForce: id1, wanted: id2, hostid: id3, expected: id1 },
  { name: "the entry's, when none is in force", wanted: id2, hostid: id3, expected: id2 },
  { name: "the host's, when the entry names none", hostid: id3, expected: id3 },
  { name: "one derived from the NQN, when there is none", hostid: null, expected: derivedHostId(nqn) },
  // The kernel takes a zero identifier, controllers do not; nobody can hold a session under it.
  { name: "no zero identifier, though one is in force", inForce: zero, hostid: id3, expected: id3 },
  { name: "the file's, though the NQN holds a UUID", hostid: id1, hostnqn: uuidNqn, expected: id1 },
  {
    name: "the UUID in the NQN, before what was not chosen",
    hostid: null,
    fallback: id2,
    hostnqn: uuidNqn,
    expected: id3,
  },
  { name: "the machine's, where nobody chose one", hostid: null, fallback: id2, expected: id2 },
  {
    name: "one derived from machine and NQN, where another NQN holds the machine's",
    hostid: null,
    fallback: id2,
    heldByOther: id2,
    expected: derivedHostId(nqn, id2),
  },
  {
    name: "one derived from file and NQN, where another NQN holds the file's",
    hostid: id2,
    heldByOther: id2,
    expected: derivedHostId(nqn, id2),
  },
  {
    name: "the UUID in the NQN, where another NQN holds the file's",
    hostid: id2,
    hostnqn: uuidNqn,
    heldByOther: id2,
    expected: id3,
  },
  { name: "the file's, for its owner", hostid: id2, owner: nqn, expected: id2 },
  {
    name: "one derived from file and NQN, where the file's is another NQN's",
    hostid: id2,
    owner: other,
    expected: derivedHostId(nqn, id2),
  },
  {
    name: "no UUID of the NQN that is the file's, where that is another NQN's",
    hostid: id3,
    owner: other,
    hostnqn: uuidNqn,
    expected: derivedHostId(uuidNqn, id3),
  },
  { name: "what another entry of the NQN says", hostid: id2, claims: [[nqn, id1]], expected: id1 },
  {
    name: "nothing that an entry gives to another NQN",
    hostid: id2,
    hostnqn: uuidNqn,
    claims: [[other, id2], [`${other}b`, id3]],
    expected: derivedHostId(uuidNqn, id2),
  },
  {
    name: "what the entry says, though another NQN holds it: the kernel's refusal is explained",
    wanted: id2,
    hostid: id1,
    heldByOther: id2,
    expected: id2,
  },
  { name: "no text that is no identifier", inForce: "(null)", hostid: id3, expected: id3 },
];

for (const row of rows) {
  const { name, inForce, wanted, hostid, fallback, hostnqn = nqn, heldByOther, owner, expected } = row;
  const claims = new Map(row.claims ?? []);
  Deno.test(`settleHostId() answers ${name}`, () => {
    const controllers = [
      ...inForce === undefined ? [] : [controller({ hostnqn, hostid: inForce })],
      ...heldByOther === undefined ? [] : [controller({ hostnqn: other, hostid: heldByOther })],
    ];
    assertEquals(
      settleHostId(hostnqn, { wanted, hostid, fallback, owner, claims }, identitiesInForce(controllers)),
      expected,
    );
  });
}

for (const transport of ["tcp", "rdma", "fc", "loop"]) {
  Deno.test(`identitiesInForce() and identityConflict() count controllers of ${transport}`, () => {
    const lives = [controller({ name: "nvme7", hostnqn: other, hostid: id1, transport })];
    assertEquals(identitiesInForce(lives).get(other)?.name, "nvme7");
    assert(identityConflict(nqn, id1, lives)?.includes("nvme7"));
  });
}

Deno.test("identitiesInForce() takes the first of each NQN, and what sysfs does not tell for nothing", () => {
  const inForce = identitiesInForce([
    controller({ hostnqn: undefined }),
    controller({ hostnqn: nqn, hostid: undefined }),
    controller({ hostnqn: nqn, hostid: id1, transport: "rdma" }),
    controller({ hostnqn: nqn, hostid: id2 }),
    controller({ hostnqn: other, hostid: id3 }),
  ]);
  assertEquals([...inForce].map(([key, { hostid }]) => [key, hostid]), [[nqn, id1], [other, id3]]);
});

Deno.test("derivedHostId() answers the UUID inside the NQN, in lower case", () => {
  const uuid = "00112233-4455-6677-8899-AABBCCDDEEFF";
  assertEquals(derivedHostId(`nqn.2014-08.org.nvmexpress:uuid:${uuid}`), uuid.toLowerCase());
});

Deno.test("derivedHostId() answers the same usable identifier for the same NQN, and others for others", () => {
  assertEquals(derivedHostId(nqn), derivedHostId(nqn));
  assert(derivedHostId(nqn) !== derivedHostId(other));
  const odd = ["", "nqn.2014-08.org.nvmexpress:uuid:", `nqn.2014-08.org.nvmexpress:uuid:${zero}`];
  fc.assert(fc.property(fc.oneof(fc.constantFrom(...odd), fc.string()), (hostnqn) => {
    assert(parseHostId(derivedHostId(hostnqn)) !== null, `No identifier for ${hostnqn}`);
  }));
});

Deno.test("derivedHostId() answers different identifiers on different machines, none of them the NQN's UUID", () => {
  const ids = [nqn, other, uuidNqn].flatMap((name) =>
    [id1, id2].map((machine) => derivedHostId(name, machine))
  );
  assertEquals(new Set([...ids, derivedHostId(nqn), id3]).size, ids.length + 2);
});

const entryOf = (hostnqn: string, hostid?: string) =>
  entry("a", { cluster: { ...cluster, hostnqn }, hostid });

interface OwnerRow {
  name: string;
  entries: readonly (readonly [hostnqn: string, hostid?: string])[];
  own?: string;
  before?: string;
  /** NQNs that hold the machine's identifier in the kernel. */
  held?: readonly string[];
  /** The machine's identifier was not chosen. */
  fallback?: true;
  expected: string | null;
}

const [nqnA, nqnB, nqnC] = ["a", "b", "c"].map((name) => `nqn.2024-01.io.example:${name}`) as [
  string,
  string,
  string,
];

const ownerRows: OwnerRow[] = [
  { name: "nobody, where nobody asks", entries: [], own: nqnA, expected: null },
  { name: "the only one that asks", entries: [[nqnB]], own: nqnA, expected: nqnB },
  { name: "the first by name, whatever their order", entries: [[nqnC], [nqnB], [nqnC]], expected: nqnB },
  { name: "the host's own NQN before others", entries: [[nqnA], [nqnB], [nqnC]], own: nqnC, expected: nqnC },
  { name: "who had it before", entries: [[nqnA], [nqnB]], own: nqnA, before: nqnB, expected: nqnB },
  { name: "who had it before, though its files are gone", entries: [[nqnA]], before: nqnB, expected: nqnB },
  {
    name: "who holds it in the kernel",
    entries: [[nqnA], [nqnB]],
    own: nqnA,
    before: nqnB,
    held: [nqnC],
    expected: nqnC,
  },
  {
    name: "who had it before, of several that hold it, as old kernels allow",
    entries: [[nqnA], [nqnB]],
    before: nqnB,
    held: [nqnA, nqnB],
    expected: nqnB,
  },
  { name: "whom an entry gives it to", entries: [[nqnA], [nqnB, id1]], own: nqnA, expected: nqnB },
  { name: "nobody to whom an entry gives another", entries: [[nqnA, id2], [nqnB]], expected: nqnB },
  { name: "a uuid-form NQN too, where it was chosen", entries: [[uuidNqn]], expected: uuidNqn },
  { name: "no uuid-form NQN, where nobody chose it", entries: [[uuidNqn]], fallback: true, expected: null },
];

for (const { name, entries, own, before, held = [], fallback, expected } of ownerRows) {
  Deno.test(`hostidOwner() answers ${name}`, () => {
    const list = held.map((hostnqn) => controller({ hostnqn, hostid: id1 }));
    const known = facts({
      entries: entries.map(([hostnqn, hostid]) => entryOf(hostnqn, hostid)),
      controllers: { list, readAtMs: 0 },
      policy: {
        dryRun: false,
        connectDefaults: {},
        hostid: fallback ? null : id1,
        fallbackHostid: id1,
        hostnqn: own,
      },
      hostidOwner: before,
    });
    assertEquals(hostidOwner(known), expected);
  });
}

Deno.test("hostidOwner() goes by what is remembered before the files are read, and has no owner of nothing", () => {
  const policy = { dryRun: false, connectDefaults: {}, hostid: id1 };
  assertEquals(hostidOwner(facts({ list: list(member("a")), policy })), cluster.hostnqn);
  assertEquals(hostidOwner(facts({ entries: [entryOf(nqnA)] })), null);
});

/** What a run of the agent ends with: each NQN's identifier, asked for in this order. */
function runOnce(
  names: readonly string[],
  own: string | null,
  before: string | null,
  hostid: string | null,
): { ids: Map<string, string>; owner: string | null } {
  const known = {
    ...facts({
      entries: names.map((name) => entryOf(name)),
      policy: { dryRun: false, connectDefaults: {}, hostid, fallbackHostid: id1, hostnqn: own },
    }),
    hostidOwner: before,
    controllers: { list: [] as ReturnType<typeof controller>[], readAtMs: 0 },
  };
  const ids = new Map<string, string>();
  for (const name of names) {
    known.hostidOwner = hostidOwner(known);
    const settled = settleHostId(
      name,
      hostIdSource(known, undefined),
      identitiesInForce(known.controllers.list),
    );
    ids.set(name, settled);
    known.controllers = {
      ...known.controllers,
      list: [...known.controllers.list, controller({ hostnqn: name, hostid: settled })],
    };
  }
  return { ids, owner: hostidOwner(known) };
}

Deno.test("settleHostId() gives each NQN one identifier of its own, in any order, today and after a restart", () => {
  const names = fc.uniqueArray(fc.constantFrom(nqnA, nqnB, nqnC, nqn, other, uuidNqn), { minLength: 1 });
  fc.assert(fc.property(
    names.chain((some) =>
      fc.record({
        names: fc.constant(some),
        shuffled: fc.shuffledSubarray(some, { minLength: some.length }),
        own: fc.constantFrom(null, nqnB, uuidNqn),
        chosen: fc.boolean(),
      })
    ),
    ({ names, shuffled, own, chosen }) => {
      const hostid = chosen ? id1 : null;
      const first = runOnce(names, own, null, hostid);
      assertEquals(new Set(first.ids.values()).size, names.length, "no two have one");
      const again = runOnce(shuffled, own, null, hostid);
      const restarted = runOnce(shuffled, nqnC, first.owner, hostid);
      const more = runOnce(["nqn.0-first", ...shuffled], own, first.owner, hostid);
      for (const name of names) {
        for (const [what, { ids }] of Object.entries({ again, restarted, more })) {
          // Nobody had the machine's before: a later one may have it then.
          if (first.owner !== null || what !== "more") assertEquals(ids.get(name), first.ids.get(name), what);
        }
      }
    },
  ));
});

Deno.test("hostIdNotice() says what an NQN goes by instead, why, and the way out; of others nothing", () => {
  const none = new Map<string, never>();
  const notice = hostIdNotice(nqn, { wanted: undefined, hostid: id1, owner: other }, none) ?? "nothing";
  for (const part of [nqn, other, id1, derivedHostId(nqn, id1), "made from its name", "-I"]) {
    assert(notice.includes(part), notice);
  }
  const inside = hostIdNotice(uuidNqn, { wanted: undefined, hostid: id1, owner: other }, none);
  assert(inside?.includes(`${id3}, the UUID in its name`), inside ?? "nothing");
  const lives = identitiesInForce([controller({ hostnqn: nqnC, hostid: id1 })]);
  assert(hostIdNotice(nqn, { wanted: undefined, hostid: id1 }, lives)?.includes(nqnC));
  const silent = [
    hostIdNotice(nqn, { wanted: id2, hostid: id1, owner: other }, none),
    hostIdNotice(nqn, { wanted: undefined, hostid: id1, owner: nqn }, none),
    hostIdNotice(nqn, { wanted: undefined, hostid: null }, none),
    hostIdNotice(nqnC, { wanted: undefined, hostid: id1, owner: other }, lives),
    hostIdNotice(uuidNqn, { wanted: undefined, hostid: null, fallback: id1, owner: other }, none),
    hostIdNotice(nqn, { wanted: undefined, hostid: id1, owner: other, claims: new Map([[nqn, id2]]) }, none),
  ];
  assertEquals(silent, silent.map(() => null));
});

Deno.test("identityConflict() explains both ways of a broken pairing, and nothing else", () => {
  const lives = [controller({ name: "nvme5", hostnqn: other, hostid: id1 })];
  // Both values, who holds the other, and the way out.
  const taken = identityConflict(nqn, id1, lives) ?? "nothing";
  for (const part of [nqn, other, id1, "nvme5", "their own with -I"]) assert(taken.includes(part), taken);
  const paired = identityConflict(other, id2, lives) ?? "nothing";
  for (const part of [other, id1, id2, "nvme5", `-I ${id1}`]) assert(paired.includes(part), paired);
  assertEquals(identityConflict(other, id1, lives), null);
  assertEquals(identityConflict(nqn, id2, lives), null);
  assertEquals(identityConflict(nqn, id1, [controller({ hostnqn: undefined, hostid: undefined })]), null);
});
