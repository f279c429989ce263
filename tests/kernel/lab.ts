/**
 * Host side of the kernel lab: starts the virtual machines, reads the rows they report, prints them.
 * Anything short of a row for every scenario (panic, hang, guest program lost) counts as failed.
 * Builds nothing; scripts/kernel-lab does.
 */
import { writeFaultRow } from "../faults/fault_row.ts";
import { faultScenarios } from "./fault_scenarios/index.ts";
import { parseReport, type Report, reportPrefix } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { systemdScenarios } from "./systemd_scenarios/index.ts";
import { judgeShutdown, type LastWords, shutdown } from "./systemd_scenarios/shutdown.ts";

/** Time limit of one virtual machine: to boot, and in parts of what its scenarios usually take. */
const bootLimitMs = 90_000;
const slowestShare = 4;
/** The same for fault scenarios: those of every build, and whichever were asked for. */
const faultMachineLimitMs = 420_000;
const fullMachineLimitMs = 1_800_000;
/** Guest programs that measure take longer than scenarios. */
const programLimitMs = 900_000;
const machineMemoryMiB = 1536;
/** A whole root file system lies in it, too. */
const systemdMemoryMiB = 2048;
/**
 * Processors of a machine. One for scenarios: it is no slower under emulation, and processors that patch each other's
 * code (the kernel does) now and then see it half done there. Two more are there for the scenario that needs them, and
 * switched off. Two for measuring, as a host has several.
 */
const scenarioProcessors: Processors = { count: 3, on: 1 };
const programProcessors: Processors = { count: 2, on: 2 };
const consoleTailLines = 40;
/** For the kernel's log to have systemd's last words, too. */
const systemdWords = "systemd.log_target=kmsg systemd.show_status=no printk.devkmsg=on rdinit=/init";

interface Processors {
  readonly count: number;
  /** At the start. */
  readonly on: number;
}

interface Arguments {
  kernel: string;
  /** What the kernel is called in the last lines. */
  version: string;
  initrd: string;
  work: string;
  program: string;
  jobs: number;
  /** Handed to the guest program: `--binary`, `--verbose`, `--full`. */
  flags: string[];
  faults: boolean;
  full: boolean;
  /** Scenarios under systemd, which share one machine. */
  systemd: boolean;
  names: string[];
}

interface Outcome {
  /** The guest program was reached. */
  started: boolean;
  rows: Extract<Report, { type: "row" }>[];
  documents: unknown[];
  finished: boolean;
  problem: string | null;
}

function parseArguments(args: readonly string[]): Arguments {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  const value = (name: string) => {
    const at = options.indexOf(`--${name}`);
    return at < 0 ? undefined : options[at + 1];
  };
  const required = (name: string) => {
    const found = value(name);
    if (found === undefined) throw new Error(`Cannot run the lab: --${name} is missing`);
    return found;
  };
  // Emulation keeps one of our processors busy for each of the guest's.
  const jobs = Number(value("jobs") ?? Math.min(3, navigator.hardwareConcurrency));
  return {
    kernel: required("kernel"),
    version: required("version"),
    initrd: required("initrd"),
    work: required("work"),
    program: value("program") ?? "guest",
    jobs: options.includes("--systemd") ? 1 : Math.max(1, jobs || 1),
    flags: options.filter((option) => ["--binary", "--verbose", "--full"].includes(option)),
    faults: options.includes("--faults"),
    full: options.includes("--full"),
    systemd: options.includes("--systemd"),
    names: end < 0 ? [] : args.slice(end + 1),
  };
}

async function main(): Promise<number> {
  const args = parseArguments(Deno.args);
  if (args.program !== "guest" && args.program !== "systemd_guest") return await runProgram(args);
  if (args.full && !args.faults) {
    console.error("kernel-lab: --full goes with --faults");
    return 2;
  }
  if (args.systemd && args.faults) {
    console.error("kernel-lab: --systemd and --faults are two sets");
    return 2;
  }
  const set: readonly Scenario[] = args.faults ? faultScenarios : args.systemd ? systemdScenarios : scenarios;
  const known = set.map((scenario) => scenario.name);
  const unknown = args.names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`kernel-lab: Unknown scenario ${unknown.join(", ")}; known are ${known.join(", ")}`);
    return 2;
  }
  const wanted = set.filter(({ name, ci }) =>
    args.names.length === 0 ? !args.faults || args.full || ci === true : args.names.includes(name)
  );
  return await runScenarios(args, wanted);
}

