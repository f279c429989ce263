import { assert, assertEquals } from "../assert.ts";
import { drawCase, type RunCase } from "./draw_case.ts";
import { healMsMax } from "./liveness.ts";
import { runCase } from "./run_case.ts";
import { runBatch } from "./worker.ts";

/** Runs of the inner loop; `deno task sim` searches further. */
const seeds = 300;
const casesFolder = new URL("cases/", import.meta.url);

Deno.test("runCase() gives the same timeline for the same case, and another for another seed", async () => {
  for (const seed of [3, 139, 329]) {
    const drawn = drawCase(seed);
    const first = await runCase(drawn, { timeline: true });
    assertEquals(first, await runCase(drawn, { timeline: true }));
    assertEquals(first.timeline[0], `seed ${seed}`);
    const other = await runCase({ ...drawn, seed: seed + 1 }, { timeline: true });
    assert(other.timeline.slice(1).join() !== first.timeline.slice(1).join(), "The seed takes no part");
  }
});

Deno.test("runCase() tells a timeline when it is asked to alone", async () => {
  assertEquals((await runCase(drawCase(1))).timeline, []);
});

Deno.test("runCase() reports what never becomes well, with its rule", async () => {
  const { options } = drawCase(1);
  // A kernel that takes longer over a connect than all may take to heal.
  const slow: RunCase = { seed: 1, options: { ...options, connectMs: 2 * healMsMax }, steps: [] };
  const { violation, healedMs, timeline } = await runCase(slow, { timeline: true });
  assertEquals(violation?.rule, "paths-live");
  assertEquals(healedMs, null);
  assert(timeline.at(-1)?.includes(`BROKEN ${violation?.text}`), timeline.at(-1));
});

Deno.test("runCase() reports an error within a step as a bug, and the next run is not touched by it", async () => {
  const { options } = drawCase(1);
  // A step that cannot be carried out is a bug of the run, not of the process that runs it.
  const impossible = {
    atMs: 5,
    change: {
      kind: "wall-clock",
      get ms(): number {
        throw new Error("No such time");
      },
    },
  } as const;
  const { violation, kinds } = await runCase({ seed: 1, options, steps: [impossible] });
  assertEquals(violation?.rule, "no-bug");
  assert(violation?.text.includes("No such time"), violation?.text);
  assertEquals(kinds, ["wall-clock"]);
  assertEquals((await runCase({ seed: 1, options, steps: [] })).violation, null, "The next run is a new one");
});

Deno.test("every case that broke a rule once breaks none now", async (t) => {
  const names = [...Deno.readDirSync(casesFolder)].map(({ name }) => name).filter((name) =>
    name.endsWith(".json")
  );
  assert(names.length >= 6, `${names.length} cases were found`);
  for (const name of names.sort()) {
    await t.step(name, async () => {
      const read: RunCase = JSON.parse(await Deno.readTextFile(new URL(name, casesFolder)));
      assert(read.steps.length > 0);
      const { violation, kinds } = await runCase(read);
      assertEquals(violation, null);
      assert(kinds.length > 0);
    });
  }
});

Deno.test(`the first ${seeds} seeds break no rule`, async () => {
  const result = await runBatch({ from: 1, count: seeds });
  assertEquals(result.failures, []);
  assertEquals(result.seeds, seeds);
  assert(result.steps > seeds * 5, `${result.steps} things were done to the world`);
});
