/** The model alone: records, generation, who hears of what, and which paths there shall be. */
import { decodeLogHeader, decodeLogRecords } from "../../src/nvme/discovery_log.ts";
import { discoveryNqn, recordSubtype } from "../../src/nvme/spec.ts";
import { assert, assertEquals } from "../assert.ts";
import { Fabric, type FabricConnection } from "./fabric.ts";
import { hostA, hostB } from "./fabric_host.ts";

const sub1 = "nqn.2024-01.org.example:sub1";
const secret = "nqn.2024-01.org.example:secret";

/** Counts what it is told. */
class Listener implements FabricConnection {
  changes = 0;
  downs = 0;
  constructor(fabric: Fabric, nodeId: string, readonly hostnqn: string | null) {
    fabric.attach(fabric.node(nodeId), this);
  }
  handleLogChange(): void {
    this.changes++;
  }
  handleNodeDown(): void {
    this.downs++;
  }
}

Deno.test("Fabric.build() gives a full mesh with every subsystem everywhere", () => {
  const fabric = Fabric.build({ nodes: 3, subsystems: 2 });
  const records = fabric.discoveryLog("n2", hostA);
  assertEquals(records.map(({ subtype, traddr, trsvcid }) => `${subtype} ${traddr} ${trsvcid}`), [
    "3 10.0.0.2 8009",
    "2 10.0.0.2 4420",
    "2 10.0.0.2 4420",
    "1 10.0.0.1 8009",
    "1 10.0.0.3 8009",
  ]);
  assertEquals(fabric.paths(hostA).length, 6);
});

Deno.test("Fabric.logPage() gives bytes that decode to the same records", () => {
  const fabric = Fabric.build({ nodes: 2, subsystems: 1 });
  const page = fabric.logPage("n1", hostA);
  const header = decodeLogHeader(page);
  assertEquals(header.genctr, fabric.node("n1").target.generation);
  const records = decodeLogRecords(page.subarray(1024), header.numrec);
  assertEquals(records.map(({ subtype, problem }) => [subtype, problem]), [
    [recordSubtype.current, undefined],
    [recordSubtype.nvm, undefined],
    [recordSubtype.referral, undefined],
  ]);
  assertEquals(records.map(({ subnqn }) => subnqn), [discoveryNqn, sub1, discoveryNqn]);
});

Deno.test("Fabric.discoveryLog() names a subsystem to allowed hosts only", () => {
  const fabric = Fabric.build({ nodes: 1 });
  fabric.addSubsystem(secret, { hosts: [hostA] });
  const seen = (host: string) =>
    fabric.discoveryLog("n1", host).filter(({ subnqn }) => subnqn === secret).length;
  assertEquals([seen(hostA), seen(hostB)], [1, 0]);
  fabric.allowHost(secret, hostB);
  fabric.denyHost(secret, hostA);
  assertEquals([seen(hostA), seen(hostB)], [0, 1]);
  fabric.setAnyHost(secret, true);
  assertEquals([seen(hostA), seen(hostB)], [1, 1]);
});

Deno.test("Fabric.discoveryLog() of a target with several nodes follows its kind", () => {
  for (const [kind, nvmRecords] of [["nvmet", 1], ["spdk", 2]] as const) {
    const fabric = new Fabric();
    for (const [id, traddr] of [["a", "10.0.0.1"], ["b", "fd00::2"]] as const) {
      fabric.addNode({ id, discovery: [{ traddr, trsvcid: 8009 }], kind, target: "one" });
    }
    fabric.addSubsystem(sub1);
    const records = fabric.discoveryLog("a", hostA).filter(({ subtype }) => subtype === recordSubtype.nvm);
    assertEquals(records.length, nvmRecords, kind);
    assertEquals(fabric.node("a").target, fabric.node("b").target);
  }
});

Deno.test("Fabric changes move the generation of the node's target, each once", () => {
  const fabric = Fabric.build({ nodes: 2, subsystems: 1, mesh: false });
  const generation = () => [fabric.node("n1").target.generation, fabric.node("n2").target.generation];
  assertEquals(generation(), [1n, 1n]);
  fabric.addReferral("n1", "n2");
  fabric.addReferral("n1", "n2");
  assertEquals(generation(), [2n, 1n]);
  fabric.removeReferral("n1", "n2");
  fabric.removeReferral("n1", "n2");
  assertEquals(generation(), [3n, 1n]);
  fabric.allowHost(sub1, hostA);
  assertEquals(generation(), [4n, 2n]);
  fabric.touch("n1");
  assertEquals(generation(), [5n, 2n]);
  fabric.restartNode("n1");
  assertEquals(generation(), [0n, 2n]);
});

