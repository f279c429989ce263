import { assert, assertEquals } from "../assert.ts";
import { drawCase, type RunCase } from "./draw_case.ts";
import { runCase } from "./run_case.ts";
import type { Change, FaultAction } from "./run_step.ts";

/** Seeds in which everything must have come up; the rarest kinds come once in some dozens. */
const seeds = 2_000;

// By the compiler, all there are.
const faultKinds: Record<FaultAction["kind"], true> = {
  "silence": true,
  "dial-error": true,
  "mute": true,
  "slow-network": true,
  "fragments": true,
  "reset-after": true,
  "stall-after": true,
  "few-sockets": true,
  "names-fail": true,
  "node-down": true,
  "wire": true,
  "stale-view": true,
  "discovery-refused": true,
  "hostile-log": true,
  "dead-referrals": true,
  "access-denied": true,
  "unlinked": true,
  "referral-gone": true,
  "kernel-absent": true,
  "module-unloaded": true,
  "sysfs-error": true,
  "sysfs-torn": true,
  "sysfs-slow": true,
  "uevents-lost": true,
  "uevents-late": true,
  "kernel-slow": true,
  "kernel-busy": true,
  "kernel-refuses": true,
  "numbers-move": true,
  "watch-lost": true,
  "watch-late": true,
  "watch-spurious": true,
  "scan-error": true,
  "scan-slow": true,
  "file-unreadable": true,
  "disk-error": true,
  "disk-slow": true,
  "state-unreadable": true,
  "agent-down": true,
};

const changeKinds: Record<Change["kind"], true> = {
  "reset": true,
  "fin": true,
  "half-close": true,
  "node-restart": true,
  "generation-moves": true,
  "subsystem-added": true,
  "subsystem-removed": true,
  "subsystems-storm": true,
  "node-joins": true,
  "node-leaves": true,
  "controller-deleted": true,
  "controller-lost": true,
  "file-written": true,
  "file-moved": true,
  "file-removed": true,
  "bad-lines": true,
  "directory-recreated": true,
  "wall-clock": true,
  "rescan": true,
};

Deno.test("drawCase() draws the same case from the same seed, and another from another", () => {
  for (let seed = 1; seed <= 100; seed++) assertEquals(drawCase(seed), drawCase(seed));
  const different = new Set(Array.from({ length: 100 }, (_, at) => JSON.stringify(drawCase(at + 1).steps)));
  assertEquals(different.size, 100);
});

Deno.test(`drawCase() draws every kind of fault and change within ${seeds} seeds, by time`, () => {
  const faults = new Set<string>();
  const changes = new Set<string>();
  for (let seed = 1; seed <= seeds; seed++) {
    const { steps } = drawCase(seed);
    assert(steps.length > 0, `Seed ${seed} has no step`);
    assertEquals(steps, steps.toSorted((a, b) => a.atMs - b.atMs));
    for (const step of steps) {
      if ("change" in step) changes.add(step.change.kind);
      else faults.add(step.fault.kind);
    }
  }
  assertEquals([...faults].sort(), Object.keys(faultKinds).sort());
  assertEquals([...changes].sort(), Object.keys(changeKinds).sort());
});

Deno.test("a case that was written down as JSON gives the same run", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const drawn = drawCase(seed);
    const read: RunCase = JSON.parse(JSON.stringify(drawn));
    const run = await runCase(drawn, { timeline: true });
    assert(run.timeline.length > 10, `Seed ${seed} tells nothing`);
    assertEquals(await runCase(read, { timeline: true }), run);
  }
});