function machineLimit(args: Arguments, wanted: readonly Scenario[]): number {
  if (args.faults && (args.full || args.names.length > 0)) return fullMachineLimitMs;
  if (args.faults) return faultMachineLimitMs;
  return bootLimitMs + wanted.reduce((sum, { seconds }) => sum + seconds, 0) * 1_000 * slowestShare;
}

async function runScenarios(args: Arguments, wanted: readonly Scenario[]): Promise<number> {
  const startedMs = performance.now();
  const shares = share(wanted, args);
  const outcomes = await Promise.all(
    shares.map((names, index) => {
      return runMachine(args, {
        label: `machine${index + 1}`,
        guestArgs: [...args.flags, ...names],
        processors: scenarioProcessors,
        limitMs: machineLimit(args, wanted.filter(({ name }) => names.includes(name))),
      });
    }),
  );
  for (const outcome of outcomes) judgeLastWords(outcome);
  let passed = 0;
  let failed = 0;
  for (const [index, outcome] of outcomes.entries()) {
    for (const row of outcome.rows) row.ok ? passed++ : failed++;
    const missing = (shares[index] ?? []).filter((name) => !outcome.rows.some((row) => row.name === name));
    for (const name of missing) {
      failed++;
      console.log(`FAIL ${name.padEnd(18)} no result: ${outcome.problem ?? "the guest ended early"}`);
    }
    if (missing.length > 0 || !outcome.finished) await printConsoleTail(args.work, `machine${index + 1}`);
    if (missing.length === 0 && outcome.problem !== null) {
      failed++;
      console.log(`FAIL ${`machine${index + 1}`.padEnd(18)} ${outcome.problem}`);
    }
  }
  console.log(`kernel lab (${args.version}) took ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed === wanted.length ? 0 : 1;
}

/** The end of a machine is judged here: nothing runs in it by then. */
function judgeLastWords(outcome: Outcome): void {
  for (const document of outcome.documents) {
    const row = {
      type: "row" as const,
      name: shutdown.name,
      ok: true,
      text: "",
      tookMs: 0,
      details: [] as string[],
    };
    try {
      row.text = judgeShutdown(document as LastWords);
    } catch (error) {
      row.ok = false;
      row.text = (error as Error).message;
    }
    outcome.rows.push(row);
    console.log(`${row.ok ? "ok  " : "FAIL"} ${row.name.padEnd(18)} ${row.text}`);
  }
}

/** Any other guest program: its documents go to stdout as one line of JSON each. */
async function runProgram(args: Arguments): Promise<number> {
  const outcome = await runMachine(args, {
    label: "machine1",
    guestArgs: [...args.flags, ...args.names],
    processors: programProcessors,
    limitMs: programLimitMs,
  });
  for (const document of outcome.documents) console.log(JSON.stringify(document));
  if (outcome.finished && outcome.problem === null) return 0;
  console.error(`kernel-lab: ${args.program} did not finish: ${outcome.problem ?? "the guest ended early"}`);
  await printConsoleTail(args.work, "machine1");
  return 1;
}

/** Splits scenarios into shares of about the same length; each keeps the order of the list. */
function share(wanted: readonly Scenario[], { jobs, full }: Arguments): string[][] {
  const secondsOf = ({ seconds, fullSeconds }: Scenario) => full ? fullSeconds ?? seconds : seconds;
  const shares = Array.from(
    { length: Math.min(jobs, wanted.length) },
    () => ({ scenarios: [] as Scenario[], seconds: 0 }),
  );
  for (const scenario of [...wanted].sort((a, b) => secondsOf(b) - secondsOf(a))) {
    const lightest = shares.reduce((least, one) => one.seconds < least.seconds ? one : least);
    lightest.scenarios.push(scenario);
    lightest.seconds += secondsOf(scenario);
  }
  return shares.map((one) =>
    wanted.filter((scenario) => one.scenarios.includes(scenario)).map(({ name }) => name)
  );
}

interface Machine {
  readonly label: string;
  readonly guestArgs: readonly string[];
  readonly processors: Processors;
  readonly limitMs: number;
}

/** A machine that did not even boot is tried once more: then nothing of ours has run, and the emulator is to blame. */
async function runMachine(args: Arguments, machine: Machine): Promise<Outcome> {
  const outcome = await runMachineOnce(args, machine);
  if (outcome.started) return outcome;
  console.error(`kernel-lab: ${machine.label} did not boot (${outcome.problem}); once more`);
  return await runMachineOnce(args, machine);
}

async function runMachineOnce(args: Arguments, machine: Machine): Promise<Outcome> {
  const { label, guestArgs, limitMs } = machine;
  const outcome: Outcome = { started: false, rows: [], documents: [], finished: false, problem: null };
  const child = new Deno.Command("qemu-system-x86_64", {
    // Software emulation only: /dev/kvm exists on some test machines and hangs when used.
    args: [
      // Without cmpxchg16b: emulators of the 7 series now and then spoil the flags when an interrupt follows it, and the
      // guest's allocator, which runs on it, panics. The kernel has another way for processors that lack it.
      // The other features left out only cost time when every instruction is translated.
      ...[
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        "max,-cx16,-avx,-avx2,-la57,-pku",
      ],
      ...["-smp", String(machine.processors.count)],
      ...["-m", String(args.systemd ? systemdMemoryMiB : machineMemoryMiB)],
      ...["-nographic", "-nodefaults", "-no-reboot", "-monitor", "none"],
      ...["-serial", `file:${args.work}/${label}.console`, "-serial", "stdio"],
      ...["-kernel", args.kernel, "-initrd", args.initrd],
      ...[
        "-append",
        `console=ttyS0 quiet panic=-1 mitigations=off log_buf_len=8M maxcpus=${machine.processors.on} ${
          args.systemd ? systemdWords : ""
        } -- ${[args.program, ...guestArgs].join(" ")}`,
      ],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => {
    outcome.problem = `no end within ${limitMs / 1000} s`;
    child.kill("SIGKILL");
  }, limitMs);
  const errors = new Response(child.stderr).text();
  try {
    await readReports(child.stdout, outcome, child);
    const status = await child.status;
    if (!status.success && outcome.problem === null) {
      outcome.problem = `qemu exited with ${status.code}: ${(await errors).trim()}`;
    }
  } finally {
    clearTimeout(timer);
  }
  if (!outcome.finished && outcome.problem === null) {
    outcome.problem = "the guest ended without its last line";
  }
  return outcome;
}

async function readReports(
  stream: ReadableStream<Uint8Array>,
  outcome: Outcome,
  child: Deno.ChildProcess,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) await takeLine(line, outcome, child);
  }
}

async function takeLine(line: string, outcome: Outcome, child: Deno.ChildProcess): Promise<void> {
  const report = parseReport(line);
  if (report === null) {
    if (line.includes(reportPrefix)) outcome.problem = `unreadable report: ${line.slice(0, 200)}`;
    return;
  }
  if (report.type === "row") {
    outcome.rows.push(report);
    const took = `(${(report.tookMs / 1_000).toFixed(0)} s)`;
    console.log(`${report.ok ? "ok  " : "FAIL"} ${report.name.padEnd(18)} ${report.text} ${took}`);
    for (const detail of report.details) console.log(`     | ${detail}`);
  } else if (report.type === "fault") await writeFaultRow(report.row);
  else if (report.type === "freeze") await freeze(child, report.durationMs);
  else if (report.type === "document") outcome.documents.push(report.document);
  else if (report.type === "start") outcome.started = true;
  else if (report.type === "note") console.error(`     ${report.text}`);
  else outcome.finished = true;
}

/** Stops the whole machine, host and target side, as a suspended one stands; its clocks have leapt when it goes on. */
async function freeze(child: Deno.ChildProcess, durationMs: number): Promise<void> {
  child.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  child.kill("SIGCONT");
}

async function printConsoleTail(work: string, label: string): Promise<void> {
  const text = await Deno.readTextFile(`${work}/${label}.console`).catch(() => "(no console)");
  for (const line of text.trimEnd().split("\n").slice(-consoleTailLines)) {
    console.log(`     ${label}| ${line.trimEnd()}`);
  }
}

Deno.exit(await main());
