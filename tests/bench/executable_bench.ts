/**
 * The executable beside compiled programs that do nothing, on the same runtime: size, how long commands take as whole
 * processes, and the idle daemon's memory. Programs take turns, so that whatever slows the machine slows all.
 */
import { readDiscoveryLog } from "../../src/cli/discovery_run.ts";
import { NameResolver } from "../../src/io/name_resolver.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { TcpDialer } from "../../src/io/tcp.ts";
import { assert } from "../assert.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { runtimePart } from "../executable/runtime_part.ts";
import { type Figure, median } from "./measure.ts";
import { buildFabric, hostnqn, residentMb, waitFor } from "./process_bench.ts";

const runs = 25;
const daemons = 5;
const warmUpSessions = 300;
const endpoints = 3;

/** Program and arguments. */
type Words = readonly string[];

export async function executableFigures(executable: string): Promise<Figure[]> {
  const directory = await Deno.makeTempDir();
  try {
    const ours = await placed(executable, `${directory}/ours`);
    const empty = await compile(executable, directory, "empty", "export {};");
    const waiting = await compile(executable, directory, "waiting", "setInterval(() => {}, 60_000);");
    const megabytes = async (path: string) => (await Deno.stat(path)).size / 1e6;
    return [
      {
        name: "size",
        value: await megabytes(executable),
        unit: "MB",
        against: { name: "empty program", value: await megabytes(empty) },
        atMost: 1.05,
      },
      ...await timeFigures(ours, empty),
      ...await memoryFigures(ours, waiting, directory),
    ];
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Answers the path of a program compiled on the runtime of `executable`, with the runtime's own settings. */
async function compile(executable: string, directory: string, name: string, text: string): Promise<string> {
  const runtime = `${directory}/runtime`;
  await Deno.writeFile(runtime, runtimePart(await Deno.readFile(executable)), { mode: 0o755 });
  await Deno.writeTextFile(`${directory}/${name}.ts`, text);
  const compiler = Deno.env.get("DENO_COMPILE_CLI") || Deno.execPath();
  const flags = ["--quiet", "--no-check", "--no-config", "--no-lock", "--allow-all", "--no-code-cache"];
  const { success, stderr } = await new Deno.Command(compiler, {
    args: ["compile", ...flags, "--output", `${directory}/${name}`, `${directory}/${name}.ts`],
    env: { DENORT_BIN: runtime },
  }).output();
  assert(success, `Cannot compile ${name}: ${new TextDecoder().decode(stderr)}`);
  return await placed(`${directory}/${name}`, `${directory}/${name}-placed`);
}

/** How a file was written decides in which pieces the kernel keeps it, and so how fast it starts: all by the same way. */
async function placed(path: string, copy: string): Promise<string> {
  await Deno.copyFile(path, copy);
  return copy;
}

async function timeFigures(executable: string, empty: string): Promise<Figure[]> {
  const target = new Worker(new URL("target_worker.ts", import.meta.url), { type: "module" });
  await new Promise((resolve, reject) => {
    target.onmessage = resolve;
    target.onerror = reject;
  });
  const programs: readonly { name: string; words: Words; atMost?: number }[] = [
    { name: "empty program", words: [empty] },
    { name: "--version", words: [executable, "--version"], atMost: 1.5 },
    { name: "list ctrl", words: [executable, "list", "ctrl"], atMost: 2 },
    {
      name: "discover, a target on loopback",
      words: [executable, "discover", "-a", "127.78.0.1", "-q", hostnqn],
      atMost: 2,
    },
    { name: "--help", words: [executable, "--help"] },
  ];
  try {
    await warmUp();
    const times = programs.map(() => [] as number[]);
    for (let run = -2; run < runs; run++) {
      for (const [at, { words }] of programs.entries()) {
        const ms = await wholeProcessMs(words);
        if (run >= 0) times[at]!.push(ms);
      }
    }
    const [emptyMs = NaN, ...others] = times.map(median);
    return others.map((value, at) => {
      const { name, atMost } = programs[at + 1]!;
      return { name, value, unit: "ms", against: { name: "empty program", value: emptyMs }, atMost };
    });
  } finally {
    target.terminate();
  }
}

/** Real targets are no programs that the engine has yet to compile: ours gets as fast as it comes before it counts. */
async function warmUp(): Promise<void> {
  const clock = new RealClock();
  const world = { clock, dialer: new TcpDialer(clock), resolver: new NameResolver() };
  const request = {
    ...{ address: { host: "127.78.0.1", port: 8009 }, hostnqn, katoMs: 5_000, timeoutMs: 10_000 },
    hostid: "00112233-4455-6677-8899-aabbccddeeff",
  };
  let records = 0;
  for (let session = 0; session < warmUpSessions; session++) {
    await readDiscoveryLog(world, request, (log) => void (records += log.records.length));
  }
  assert(records > 0, "The target has no records");
}

async function wholeProcessMs([command = "", ...args]: Words): Promise<number> {
  const start = performance.now();
  const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output();
  const ms = performance.now() - start;
  assert(success, `${command} ${args.join(" ")} failed`);
  return ms;
}

/** Daemons with sessions to three endpoints, and as many programs that wait, at once. */
async function memoryFigures(executable: string, waiting: string, directory: string): Promise<Figure[]> {
  const fabric = buildFabric(endpoints);
  const server = new FabricServer(fabric);
  const entries = `${directory}/discovery.d`;
  await Deno.mkdir(entries);
  const lines = [...fabric.nodes.values()].map(({ discovery }) =>
    `-t tcp -a ${discovery[0]!.traddr} -s 8009 -q ${hostnqn} -n nqn.2024-01.org.example:cluster\n`
  );
  await Deno.writeTextFile(`${entries}/all`, lines.join(""));
  const children: Deno.ChildProcess[] = [];
  const spawn = (command: string, ...args: string[]) => {
    const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" }).spawn();
    children.push(child);
    return child.pid;
  };
  try {
    const agents: number[] = [];
    const others: number[] = [];
    for (let at = 0; at < daemons; at++) {
      const own = ["--clientConfigDir", entries, "--internalDir", `${directory}/internal${at}`];
      const socket = `${directory}/control${at}.sock`;
      agents.push(spawn(executable, "serve", ...own, "--control.socket", socket, "--debug.endpoint="));
      others.push(spawn(waiting));
    }
    await waitFor(() => server.connectionCount() === daemons * endpoints, 60_000, "all sessions");
    // Past the start, and past the first collections of garbage.
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    const [agent, other] = [await residents(agents), await residents(others)];
    const name = `resident, idle with ${endpoints} endpoints`;
    return [
      { name, value: agent, unit: "MB", against: { name: "program that waits", value: other }, atMost: 1.3 },
    ];
  } finally {
    for (const child of children) child.kill("SIGTERM");
    for (const child of children) await child.status;
    await server.close();
  }
}

async function residents(pids: readonly number[]): Promise<number> {
  return median(await Promise.all(pids.map(residentMb)));
}
