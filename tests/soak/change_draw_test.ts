/** Drawn changes: the same for the same seed, all kinds of them, and never one that is impossible. */
import { assert, assertEquals } from "../assert.ts";
import { ChangeDraw, type TimedChange } from "./change_draw.ts";
import { fileTricks } from "./change.ts";

const nodes = ["n1", "n2", "n3"];
const subsystems = ["sub1", "sub2", "sub3"];
const periodMs = 120_000;

function draw(seed: number): ChangeDraw {
  return new ChangeDraw({ seed, nodes, subsystems, katoMs: 2_000 });
}

/** Walks through a period as a fabric would. */
function checkPossible(changes: readonly TimedChange[]): void {
  const linked = new Map(subsystems.map((nqn) => [nqn, new Set(nodes)]));
  const struck = new Set<string>();
  let lossPercent = 0;
  let lastMs = 0;
  for (const { atMs, change } of changes) {
    assert(atMs >= lastMs, "Time went back");
    lastMs = atMs;
    const text = JSON.stringify(change);
    switch (change.kind) {
      case "addSubsystem":
        assert(!linked.has(change.nqn), text);
        linked.set(change.nqn, new Set(change.nodes));
        break;
      case "removeSubsystem":
        assert(change.nqn !== "sub1" && linked.delete(change.nqn), text);
        break;
      case "link":
        assert(linked.has(change.nqn) && !linked.get(change.nqn)!.has(change.node), text);
        linked.get(change.nqn)!.add(change.node);
        break;
      case "unlink":
        assert(change.nqn !== "sub1" && linked.get(change.nqn)?.delete(change.node), text);
        break;
      case "setAnyHost":
        assert(linked.has(change.nqn) && change.nqn !== "sub1", text);
        break;
      case "storm":
        assert(linked.has(change.nqn) && change.nqn !== "sub1", text);
        linked.get(change.nqn)!.add(change.node);
        break;
      case "strike":
        assert(!struck.has(change.node), text);
        struck.add(change.node);
        break;
      case "end":
        assert(struck.delete(change.node), text);
        break;
      case "restart":
        assert(change.nodes.length > 0 && change.nodes.every((node) => !struck.has(node)), text);
        break;
      case "lose":
        assert((lossPercent === 0) === (change.percent > 0), text);
        lossPercent = change.percent;
    }
  }
  assert(struck.size === 0 && lossPercent === 0, "A fault goes on after the end");
}

Deno.test("ChangeDraw.period() draws possible changes and ends every fault", () => {
  for (let seed = 0; seed < 30; seed++) {
    const changes = draw(seed);
    for (let period = 0; period < 3; period++) checkPossible(changes.period(periodMs));
  }
});

Deno.test("ChangeDraw.period() draws the same from the same seed, and other changes from another", () => {
  const texts = [5, 5, 6].map((seed) => JSON.stringify(draw(seed).period(periodMs)));
  assertEquals(texts[0], texts[1]);
  assert(texts[0] !== texts[2]);
});

Deno.test("ChangeDraw.period() draws several changes a second, of every kind", () => {
  const changes = draw(1).period(20 * periodMs);
  assert(changes.length > 20 * periodMs / 1_000 * 3, `${changes.length} changes`);
  const kinds = new Set(changes.map(({ change }) => change.kind));
  assertEquals(kinds.size, 13);
  const tricks = new Set(changes.map(({ change }) => change.kind === "file" ? change.trick : ""));
  assertEquals(tricks.size, fileTricks.length + 1);
  const faults = new Set(changes.map(({ change }) => change.kind === "strike" ? change.fault.kind : ""));
  assertEquals(faults.size, 8 + 1);
});

Deno.test("ChangeDraw.period() stops a target for longer than the Keep Alive Timeout", () => {
  const changes = draw(3).period(20 * periodMs);
  const stoppedAtMs = new Map<string, number>();
  let seen = 0;
  for (const { atMs, change } of changes) {
    if (change.kind === "strike" && change.fault.kind === "stopped") stoppedAtMs.set(change.node, atMs);
    if (change.kind !== "end" || change.fault.kind !== "stopped" || atMs === 20 * periodMs) continue;
    assert(atMs - stoppedAtMs.get(change.node)! > 2_000, `${atMs}`);
    seen++;
  }
  assert(seen > 10, `${seen} were stopped`);
});
