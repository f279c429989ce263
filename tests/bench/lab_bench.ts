/** The kernel lab's figures: cold start, a new path, a dead node; beside plain connects and nvme-cli in one run. */
import { assert } from "../assert.ts";
import type { Figure } from "./measure.ts";
import type { Program } from "./process_bench.ts";

interface LabDocument {
  readonly rounds: number;
  readonly controllers: number;
  readonly medians: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export async function labFigures(program: Program): Promise<Figure[]> {
  const binary = program.name === "compiled" ? ["--binary", program.command[0]!] : [];
  const lab = new Deno.Command("scripts/kernel-lab", {
    args: ["--program", "bench", ...binary],
    stdout: "piped",
    stderr: "inherit",
  });
  const { success, stdout } = await lab.output();
  assert(success, "The kernel lab's benchmark ran");
  const last = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  return figuresOf(JSON.parse(last) as LabDocument, program.name);
}

function figuresOf({ medians, controllers }: LabDocument, program: string): Figure[] {
  const of = (part: string, name: string) => {
    const value = medians[part]?.[name];
    assert(value !== undefined, `The lab measured ${part}.${name}`);
    return value;
  };
  const figure = (
    name: string,
    [part, what]: [string, string],
    against: [name: string, part: string, what: string],
    atMost?: number,
  ) => ({
    name: `${name} (${program})`,
    value: of(part, what),
    unit: "ms",
    against: { name: against[0], value: of(against[1], against[2]) },
    atMost,
  });
  const sum = "sum of the kernel's writes";
  return [
    figure(
      `file dropped → ${controllers} live`,
      ["coldStart", "agentFileDrop"],
      [sum, "coldStart", "raw"],
      1.3,
    ),
    figure(`process start → ${controllers} live`, ["coldStart", "agent"], [sum, "coldStart", "raw"], 1.3),
    figure(`nvme connect-all → ${controllers} live`, ["coldStart", "connectAll"], [sum, "coldStart", "raw"]),
    figure("event → new paths live", ["event", "agent"], [sum, "event", "raw"], 1.3),
    figure("nvme connect-all → new paths live", ["event", "connectAll"], [sum, "event", "raw"]),
    figure(
      "process start, one node dead → the others live",
      ["deadNode", "agent"],
      ["without the fault", "deadNode", "agentWithoutFault"],
      1.3,
    ),
    figure(
      "nvme connect-all, one node dead",
      ["deadNode", "connectAll"],
      ["agent", "deadNode", "agent"],
    ),
    figure("--version in the guest", ["process", "versionMs"], [sum, "coldStart", "raw"]),
  ];
}