Deno.test("Fabric tells a link to allowed hosts as nvmet, to everybody as SPDK", () => {
  for (const [kind, changesOfB] of [["nvmet", 0], ["spdk", 1]] as const) {
    const fabric = Fabric.build({ nodes: 2, subsystems: 1, kind });
    fabric.addSubsystem(secret, { hosts: [hostA], nodes: [] });
    const [a, b] = [new Listener(fabric, "n1", hostA), new Listener(fabric, "n1", hostB)];
    const [elsewhere, unconnected] = [new Listener(fabric, "n2", hostA), new Listener(fabric, "n1", null)];
    fabric.link(secret, "n1");
    fabric.link(secret, "n1");
    assertEquals([a.changes, b.changes, elsewhere.changes, unconnected.changes], [1, changesOfB, 0, 0], kind);
  }
});

Deno.test("Fabric tells an access change to that host, and a referral to all hosts of the node", () => {
  const fabric = Fabric.build({ nodes: 2, subsystems: 1, mesh: false });
  const [a, b] = [new Listener(fabric, "n1", hostA), new Listener(fabric, "n1", hostB)];
  fabric.allowHost(sub1, hostB);
  assertEquals([a.changes, b.changes], [0, 1]);
  fabric.addReferral("n1", "n2");
  assertEquals([a.changes, b.changes], [1, 2]);
  fabric.injectRecords("n1", [{ traddr: "10.0.0.9,evil=1", trsvcid: "70000", subnqn: "x" }]);
  assertEquals([a.changes, b.changes], [2, 3]);
});

Deno.test("Fabric nodes of nvmet stop listening with their last subsystem, those of SPDK do not", () => {
  for (const [kind, seen] of [["nvmet", ["n1 stops", "n1 starts"]], ["spdk", []]] as const) {
    const fabric = Fabric.build({ nodes: 1, subsystems: 1, kind });
    const connection = new Listener(fabric, "n1", hostA);
    const changes: string[] = [];
    fabric.watchNodes((node) => changes.push(`${node.id} ${node.subsystems.size > 0 ? "starts" : "stops"}`));
    fabric.unlink(sub1, "n1");
    assertEquals(connection.downs, kind === "nvmet" ? 1 : 0);
    fabric.link(sub1, "n1");
    assertEquals<readonly string[]>(changes, seen);
  }
});

Deno.test("Fabric.setNodeDown() ends its connections and takes its paths away until it is up", () => {
  const fabric = Fabric.build({ nodes: 2, subsystems: 1 });
  const [here, there] = [new Listener(fabric, "n1", hostA), new Listener(fabric, "n2", hostA)];
  fabric.setNodeDown("n1");
  assertEquals([here.downs, there.downs], [1, 0]);
  assertEquals(fabric.paths(hostA).map(({ nodeId }) => nodeId), ["n2"]);
  fabric.setNodeUp("n1");
  assertEquals(fabric.paths(hostA).map(({ nodeId }) => nodeId), ["n1", "n2"]);
});

Deno.test("Fabric.injectRecords() puts hostile records and raw bytes at the end of the log", () => {
  const fabric = Fabric.build({ nodes: 1, subsystems: 1 });
  fabric.injectRecords("n1", [
    { traddr: "10.0.0.9", trsvcid: "4420", subnqn: "nqn.2024-01.org.example:a,b" },
    { raw: new Uint8Array(1024).fill(0xff) },
  ]);
  const page = fabric.logPage("n1", hostA);
  const records = decodeLogRecords(page.subarray(1024), decodeLogHeader(page).numrec);
  assertEquals(records.length, 4);
  assert(records[2]?.problem?.includes("comma"));
  assertEquals(records[3]?.trtype, 0xff);
  assert(records[3]?.problem !== undefined);
});

Deno.test("Fabric.removeSubsystem() unlinks it everywhere", () => {
  const fabric = Fabric.build({ nodes: 3, subsystems: 2 });
  fabric.removeSubsystem(sub1);
  assertEquals(new Set(fabric.paths(hostA).map(({ subsysnqn }) => subsysnqn)).size, 1);
  assert(!fabric.subsystems.has(sub1));
});

/** What a log names, in words. */
function told(fabric: Fabric, nodeId: string, hostnqn = hostA): string[] {
  return fabric.discoveryLog(nodeId, hostnqn).map(({ subtype, traddr, subnqn }) =>
    `${subtype} ${traddr} ${subnqn?.split(":").at(-1)}`
  );
}

