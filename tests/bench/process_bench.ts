/**
 * Whole processes on loopback: one `discover`, and the daemon's resident memory and idle processor time with 1, 100
 * and 1,000 sessions open. Uses the compiled executable when there is one, else `deno run`.
 */
import { assert } from "../assert.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { type Figure, medianMs } from "./measure.ts";

export const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const clockTicks = 100;

export interface Program {
  readonly name: string;
  readonly command: readonly string[];
}

/** The executable in dist/, if it was compiled, and the source. */
export async function findProgram(): Promise<Program> {
  try {
    await Deno.stat("dist/discovery-client");
    return { name: "compiled", command: ["dist/discovery-client"] };
  } catch {
    return {
      name: "deno run",
      command: [Deno.execPath(), "run", "-q", "--no-check", "--allow-all", "main.ts"],
    };
  }
}

export function buildFabric(nodes: number): Fabric {
  const fabric = new Fabric();
  const traddrOf = (at: number) => `127.78.${Math.floor(at / 250)}.${(at % 250) + 1}`;
  for (let at = 0; at < nodes; at++) {
    fabric.addNode({ id: `n${at}`, discovery: [{ traddr: traddrOf(at), trsvcid: 8009 }], io: [] });
  }
  fabric.addSubsystem("nqn.2024-01.org.example:sub1");
  return fabric;
}

async function run(command: readonly string[], ...args: string[]): Promise<string> {
  const [file, ...first] = command;
  const child = new Deno.Command(file!, { args: [...first, ...args], stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await child.output();
  assert(success, `${command.join(" ")} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** One discovery as a whole process, beside a program that does nothing. */
export async function discoverFigures(program: Program): Promise<Figure[]> {
  const server = new FabricServer(buildFabric(1));
  try {
    const discover = () => run(program.command, "discover", "-a", "127.78.0.1", "-q", hostnqn);
    const records = JSON.parse(await discover());
    assert(Array.isArray(records) && records.length >= 1, "discover prints the log's records");
    const empty = await Deno.makeTempFile({ suffix: ".ts" });
    const idle = program.name === "compiled"
      ? () => run(program.command, "--version")
      : () => run([Deno.execPath(), "run", "-q", "--no-check", empty]);
    const emptyMs = await medianMs(9, 1, idle);
    const discoverMs = await medianMs(9, 1, discover);
    await Deno.remove(empty);
    const name = program.name === "compiled" ? "--version" : "empty program";
    return [{
      name: `discover, whole process (${program.name})`,
      value: discoverMs,
      unit: "ms",
      against: { name, value: emptyMs },
    }];
  } finally {
    await server.close();
  }
}

/** Resident memory and idle processor time of the daemon with so many sessions open. */
export async function sessionFigures(program: Program, counts: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of counts) figures.push(...await sessionsOf(program, count));
  return figures;
}

async function sessionsOf(program: Program, count: number): Promise<Figure[]> {
  const fabric = buildFabric(count);
  const server = new FabricServer(fabric);
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/discovery.d`);
  const lines = [...fabric.nodes.values()].map(({ discovery }) =>
    `-t tcp -a ${discovery[0]!.traddr} -s 8009 -q ${hostnqn} -n nqn.2024-01.org.example:cluster\n`
  );
  await Deno.writeTextFile(`${directory}/discovery.d/all`, lines.join(""));
  const settings =
    `clientConfigDir: ${directory}/discovery.d\ninternalDir: ${directory}/internal\nkato: 10\nlogging: {level: error}\n`;
  await Deno.writeTextFile(`${directory}/settings.yaml`, settings);
  const [file, ...first] = program.command;
  const child = new Deno.Command(file!, {
    args: [...first, "serve", "--config", `${directory}/settings.yaml`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await waitFor(() => server.connectionCount() === count, 60_000, `${count} sessions`);
    // Past the start: its garbage is collected, and what runs often is compiled.
    await new Promise((resolve) => setTimeout(resolve, 40_000));
    const before = await cpuSeconds(child.pid);
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    const seconds = (performance.now() - start) / 1_000;
    const cpuPercent = (await cpuSeconds(child.pid) - before) / seconds * 100;
    assert(server.connectionCount() === count, "All sessions are still open");
    const bound = count === 1_000;
    return [
      {
        name: `resident, ${count} sessions (${program.name})`,
        value: await residentMb(child.pid),
        unit: "MB",
        ...(bound ? { against: { name: "bound", value: 150 }, atMost: 1 } : {}),
      },
      {
        name: `idle, ${count} sessions (${program.name})`,
        value: cpuPercent,
        unit: "% of a core",
        ...(bound ? { against: { name: "bound", value: 2 }, atMost: 1 } : {}),
      },
    ];
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await server.close();
    await Deno.remove(directory, { recursive: true });
  }
}

export async function waitFor(condition: () => boolean, limitMs: number, what: string): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    assert(performance.now() - start < limitMs, `${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicks;
}

export async function residentMb(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1_000;
}
