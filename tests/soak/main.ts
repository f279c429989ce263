/**
 * A soak: the agent's own program under random change for half an hour, in a network namespace of its own, against
 * targets that speak NVMe/TCP over real sockets; it is never restarted. Now and then everything is healed, and what the
 * agent holds is counted: descriptors, timers, sessions, facts and memory must be as they were. Needs root, `ip`, `nft`.
 *
 *     deno task soak [--minutes N] [--seed S] [--nodes N] [--subsystems N] [--leak KIND] [-o json]
 *
 * The last line says `flat`, or what grew; the exit status is 0 then, else 1. Leaves a row for the fault table.
 */
import { writeFaultRow } from "../faults/fault_row.ts";
import { formatSamples } from "./sample_table.ts";
import { healLimitMs, hostOptions, planSoak, Soak } from "./soak.ts";
import { SoakHost } from "./soak_host.ts";
import { parseSoakOptions, type SoakOptions, usage } from "./soak_options.ts";
import { SoakProgress } from "./soak_progress.ts";
import { findGrowth } from "./verdict.ts";

/** The world of this run, from its beginning. */
let world: Promise<SoakHost> | null = null;
let isInterrupted = false;

function say(text: string): void {
  console.error(text);
}

async function run(options: SoakOptions): Promise<number> {
  const { minutes, seed, nodes, subsystems, json, leak } = options;
  const drawn = hostOptions(seed);
  say(`seed ${seed}: ${minutes} min of change, ${nodes} ${drawn.kind} nodes, ${subsystems} subsystems`);
  const plan = planSoak(minutes);
  world = SoakHost.create({ nodes, subsystems, leak, ...drawn });
  const host = await world;
  const progress = new SoakProgress(plan);
  const soak = new Soak(host, seed, progress);
  let failure: string | null = null;
  try {
    await soak.run(plan);
  } catch (error) {
    if (isInterrupted) return 130;
    failure = error instanceof Error ? causes(error) : String(error);
    say(`\nThe agent's status: ${host.host.status}; its log's last lines:`);
    for (const line of host.agent.tail(40)) say(`  ${line}`);
  } finally {
    progress.close();
  }
  const grown = failure === null ? findGrowth(soak.samples) : [];
  const lost = failure === null ? (await host.missingPaths()).length : 0;
  const found = [
    ...(failure === null ? [] : [failure]),
    ...grown,
    ...(lost > 0 ? [`${lost} paths were lost`] : []),
  ];
  await host.close();
  if (failure === null && leak === undefined) {
    await writeFaultRow({
      fault: `${minutes} min of random change`,
      where: "namespace",
      tried: soak.healedMs.length,
      recoveredMs: soak.healedMs,
      limitMs: healLimitMs,
      lost,
      checked: `paths, sessions, list, a change noticed; descriptors, timers, facts, memory ${
        grown.length === 0 ? "flat" : "not flat"
      }`,
    });
  }
  if (json) console.log(JSON.stringify({ ...options, samples: soak.samples, found }));
  const counts = [...soak.counts].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${count} ${kind}`);
  say(`\nchanges: ${counts.join(", ")}\n\n${formatSamples(soak.samples)}\n`);
  say(found.length === 0 ? `flat: ${flatText(soak)}` : `not flat: ${found.join("; ")}`);
  return found.length === 0 ? 0 : 1;
}

function flatText({ samples }: Soak): string {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  return `${last.changes} changes in ${
    last.minutes.toFixed(1)
  } min, ${samples.length} times healed and counted; ` +
    `heap ${mib(first.heapBytes)} → ${mib(last.heapBytes)} MiB, ` +
    `resident ${mib(first.residentBytes)} → ${mib(last.residentBytes)} MiB`;
}

function causes(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${causes(error.cause)}` : error.message;
}

/** Nothing of it is left. */
async function end(): Promise<void> {
  await world?.then((host) => host.close()).catch(() => {});
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    say("Interrupted: ending all processes");
    isInterrupted = true;
    end().finally(() => Deno.exit(130));
  });
}
try {
  if (Deno.args.includes("--help")) {
    console.log(usage);
    Deno.exit(0);
  }
  const options = parseSoakOptions(Deno.args, () => Math.floor(Math.random() * 2 ** 32));
  if (Deno.uid() !== 0) throw new Error("A soak needs root: it makes a network namespace and packet filters");
  const status = await run(options);
  // Whoever interrupted it waits for the end of everything.
  if (!isInterrupted) Deno.exit(status);
} catch (error) {
  if (!isInterrupted) say(error instanceof Error ? causes(error) : String(error));
  await end();
  Deno.exit(isInterrupted ? 130 : 2);
}