Deno.test("Fabric.setStale() freezes a node's logs for all hosts, and who is there hears it all at the end", () => {
  for (const kind of ["nvmet", "spdk"] as const) {
    const fabric = Fabric.build({ nodes: 2, subsystems: 1, kind });
    fabric.addSubsystem(secret, { hosts: [hostA] });
    // Read before the last change: what counts is the moment of the call.
    fabric.logPage("n1", hostA);
    fabric.addSubsystem("nqn.2024-01.org.example:last");
    const [a, b] = [new Listener(fabric, "n1", hostA), new Listener(fabric, "n1", hostB)];
    const there = new Listener(fabric, "n2", hostA);
    const frozen = [hostA, hostB].map((host) => [told(fabric, "n1", host), fabric.logPage("n1", host)]);
    fabric.setStale("n1", true);
    fabric.setStale("n1", true);
    fabric.addSubsystem("nqn.2024-01.org.example:new");
    fabric.unlink(sub1, "n1");
    fabric.allowHost(secret, hostB);
    fabric.denyHost(secret, hostA);
    fabric.addReferral("n1", { traddr: "10.0.0.9", trsvcid: 8009 });
    fabric.removeReferral("n1", "n2");
    fabric.injectRecords("n1", [{ traddr: "x" }]);
    fabric.touch("n1");
    assertEquals(
      [hostA, hostB].map((host) => [told(fabric, "n1", host), fabric.logPage("n1", host)]),
      frozen,
    );
    assertEquals([a.changes, b.changes], [0, 0], kind);
    assert(there.changes > 0, "The other node heard nothing");
    // Volumes are another matter: what is linked is what a connect finds.
    assert(!fabric.paths(hostA).some(({ nodeId, subsysnqn }) => nodeId === "n1" && subsysnqn === sub1));
    const before = fabric.node("n1").target.generation;
    fabric.setStale("n1", false);
    fabric.setStale("n1", false);
    assertEquals([a.changes, b.changes], [1, 1], kind);
    assertEquals(fabric.node("n1").target.generation, before + 1n);
    const { genctr } = decodeLogHeader(fabric.logPage("n1", hostA));
    assert(genctr > decodeLogHeader(frozen[0]![1] as Uint8Array).genctr);
    assert(told(fabric, "n1").includes("2 10.0.0.1 new"));
    assert(told(fabric, "n1", hostB).includes("2 10.0.0.1 secret"));
  }
});

Deno.test("Fabric.restartNode() begins its generation and its controller ids anew, of a stale view too", () => {
  for (const stale of [false, true]) {
    const fabric = Fabric.build({ nodes: 2, subsystems: 2 });
    const node = fabric.node("n1");
    assertEquals([1, 2, 3].map(() => fabric.takeCntlid(node)), [1, 2, 3]);
    fabric.setStale("n1", stale);
    const before = told(fabric, "n1");
    const connection = new Listener(fabric, "n1", hostA);
    assert(decodeLogHeader(fabric.logPage("n1", hostA)).genctr > 0n);
    fabric.restartNode("n1");
    assertEquals([connection.downs, connection.changes], [1, 0]);
    assertEquals([decodeLogHeader(fabric.logPage("n1", hostA)).genctr, fabric.takeCntlid(node)], [0n, 1]);
    assertEquals(told(fabric, "n1"), before);
    assert(fabric.node("n2").target.generation > 0n);
  }
});

Deno.test("Fabric.logPage() is made anew when a restart brings an old generation back", () => {
  const fabric = Fabric.build({ nodes: 1 });
  assertEquals(decodeLogHeader(fabric.logPage("n1", hostA)), decodeLogHeader(fabric.logPage("n1", hostA)));
  const before = fabric.logPage("n1", hostA);
  assertEquals([decodeLogHeader(before).genctr, decodeLogHeader(before).numrec], [0n, 1]);
  fabric.addSubsystem(sub1);
  fabric.restartNode("n1");
  const after = decodeLogHeader(fabric.logPage("n1", hostA));
  assertEquals([after.genctr, after.numrec], [0n, 2]);
});

Deno.test("Fabric.removeNode() ends its connections, and all who referred to it take that back, with events", () => {
  const fabric = Fabric.build({ nodes: 3, subsystems: 1 });
  const [here, there] = [new Listener(fabric, "n3", hostA), new Listener(fabric, "n1", hostA)];
  fabric.removeNode("n3");
  assertEquals([here.downs, there.downs, there.changes], [1, 0, 1]);
  assertEquals(
    told(fabric, "n1"),
    ["3 10.0.0.1 discovery", "2 10.0.0.1 sub1", "1 10.0.0.2 discovery"]
      .map((text) => text.replace("discovery", discoveryNqn.split(":").at(-1)!)),
  );
  assertEquals(fabric.paths(hostA).map(({ nodeId }) => nodeId), ["n1", "n2"]);
  assert(!fabric.nodes.has("n3"));
  fabric.subsystem(sub1);
  fabric.removeSubsystem(sub1);
});

