/**
 * One run of the agent on a fabric where things break at random, all from one seed; then the faults stop, and within
 * a bounded virtual time everything must be as the fabric offers it. A small forerunner of a full fault simulator.
 */
import { seededRandom } from "../../src/base/random.ts";
import { FabricWorld, hostnqn } from "./fabric_world.ts";

export interface RandomRunResult {
  readonly seed: number;
  /** What was done to the world, in order, with virtual ms. */
  readonly timeline: readonly string[];
}

/** Virtual ms after the last fault within which all must be well: the longest pauses of plan and kernel, and room. */
const healMs = 150_000;

/** Throws with seed and timeline when a promise was broken. */
export async function randomRun(seed: number): Promise<RandomRunResult> {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const kind = pick(["nvmet", "spdk"] as const);
  const world = new FabricWorld({ seed, nodes: 1 + Math.floor(random() * 4), subsystems: 2, kind });
  const timeline: string[] = [`${kind}, ${world.fabric.nodes.size} nodes`];
  const nodes = [...world.fabric.nodes.keys()];
  const down = new Set<string>();
  const swallowed = new Set<string>();
  let subsystems = 2;

  const actions: (() => string | Promise<string>)[] = [
    () => {
      const id = pick(nodes);
      if (down.has(id)) world.fabric.setNodeUp(id);
      else world.fabric.setNodeDown(id);
      if (!down.delete(id)) down.add(id);
      return `${id} ${down.has(id) ? "down" : "up"}`;
    },
    () => {
      const id = pick(nodes);
      const address = world.fabric.node(id).discovery[0]!.traddr;
      if (!swallowed.delete(id)) swallowed.add(id);
      world.memory.network.setFault(address, swallowed.has(id) ? { swallow: "both" } : null);
      return `${id} ${swallowed.has(id) ? "swallows" : "answers"}`;
    },
    () => {
      const nqn = `nqn.2024-01.org.example:sub${++subsystems}`;
      world.fabric.addSubsystem(nqn);
      return `${nqn} added`;
    },
    () => {
      const address = world.fabric.node(pick(nodes)).discovery[0]!.traddr;
      world.memory.network.reset(address);
      return `${address} resets`;
    },
    () => {
      const live = world.memory.kernel.list();
      if (live.length === 0) return "nothing to delete";
      const { name } = pick(live);
      world.memory.kernel.deleteController(name);
      return `${name} deleted by hand`;
    },
    () => {
      world.memory.kernel.dropHints = !world.memory.kernel.dropHints;
      return `uevents ${world.memory.kernel.dropHints ? "lost" : "come"}`;
    },
    () => {
      world.memory.configDir.dropHints = !world.memory.configDir.dropHints;
      return `watch events ${world.memory.configDir.dropHints ? "lost" : "come"}`;
    },
    () => {
      world.dropFile("cluster", nodes.filter(() => random() < 0.7).concat(nodes[0]!));
      return "file rewritten";
    },
    () => {
      world.memory.store.writeError = world.memory.store.writeError === null ? "ENOSPC" : null;
      return `disk ${world.memory.store.writeError ?? "fine"}`;
    },
    async () => {
      world.crash();
      await world.start();
      return "agent killed and started";
    },
  ];

  try {
    world.dropFile("cluster", [nodes[0]!]);
    await world.start();
    for (let step = 0; step < 4 + random() * 12; step++) {
      await world.memory.clock.advance(Math.floor(random() ** 3 * 30_000));
      const what = await pick(actions)();
      timeline.push(`${Math.round(world.memory.clock.nowMs())} ms: ${what}`);
      checkSafety(world);
    }
    for (const id of down) world.fabric.setNodeUp(id);
    world.memory.healAll();
    timeline.push(`${Math.round(world.memory.clock.nowMs())} ms: all healed`);
    await world.memory.clock.runUntil(
      () => JSON.stringify(world.livePaths()) === JSON.stringify(world.offeredPaths()),
      healMs,
      "Every offered path live",
    );
    await checkArmed(world, `nqn.2024-01.org.example:sub${++subsystems}`);
    checkSafety(world);
    const leaks = await world.stop();
    if (leaks.timers + leaks.sockets + leaks.watchers > 0) throw new Error(`Leaks: ${JSON.stringify(leaks)}`);
    world.memory.assertClean();
  } catch (error) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    const state = JSON.stringify(describe(world));
    throw new Error(`Seed ${seed}\n${timeline.join("\n")}\n${text}\n${state}`);
  }
  return { seed, timeline };
}

/** A change made now is noticed soon: sessions are up and their events armed. */
async function checkArmed(world: FabricWorld, nqn: string): Promise<void> {
  // What was broken last is not noticed in the same moment.
  await world.memory.clock.advance(30_000);
  await world.memory.clock.runUntil(
    () => world.agent.snapshot().summary.sessionsLive === world.fabric.nodes.size,
    healMs,
    "A session to every node",
  );
  await world.memory.clock.advance(1_000);
  world.fabric.addSubsystem(nqn);
  const count = world.offeredPaths().length;
  await world.memory.clock.runUntil(
    () => world.livePaths().length === count,
    5_000,
    "A change noticed by event",
  );
}

/** No connect that no log named, and no controller removed by anybody but a person or the kernel's own timeout. */
function checkSafety(world: FabricWorld): void {
  const known = new Set([...world.fabric.subsystems.keys()]);
  for (const { options, text, result } of world.memory.kernel.connects) {
    if (options === null && result === "pending") continue;
    if (options === null) throw new Error(`The kernel refused the text ${text}`);
    if (!known.has(options.nqn) || options.hostnqn !== hostnqn) throw new Error(`Nobody named ${text}`);
  }
}

function describe(world: FabricWorld): unknown {
  try {
    return { snapshot: world.agent.snapshot(), controllers: world.memory.kernel.list() };
  } catch {
    return "no agent runs";
  }
}
