/**
 * Runs one case: the real agent in its world, the steps at their times, the rules after every step; then the faults
 * end and all must become well. Answers what happened; throws nothing but bugs of the simulator itself.
 */
import { errorText } from "../../src/base/errors.ts";
import type { RunCase } from "./draw_case.ts";
import { Liveness } from "./liveness.ts";
import { type Rule, Safety, Violation } from "./safety.ts";
import { optionsText } from "./run_options.ts";
import { kindOf, stepText } from "./run_step.ts";
import { SimWorld } from "./sim_world.ts";

export interface RunResult {
  readonly violation: { readonly rule: Rule; readonly text: string } | null;
  /** Virtual ms from the end of the faults until all was well; null when it never was. */
  readonly healedMs: number | null;
  /** Kinds of the steps that struck. */
  readonly kinds: readonly string[];
  /** One line an event; empty unless asked for. */
  readonly timeline: readonly string[];
}

/** Virtual ms after the last step before the faults end. */
const settleMs = 500;

/** The run under way, for what goes wrong outside of every call: a rejection that nobody waits for. */
let current: Run | null = null;

globalThis.addEventListener("unhandledrejection", (event) => {
  if (current === null) return;
  event.preventDefault();
  current.fail(new Violation("no-bug", `A rejection that nobody handles: ${bugText(event.reason)}`));
});

export async function runCase(runCase: RunCase, options: { timeline?: boolean } = {}): Promise<RunResult> {
  const run = new Run(runCase, options.timeline ?? false);
  current = run;
  try {
    return await run.run();
  } finally {
    current = null;
  }
}

class Run {
  readonly #case: RunCase;
  readonly #timeline: string[] = [];
  readonly #recording: boolean;
  readonly #sim: SimWorld;
  readonly #safety: Safety;
  readonly #liveness: Liveness;
  #violation: Violation | null = null;

  constructor(runCase: RunCase, recording: boolean) {
    this.#case = runCase;
    this.#recording = recording;
    this.#sim = new SimWorld(runCase.seed, runCase.options, {
      tell: (text) => this.#tell(text),
      fail: (what) =>
        this.fail(new Violation(what.startsWith("After its stop") ? "no-leak" : "no-bug", what)),
      onBoot: () => this.#guard(() => this.#safety.handleBoot()),
      onPass: (snapshot) => this.#guard(() => this.#safety.checkPass(snapshot())),
    });
    this.#safety = new Safety(this.#sim);
    this.#liveness = new Liveness(this.#sim);
  }

  /** The first thing that went wrong counts. */
  fail(error: unknown): void {
    const violation = error instanceof Violation ? error : new Violation("no-bug", bugText(error));
    this.#violation ??= violation;
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.fail(error);
    }
  }

  async run(): Promise<RunResult> {
    const { clock } = this.#sim.memory;
    clock.afterStep = () => {
      this.#safety.check();
      if (this.#violation !== null) throw this.#violation;
    };
    let healedMs: number | null = null;
    try {
      this.#schedule();
      this.#sim.process.boot();
      await clock.advance(this.#endMs() + settleMs);
      this.#tell("all faults end");
      this.#sim.heal();
      healedMs = await this.#liveness.untilWell();
      this.#tell(`all well after ${healedMs} ms`);
      await this.#liveness.checkArmed();
      this.#tell("a change was noticed");
      await this.#liveness.checkQuiet();
      this.#tell("quiet");
      await this.#stop();
    } catch (error) {
      this.fail(error);
    }
    clock.afterStep = null;
    const kinds = [...new Set(this.#case.steps.map(kindOf))];
    return { violation: this.#told(), healedMs, kinds, timeline: this.#recording ? this.#lines() : [] };
  }

  #told(): RunResult["violation"] {
    return this.#violation === null ? null : { rule: this.#violation.rule, text: this.#violation.message };
  }

  async #stop(): Promise<void> {
    const { clock, kernel } = this.#sim.memory;
    const before = kernel.list().length;
    this.#sim.process.stop();
    await clock.advance(10_000);
    if (this.#sim.process.agent !== null) throw new Violation("no-leak", "The agent does not stop");
    if (kernel.list().length !== before) {
      throw new Violation("no-disconnect", "Its stop took controllers along");
    }
    try {
      this.#sim.memory.assertClean();
    } catch (error) {
      throw new Violation("no-secret", errorText(error));
    }
  }

  #endMs(): number {
    const ends = this.#case.steps.map((step) => "change" in step ? step.atMs : step.atMs + step.forMs);
    return Math.max(0, ...ends);
  }

  #schedule(): void {
    const clock = this.#sim.memory.clock.ownedBy("world");
    for (const step of this.#case.steps) {
      if ("change" in step) {
        clock.setTimer(step.atMs, () => {
          this.#tell(stepText(step));
          this.#guard(() => this.#sim.change(step.change));
        });
        continue;
      }
      clock.setTimer(step.atMs, () => {
        this.#tell(`begins: ${stepText(step)}`);
        this.#guard(() => this.#sim.faults.begin(step));
      });
      clock.setTimer(step.atMs + step.forMs, () => {
        this.#tell(`ends:   ${stepText(step)}`);
        this.#guard(() => this.#sim.faults.end(step));
      });
    }
  }

  #tell(text: string): void {
    if (this.#recording) this.#timeline.push(`${this.#time()} world  ${text}`);
  }

  #time(atMs = this.#sim?.memory.clock.nowMs() ?? 1_000_000): string {
    return ((atMs - 1_000_000) / 1_000).toFixed(3).padStart(9);
  }

  /** World, agent and kernel in one, by time. */
  #lines(): string[] {
    const { memory } = this.#sim;
    const lines = [...this.#timeline];
    for (const { atMs, level, message, fields } of memory.log.lines) {
      const { endpoint, path, file } = fields;
      lines.push(
        `${this.#time(atMs)} agent  ${level}: ${message} ${endpoint ?? path ?? file ?? ""}`.trimEnd(),
      );
    }
    for (const { text, writtenMs, endedMs, result } of memory.kernel.connects) {
      const what = text.replace(/^transport=tcp,/, "").replace(/dhchap_secret=[^,]*/g, "dhchap_secret=…");
      lines.push(`${this.#time(writtenMs)} kernel connect ${what}`);
      if (endedMs !== Infinity) lines.push(`${this.#time(endedMs)} kernel → ${result}: ${what.slice(0, 60)}`);
    }
    lines.sort((a, b) => Number(a.slice(0, 9)) - Number(b.slice(0, 9)));
    if (this.#violation !== null) lines.push(`${this.#time()} BROKEN ${this.#violation.message}`);
    return [`seed ${this.#case.seed}`, optionsText(this.#case.options), ...lines];
  }
}

function bugText(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : errorText(error);
}