Deno.test("Fabric.removeNode() takes its listeners out of the log that names those of the whole target", () => {
  const fabric = new Fabric();
  for (const [id, traddr] of [["a", "10.0.0.1"], ["b", "10.0.0.2"]] as const) {
    fabric.addNode({ id, discovery: [{ traddr, trsvcid: 8009 }], kind: "spdk", target: "one" });
  }
  fabric.addSubsystem(sub1);
  const listener = new Listener(fabric, "a", hostA);
  assertEquals(told(fabric, "a"), ["2 10.0.0.1 sub1", "2 10.0.0.2 sub1"]);
  fabric.logPage("a", hostA);
  fabric.removeNode("b");
  assertEquals([told(fabric, "a"), listener.changes], [["2 10.0.0.1 sub1"], 1]);
  assertEquals(decodeLogHeader(fabric.logPage("a", hostA)).numrec, 1);
});

Deno.test("Fabric.joinNode() refers both ways with nodes that listen, and links what is linked everywhere", () => {
  const fabric = Fabric.build({ nodes: 3, subsystems: 2 });
  fabric.addSubsystem(secret, { nodes: ["n1"] });
  fabric.setNodeDown("n3");
  const listener = new Listener(fabric, "n1", hostA);
  const node = fabric.joinNode({ id: "n4", discovery: [{ traddr: "10.0.0.4", trsvcid: 8009 }] });
  assertEquals([...node.subsystems].map(({ nqn }) => nqn), [sub1, "nqn.2024-01.org.example:sub2"]);
  assertEquals(node.referrals.map(({ address }) => address.traddr), ["10.0.0.1", "10.0.0.2"]);
  const referrals = (id: string) => fabric.node(id).referrals.map(({ address }) => address.traddr);
  assertEquals([referrals("n1"), referrals("n3")], [["10.0.0.2", "10.0.0.3", "10.0.0.4"], [
    "10.0.0.1",
    "10.0.0.2",
  ]]);
  assertEquals(listener.changes, 1);
});

Deno.test("Fabric.build() lays referrals out as a mesh, a ring, a star or not at all", () => {
  const edges = (topology: "mesh" | "ring" | "star" | "none", nodes: number) =>
    [...Fabric.build({ nodes, topology }).nodes.values()].flatMap(({ id, referrals }) =>
      referrals.map(({ address }) => `${id.slice(1)}${address.traddr.at(-1)}`)
    ).join(" ");
  assertEquals(edges("mesh", 3), "12 13 21 23 31 32");
  assertEquals(edges("ring", 3), "12 23 31");
  assertEquals(edges("star", 4), "12 13 14 21 31 41");
  assertEquals(edges("none", 3), "");
  assertEquals((["mesh", "ring", "star"] as const).map((topology) => edges(topology, 1)), ["", "", ""]);
  assertEquals(edges("ring", 2), "12 21");
});

Deno.test("Fabric.membersReachableFrom() follows referrals, past no node that is down", () => {
  const ring = Fabric.build({ nodes: 4, subsystems: 1, topology: "ring" });
  assertEquals(ring.membersReachableFrom(["n3"]), ["n1", "n2", "n3", "n4"]);
  ring.setNodeDown("n1");
  assertEquals(ring.membersReachableFrom(["n3"]), ["n1", "n3", "n4"]);
  assertEquals(ring.membersReachableFrom(["n1"]), ["n1"]);
  const none = Fabric.build({ nodes: 3, subsystems: 1, topology: "none" });
  assertEquals(none.membersReachableFrom(["n2"]), ["n2"]);
  assertEquals(none.membersReachableFrom([]), []);
  none.setStale("n1", true);
  none.addReferral("n1", "n2");
  assertEquals(none.membersReachableFrom(["n1"]), ["n1"]);
  none.setStale("n1", false);
  assertEquals(none.membersReachableFrom(["n1"]), ["n1", "n2"]);
  const injected = {
    subtype: recordSubtype.referral,
    traddr: "::ffff:10.0.0.3",
    trsvcid: "8009",
    subnqn: discoveryNqn,
  };
  none.injectRecords("n2", [{ ...injected, subtype: recordSubtype.nvm, traddr: "10.0.0.1" }, injected]);
  assertEquals(none.membersReachableFrom(["n1"]), ["n1", "n2", "n3"]);
});
