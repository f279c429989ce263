/**
 * What is done for paths: their ports are asked whether somebody answers, their targets whether they take a Connect, and
 * the kernel connects them. Each answer becomes a fact. Decides nothing.
 */
import { assert } from "../base/assert.ts";
import { errorText } from "../base/errors.ts";
import type { Log, World } from "../model/world.ts";
import { parseHostId } from "../nvme/nqn.ts";
import type { WantedPath } from "../plan/wanted_paths.ts";
import { ConnectTrial, type TrialResult } from "../protocol/connect_trial.ts";
import { Probe, type ProbeResult } from "../protocol/probe.ts";
import type { Meter } from "../report/meter.ts";
import type { ConnectOutcome, ConnectRunner } from "./connect_runner.ts";
import type { FactStore } from "./fact_store.ts";
import type { KernelWatch } from "./kernel_watch.ts";
import { pathKeys } from "./log_keys.ts";
import { ProbeRunner, type Question } from "./probe_runner.ts";

export interface PathRunnerOptions {
  readonly world: World;
  readonly facts: FactStore;
  readonly meter: Meter;
  readonly connectRunner: Pick<ConnectRunner, "hostidOf" | "connect">;
  readonly kernelWatch: Pick<KernelWatch, "refresh" | "askKernel">;
  readonly log: Log;
  /** As it is when a target is asked; Keep Alive Timeout, ms. */
  readonly tuning: () => { readonly katoMs: number };
}

export class PathRunner {
  readonly #options: PathRunnerOptions;
  /** Questions under way. */
  readonly #questions = new Set<Pick<ProbeRunner<ProbeResult>, "abandon">>();
  #lastConnectMs = -Infinity;

  constructor(options: PathRunnerOptions) {
    this.#options = options;
  }

  probe(wanted: WantedPath): void {
    const { facts } = this.#options;
    const { options, secureChannelRequired } = wanted.path;
    const openPortSuffices = secureChannelRequired || options.tls === true;
    facts.recordProbing(wanted.addressKey);
    this.#question<ProbeResult>(
      "port",
      wanted,
      (nowMs) => new Probe(nowMs, { openPortSuffices }),
      (result, nowMs) => facts.recordProbeResult(wanted, result.ok ? null : result.error, nowMs),
    );
  }

  ask(wanted: WantedPath): void {
    const { facts, connectRunner, tuning } = this.#options;
    const { hostnqn, subsysnqn: subnqn } = wanted.path;
    const hostid = parseHostId(connectRunner.hostidOf(wanted.path));
    assert(hostid !== null, "The host identifier was checked before");
    const host = { hostnqn, hostid, subnqn, katoMs: tuning().katoMs };
    facts.recordAsking(wanted);
    const makeTrial = (nowMs: number) => new ConnectTrial(nowMs, host);
    this.#question<TrialResult>("connect", wanted, makeTrial, (result, nowMs) => {
      if (result.ok) facts.recordAnswered(wanted.key, result.refusal, nowMs);
      else facts.recordConnectFailed(wanted, result.error, nowMs);
    });
  }

  async connect(wanted: WantedPath): Promise<void> {
    const { world: { clock }, facts, meter, connectRunner, kernelWatch } = this.#options;
    facts.recordConnecting(wanted);
    const startMs = clock.nowMs();
    const outcome = await connectRunner.connect(wanted);
    const nowMs = clock.nowMs();
    // The kernel takes one after the other: what it did before the last answer was not for this one.
    const heldMs = nowMs - Math.max(startMs, this.#lastConnectMs);
    this.#lastConnectMs = nowMs;
    meter.connected(outcome, nowMs - startMs);
    this.#tell(wanted, outcome, nowMs - startMs);
    if (outcome.ok) {
      facts.recordConnected(wanted, outcome.already, nowMs);
      kernelWatch.refresh();
    } else {
      facts.recordConnectFailed(wanted, outcome.error, nowMs, heldMs);
      // The module may have gone: ask, and look out for its return.
      kernelWatch.askKernel();
    }
  }

  /** Nobody is asked any more; what was written to the kernel goes on there. */
  stop(): void {
    for (const question of this.#questions) question.abandon();
  }

  #question<Result extends ProbeResult | TrialResult>(
    about: "port" | "connect",
    { path: { traddr, trsvcid, options: source } }: WantedPath,
    makeQuestion: (nowMs: number) => Question<Result>,
    onResult: (result: Result | { readonly ok: false; readonly error: Error }, nowMs: number) => void,
  ): void {
    const { world, meter } = this.#options;
    const startMs = world.clock.nowMs();
    const runner = new ProbeRunner<Result>({
      world,
      traddr,
      trsvcid,
      source,
      makeQuestion,
      onResult: (result) => {
        const nowMs = world.clock.nowMs();
        meter.asked(about, result.ok ? null : result.error, nowMs - startMs);
        onResult(result, nowMs);
      },
    });
    this.#questions.add(runner);
    runner.gone.then(() => this.#questions.delete(runner));
  }

  #tell({ path }: WantedPath, outcome: ConnectOutcome, tookMs: number): void {
    const { log } = this.#options;
    const fields = { ...pathKeys(path), ms: Math.round(tookMs) };
    if (!outcome.ok) log.debug(`Connect failed: ${errorText(outcome.error)}`, fields);
    else if (outcome.already) log.debug("The kernel says it is connected already", fields);
    else log.debug("The kernel has connected it", { ...fields, device: outcome.device });
  }
}
