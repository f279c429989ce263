/**
 * The demo: the real agent, on a three-node fabric that speaks real NVMe/TCP on loopback, with the kernel SIMULATED.
 * Shows a dropped file, referrals, connects, a new subsystem, a node killed and back. Exits 0 when all went as said.
 */
import { Agent } from "../../src/agent/agent.ts";
import { EntryDirectory } from "../../src/io/entry_directory.ts";
import { writeEntryFile } from "../../src/io/entry_files.ts";
import { NameResolver } from "../../src/io/name_resolver.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { createRandom } from "../../src/io/real_random.ts";
import { StateFile } from "../../src/io/state_file.ts";
import { TcpDialer } from "../../src/io/tcp.ts";
import { formatEntryFile } from "../../src/config/entry_line.ts";
import type { Log, World } from "../../src/model/world.ts";
import { formatTable } from "../../src/cli/table.ts";
import { allows, Fabric, isListening } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { MemoryKernel } from "../sim/memory_kernel.ts";
import type { ConnectAnswer, ConnectTarget } from "../sim/reachability.ts";

const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const cluster = { subsysnqn: "nqn.2024-01.org.example:cluster", hostnqn };
const useColour = Deno.stdout.isTerminal() && !Deno.env.has("NO_COLOR");
const startMs = performance.now();

function colour(code: number, text: string): string {
  return useColour ? `\x1b[${code}m${text}\x1b[0m` : text;
}

function say(who: "demo" | "agent", text: string): void {
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(2).padStart(6);
  const label = who === "demo" ? colour(36, "demo ") : colour(90, "agent");
  console.log(`${colour(90, seconds)}  ${label}  ${who === "demo" ? colour(1, text) : text}`);
}

const log: Log = {
  debug: () => {},
  info: (message, fields) => say("agent", line(message, fields)),
  warn: (message, fields) => say("agent", colour(33, line(message, fields))),
  error: (message, fields) => say("agent", colour(31, line(message, fields))),
};

function line(message: string, fields: Readonly<Record<string, unknown>> = {}): string {
  const what = String(fields.path ?? fields.endpoint ?? "").replace("nqn.2024-01.org.example:", "");
  const device = fields.device === undefined ? "" : ` (${fields.device})`;
  return what === "" ? message : `${message}${device}: ${what}`;
}

/** What the simulated kernel finds at an address: the same fabric that the sockets serve. */
function answer(fabric: Fabric, target: ConnectTarget): ConnectAnswer {
  const node = [...fabric.nodes.values()].find((candidate) =>
    candidate.io.some(({ traddr, trsvcid }) => traddr === target.traddr && String(trsvcid) === target.trsvcid)
  );
  if (node === undefined || !isListening(node)) return "refused";
  const subsystem = fabric.subsystems.get(target.subsysnqn);
  if (subsystem === undefined || !node.subsystems.has(subsystem)) return "absent";
  return allows(subsystem, target.hostnqn) ? "accepted" : "denied";
}

const results: string[][] = [];

/** Each step is announced; people get a moment to read it. */
async function step(text: string): Promise<void> {
  if (Deno.stdout.isTerminal()) await new Promise((resolve) => setTimeout(resolve, 1_200));
  say("demo", text);
}

/** Bounded wait for an effect; the demo fails when it does not come. */
async function until(what: string, limitMs: number, condition: () => boolean): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const took = `${Math.round(performance.now() - start)} ms`;
  results.push([what, took]);
  say("demo", colour(32, `✓ ${what} (${took})`));
}

async function run(directory: string): Promise<void> {
  say("demo", "Three storage nodes on 127.77.0.1-3, NVMe/TCP on loopback. The Linux kernel is SIMULATED.");
  const fabric = Fabric.build({
    nodes: 3,
    subsystems: 4,
    traddr: (index) => `127.77.0.${index}`,
    discoveryPort: 8009,
    ioPort: 4420,
  });
  const server = new FabricServer(fabric);
  const clock = new RealClock();
  const kernel = new MemoryKernel({
    clock,
    connectMs: 15,
    reachability: { connect: (target) => answer(fabric, target) },
  });
  fabric.watchNodes(() => kernel.checkConnections());
  const configDir = `${directory}/discovery.d`;
  await Deno.mkdir(configDir);
  const world: World = {
    clock,
    random: createRandom(),
    dialer: new TcpDialer(clock),
    resolver: new NameResolver(),
    kernel,
    configDir: new EntryDirectory(clock, configDir),
    store: new StateFile(directory),
    log,
    notifier: { watchdogMs: null, ready() {}, reloading() {}, alive() {}, status() {}, stopping() {} },
  };
  const agent = new Agent(world, {
    policy: { dryRun: false, connectDefaults: { reconnectDelay: 2 }, hostid: null },
    reconnectIntervalMs: 1_000,
    katoMs: 2_000,
  });
  const live = () => kernel.list().filter(({ state }) => state === "live").length;
  const sessions = () => agent.snapshot().summary.sessionsLive;
  await agent.start();
  say("demo", "The agent runs. Its directory is empty, nothing is connected.");

  await step("1. A consumer drops a file that names one node");
  const entry = { cluster, transport: "tcp" as const, persistent: false, options: {} };
  await writeEntryFile({
    directory: configDir,
    name: "my-cluster",
    text: formatEntryFile([{ ...entry, traddr: "127.77.0.1", trsvcid: 8009 }]),
    replace: false,
  });
  await until("the other two nodes are found by referrals", 5_000, () => sessions() === 3);
  await until("4 subsystems × 3 nodes: 12 controllers live", 5_000, () => live() === 12);

  await step("2. The cluster gets a fifth subsystem");
  fabric.addSubsystem("nqn.2024-01.org.example:sub5");
  await until("event seen, log read, 3 new controllers live", 5_000, () => live() === 15);

  await step("3. Node 127.77.0.2 is killed");
  fabric.setNodeDown("n2");
  await until("its 5 paths are lost, the other 10 stay live", 5_000, () => live() === 10 && sessions() === 2);

  await step("4. The node comes back");
  fabric.setNodeUp("n2");
  await until(
    "its session is up and all 15 controllers are live",
    12_000,
    () => live() === 15 && sessions() === 3,
  );

  await step("5. The agent stops");
  const removed = kernel.losses.length;
  await agent.stop();
  await until(
    "all 15 controllers are still live, none was ever removed",
    1_000,
    () => live() === 15 && removed === 0 && kernel.losses.length === 0,
  );
  kernel.close();
  await server.close();
}

const directory = await Deno.makeTempDir({ prefix: "discovery-client-demo-" });
let status = 0;
try {
  await run(directory);
  console.log(`\n${formatTable(["what was shown", "took"], results)}`);
  console.log("Everything went as expected. The kernel was simulated; ./scripts/kernel-lab uses a real one.");
} catch (error) {
  status = 1;
  say("demo", colour(31, `✗ ${error instanceof Error ? error.message : error}`));
} finally {
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(status);
