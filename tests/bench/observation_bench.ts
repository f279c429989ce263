/**
 * What it costs to be seen: two daemons in one run on one fabric, the same changes for both. One shows nothing (no
 * debug endpoint, no control socket, errors alone in the log); of the other the metrics are scraped, the page's event
 * stream and `watch` are open, and the log goes to a file as well. Both idle first, then a change a second.
 */
import { assert } from "../assert.ts";
import type { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import type { Figure } from "./measure.ts";
import { buildFabric, cpuSeconds, hostnqn, type Program, residentMb, waitFor } from "./process_bench.ts";

const nodes = 100;
const phaseMs = 60_000;
/** As often as Prometheus does without being told otherwise is 60 s; four times that. */
const scrapeMs = 15_000;
const port = 36_060;

interface Daemon {
  readonly child: Deno.ChildProcess;
  readonly isSeen: boolean;
}

interface Cost {
  readonly cpuPercent: number;
  readonly residentMb: number;
}

export async function observationFigures(program: Program): Promise<Figure[]> {
  const fabric = buildFabric(nodes);
  const server = new FabricServer(fabric);
  const directory = await Deno.makeTempDir();
  const daemons: Daemon[] = [];
  const watching = new AbortController();
  try {
    for (const isSeen of [false, true]) daemons.push(await startDaemon(program, fabric, directory, isSeen));
    await waitFor(() => server.connectionCount() === 2 * nodes, 60_000, `${2 * nodes} sessions`);
    const seen = { scrapes: 0, events: 0 };
    const watch = startWatch(program, directory);
    // From the start: a reader that is too slow is let go.
    const watched = watch.output();
    const scraping = scrape(watching.signal, seen);
    // Ends with the daemon, whatever it says then.
    readEvents(watching.signal, seen).catch(() => {});
    await sleep(40_000);
    const idle = await costs(daemons, () => sleep(phaseMs));
    const changes = phaseMs / 1_000;
    const changing = await costs(daemons, () => change(fabric, changes));
    assert(seen.scrapes >= 6, `${seen.scrapes} scrapes`);
    assert(
      seen.events >= nodes * changes / 2,
      `${seen.events} events came of ${changes} changes at ${nodes} nodes`,
    );
    watching.abort();
    watch.kill("SIGTERM");
    const { stdout } = await watched;
    const lines = new TextDecoder().decode(stdout).split("\n").length;
    assert(lines >= nodes * changes / 2, `watch printed ${lines} lines`);
    await scraping;
    return [...figures("idle", idle), ...figures("a change a second at each", changing)];
  } finally {
    watching.abort();
    for (const { child } of daemons) {
      child.kill("SIGTERM");
      await child.status;
    }
    await server.close();
    await Deno.remove(directory, { recursive: true });
  }
}

function figures(phase: string, [hidden, seen]: readonly Cost[]): Figure[] {
  const rows = { "processor": ["cpuPercent", "% of a core"], "resident": ["residentMb", "MB"] } as const;
  return Object.entries(rows).map(([what, [key, unit]]) => ({
    name: `${what}, seen, ${nodes} sessions, ${phase}`,
    value: seen![key],
    unit,
    against: { name: "unseen", value: hidden![key] },
  }));
}

async function startDaemon(
  program: Program,
  fabric: Fabric,
  parent: string,
  isSeen: boolean,
): Promise<Daemon> {
  const directory = `${parent}/${isSeen ? "seen" : "unseen"}`;
  await Deno.mkdir(`${directory}/discovery.d`, { recursive: true });
  const lines = [...fabric.nodes.values()].map(({ discovery }) =>
    `-t tcp -a ${discovery[0]!.traddr} -s 8009 -q ${hostnqn} -n nqn.2024-01.org.example:cluster\n`
  );
  await Deno.writeTextFile(`${directory}/discovery.d/all`, lines.join(""));
  const shown = isSeen
    ? [
      `logging: {level: info, filename: ${directory}/log}`,
      `debug: {endpoint: "127.0.0.1:${port}", metrics: true}`,
      `control: {socket: ${directory}/control.sock}`,
    ]
    : ["logging: {level: error}", 'debug: {endpoint: ""}', 'control: {socket: ""}'];
  await Deno.writeTextFile(
    `${directory}/settings.yaml`,
    [
      `clientConfigDir: ${directory}/discovery.d`,
      `internalDir: ${directory}/internal`,
      ...shown,
      "",
    ].join("\n"),
  );
  const [file, ...first] = program.command;
  const child = new Deno.Command(file!, {
    args: [...first, "serve", "--config", `${directory}/settings.yaml`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  return { child, isSeen };
}

function startWatch(program: Program, directory: string): Deno.ChildProcess {
  const [file, ...first] = program.command;
  const args = [...first, "watch", "--socket", `${directory}/seen/control.sock`, "-o", "json"];
  return new Deno.Command(file!, { args, stdout: "piped", stderr: "inherit" }).spawn();
}

async function scrape(signal: AbortSignal, seen: { scrapes: number }): Promise<void> {
  while (!signal.aborted) {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`, { signal })).text();
    assert(text.includes("discovery_connection_state"), "a scrape has metrics");
    seen.scrapes++;
    await sleep(scrapeMs);
  }
}

async function readEvents(signal: AbortSignal, seen: { events: number }): Promise<void> {
  const { body } = await fetch(`http://127.0.0.1:${port}/events`, { signal });
  for await (const part of body!.pipeThrough(new TextDecoderStream())) {
    seen.events += part.split("\ndata:").length - 1;
  }
}

async function change(fabric: Fabric, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const nqn = "nqn.2024-01.org.example:comes-and-goes";
    if (at % 2 === 0) fabric.addSubsystem(nqn);
    else fabric.removeSubsystem(nqn);
    await sleep(1_000);
  }
}

async function costs(daemons: readonly Daemon[], phase: () => Promise<void>): Promise<Cost[]> {
  const before = await Promise.all(daemons.map(({ child }) => cpuSeconds(child.pid)));
  const start = performance.now();
  await phase();
  const seconds = (performance.now() - start) / 1_000;
  return await Promise.all(daemons.map(async ({ child }, at) => ({
    cpuPercent: (await cpuSeconds(child.pid) - before[at]!) / seconds * 100,
    residentMb: await residentMb(child.pid),
  })));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
