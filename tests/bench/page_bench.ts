/**
 * What the page costs the agent: processor time and memory with 1,000 sessions, without the page, with it open in
 * Chromium while nothing happens, and while a change each second has all of them read their logs again.
 */
import { assert } from "../assert.ts";
import { Chromium, type Page } from "../browser/chromium.ts";
import { eventually } from "../cli/program_process.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import type { Figure } from "./measure.ts";
import type { Program } from "./process_bench.ts";

const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const endpoint = "127.79.0.1:6060";
const nodes = 1_000;
const clockTicks = 100;
const settleMs = 15_000;
const measuredMs = 20_000;

export async function pageFigures(program: Program): Promise<Figure[]> {
  const fabric = new Fabric();
  const traddrOf = (at: number) => `127.78.${Math.floor(at / 250)}.${(at % 250) + 1}`;
  for (let at = 0; at < nodes; at++) {
    fabric.addNode({ id: `n${at}`, discovery: [{ traddr: traddrOf(at), trsvcid: 8009 }], io: [] });
  }
  fabric.addSubsystem("nqn.2024-01.org.example:first");
  const server = new FabricServer(fabric);
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/d`);
  const lines = [...fabric.nodes.values()].map(({ discovery }) =>
    `-t tcp -a ${discovery[0]!.traddr} -s 8009 -q ${hostnqn} -n nqn.2024-01.org.example:cluster\n`
  );
  await Deno.writeTextFile(`${directory}/d/all`, lines.join(""));
  const [file, ...first] = program.command;
  const flags = [`--debug.endpoint=${endpoint}`, "--control.socket=", "-e=false", "--logging.level=error"];
  const child = new Deno.Command(file!, {
    args: [
      ...first,
      "serve",
      "--clientConfigDir",
      `${directory}/d`,
      "--internalDir",
      `${directory}/i`,
      ...flags,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await eventually(`${nodes} sessions`, () => server.connectionCount() === nodes, 120_000);
    const figures: Figure[] = [];
    const measure = async (name: string) =>
      figures.push(...await usage(child.pid, `${name} (${program.name})`));
    await measure("without the page");
    const change = changes(fabric);
    await measure("without the page, a change each second");
    clearInterval(change);
    await using chromium = await Chromium.start();
    const page = await chromium.open(`http://${endpoint}/`);
    await eventually(
      "the page",
      async () => await page.text("#count-sessions") === `${nodes}/${nodes}`,
      60_000,
    );
    await measure("page open");
    const again = changes(fabric);
    await measure("page open, a change each second");
    clearInterval(again);
    await assertAlive(page);
    return figures;
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await server.close();
    await Deno.remove(directory, { recursive: true });
  }
}

function changes(fabric: Fabric): ReturnType<typeof setInterval> {
  let at = 0;
  return setInterval(
    () => fabric.addSubsystem(`nqn.2024-01.org.example:s${at++}-${performance.now()}`),
    1_000,
  );
}

/** Whatever came, the page bore it. */
async function assertAlive(page: Page): Promise<void> {
  assert(page.complaints.length === 0, page.complaints.join("\n"));
  const lines = await page.value<number>(`document.querySelectorAll("#events li").length`);
  assert(lines > 0 && lines <= 200, `${lines} lines`);
}

async function usage(pid: number, name: string): Promise<Figure[]> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const before = await cpuSeconds(pid);
  const startMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, measuredMs));
  const percent = (await cpuSeconds(pid) - before) / (performance.now() - startMs) * 100_000;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const resident = Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1_000;
  return [
    { name: `1,000 sessions, ${name}`, value: percent, unit: "% of a core" },
    { name: "  resident", value: resident, unit: "MB" },
  ];
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicks;
}
