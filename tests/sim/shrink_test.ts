import { assert, assertEquals } from "../assert.ts";
import { drawCase, type RunCase } from "./draw_case.ts";
import { kindOf, type RunStep } from "./run_step.ts";
import { shrink } from "./shrink.ts";

const moved: RunStep = { atMs: 700, change: { kind: "file-moved" } };
const unreadable: RunStep = { atMs: 900, forMs: 4_000, fault: { kind: "file-unreadable", errno: "EIO" } };

function noise(count: number): RunStep[] {
  return Array.from(
    { length: count },
    (_, at) => ({ atMs: at * 100, change: { kind: "reset", node: at + 1 } }),
  );
}

function caseOf(steps: readonly RunStep[]): RunCase {
  const { options } = drawCase(1);
  return { seed: 1, options: { ...options, nodes: 4, digests: true, secrets: true }, steps };
}

function has(one: RunCase, kind: string): boolean {
  return one.steps.some((step) => kindOf(step) === kind);
}

Deno.test("shrink() keeps the 2 of 12 steps that matter, and the option that does", async () => {
  const steps = noise(10).toSpliced(7, 0, unreadable).toSpliced(3, 0, moved);
  const failing = caseOf(steps);
  assertEquals(failing.steps.length, 12);
  const seen: RunCase[] = [];
  const small = await shrink(
    failing,
    (one) => Promise.resolve(has(one, "file-moved") && has(one, "file-unreadable") && one.options.digests),
    (_, smallest) => seen.push(smallest),
  );
  assertEquals(small.steps, [
    { ...moved, atMs: 0 },
    { ...unreadable, atMs: 0, forMs: 1 },
  ]);
  assertEquals(small.options.digests, true);
  assertEquals([small.options.secrets, small.options.nodes, small.options.topology], [false, 1, "mesh"]);
  assertEquals(small.seed, failing.seed);
  assert(seen.at(-1) === small, "The last progress tells the answer");
});

Deno.test("shrink() tries no more than 600 cases, and answers one that fails", async () => {
  const failing = caseOf(noise(500));
  let runs = 0;
  const small = await shrink(failing, (one) => {
    runs++;
    return Promise.resolve(one.steps.length === 500 && one.options.nodes === 4);
  });
  assertEquals(runs, 600);
  assertEquals(small, failing);
});
