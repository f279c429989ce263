import {
  derivedHostId,
  identitiesInForce,
  identityConflict,
  settleHostId,
} from "../../src/plan/host_identity.ts";
import { parseHostId } from "../../src/nvme/nqn.ts";
import { assert, assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
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
    name: "one derived from the NQN, where another NQN holds the machine's",
    hostid: null,
    fallback: id2,
    heldByOther: id2,
    expected: derivedHostId(nqn),
  },
  {
    name: "the chosen one, though another NQN holds it: the kernel's refusal is explained",
    hostid: id2,
    heldByOther: id2,
    expected: id2,
  },
  { name: "no text that is no identifier", inForce: "(null)", hostid: id3, expected: id3 },
];

for (const row of rows) {
  const { name, inForce, wanted, hostid, fallback, hostnqn = nqn, heldByOther, expected } = row;
  Deno.test(`settleHostId() answers ${name}`, () => {
    const controllers = [
      ...inForce === undefined ? [] : [controller({ hostnqn, hostid: inForce })],
      ...heldByOther === undefined ? [] : [controller({ hostnqn: other, hostid: heldByOther })],
    ];
    assertEquals(
      settleHostId(hostnqn, { wanted, hostid, fallback }, identitiesInForce(controllers)),
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
