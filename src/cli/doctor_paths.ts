/** Asks the port of every path, and, where a path is not live, its target with a Connect of our own. */
import { ProbeRunner, type Question } from "../agent/probe_runner.ts";
import { formatHostPort } from "../base/address.ts";
import { limits } from "../base/limits.ts";
import { inParallel } from "../io/in_parallel.ts";
import type { Controller } from "../model/controller.ts";
import { isSamePath } from "../model/path.ts";
import { parseHostId } from "../nvme/nqn.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import type { WantedPath } from "../plan/wanted_paths.ts";
import { ConnectTrial, type TrialResult } from "../protocol/connect_trial.ts";
import { Probe, type ProbeResult } from "../protocol/probe.ts";
import type { FindingStep } from "../report/doctor/finding.ts";
import type { PathExam } from "../report/doctor/network_checks.ts";
import { type NetworkOptions, Steps } from "./doctor_steps.ts";

/** By which the agent's words about a path are found. */
export function reasonKey(
  path: { readonly subsysnqn: string; readonly hostnqn: string; readonly address: string },
): string {
  return `${path.subsysnqn} ${path.address} ${path.hostnqn}`;
}

/** Each port once, then a Connect of our own for each path that is not live though its port answers. */
export async function examinePaths(
  wanted: readonly WantedPath[],
  options: NetworkOptions,
  deadlineMs: number,
): Promise<(PathExam | null)[]> {
  const { world: { clock }, controllers } = options;
  const byAddress = Map.groupBy(wanted, ({ addressKey }) => addressKey);
  const ports = new Map<string, Asked<ProbeResult> | null>();
  let done = 0;
  await inParallel([...byAddress], limits.doctorAtOnce, async ([key, [first]]) => {
    ports.set(key, clock.nowMs() >= deadlineMs ? null : await askPort(first!, options));
    options.onProgress("ports", ++done, byAddress.size);
  });
  done = 0;
  return await inParallel(wanted, limits.doctorAtOnce, async (path) => {
    const port = ports.get(path.addressKey) ?? null;
    const found = controllers.find((controller) => isSamePath(controller, path.path));
    const needsTrial = port?.result.ok === true && found?.state !== "live" && !wantsTls(path);
    const isLate = port === null || (needsTrial && clock.nowMs() >= deadlineMs);
    const trial = needsTrial && !isLate ? await askConnect(path, options) : null;
    const isDiscovery = isUnknown(trial) && takesConnect(await askConnect(path, options, discoveryNqn));
    options.onProgress("paths", ++done, wanted.length);
    return isLate
      ? null
      : { ...pathExam(path, found, port, trial, options), ...isDiscovery ? { isDiscovery } : {} };
  });
}

function pathExam(
  { path }: WantedPath,
  found: Controller | undefined,
  port: Asked<ProbeResult>,
  trial: Asked<TrialResult> | null,
  { agentReasons }: NetworkOptions,
): PathExam {
  const { subsysnqn, hostnqn, traddr, trsvcid } = path;
  const failed = port.result.ok ? trial?.result : port.result;
  const reason = agentReasons?.get(
    reasonKey({ subsysnqn, hostnqn, address: formatHostPort(traddr, trsvcid) }),
  );
  return {
    subsysnqn,
    hostnqn,
    traddr,
    trsvcid,
    ...found === undefined ? {} : { device: found.name, state: found.state },
    steps: [...port.steps, ...trial?.steps.filter(({ name }) => name === "Connect") ?? []],
    ...failed?.ok === false ? { error: failed.error } : {},
    ...trial?.result.ok === true && trial.result.refusal !== null ? { refusal: trial.result.refusal } : {},
    isLookedAfter: agentReasons !== null,
    ...reason === undefined ? {} : { reason },
  };
}

/** The target knows no such subsystem at that port. */
function isUnknown(trial: Asked<TrialResult> | null): boolean {
  return trial?.result.ok === true && trial.result.refusal?.code === "invalid-parameters";
}

function takesConnect({ result }: Asked<TrialResult>): boolean {
  return result.ok && result.refusal === null;
}

function wantsTls({ path }: WantedPath): boolean {
  return path.secureChannelRequired || path.options.tls === true;
}

interface Asked<Result> {
  readonly result: Result | { readonly ok: false; readonly error: Error };
  readonly steps: readonly FindingStep[];
}

function askPort(wanted: WantedPath, options: NetworkOptions): Promise<Asked<ProbeResult>> {
  const openPortSuffices = wantsTls(wanted);
  return ask<ProbeResult>(
    wanted,
    options,
    (nowMs) => new Probe(nowMs, { openPortSuffices }),
    openPortSuffices ? [] : ["ICResp"],
  );
}

function askConnect(
  wanted: WantedPath,
  options: NetworkOptions,
  subnqn = wanted.path.subsysnqn,
): Promise<Asked<TrialResult>> {
  const { hostnqn } = wanted.path;
  const hostid = parseHostId(options.hostidOf(hostnqn, wanted.path.hostid)) ?? new Uint8Array(16);
  const host = { hostnqn, hostid, subnqn, katoMs: options.katoMs };
  return ask<TrialResult>(wanted, options, (nowMs) => new ConnectTrial(nowMs, host), ["Connect"]);
}

function ask<Result extends ProbeResult | TrialResult>(
  { path: { traddr, trsvcid, options: source } }: WantedPath,
  { world: { clock, dialer } }: NetworkOptions,
  makeQuestion: (nowMs: number) => Question<Result>,
  after: readonly string[],
): Promise<Asked<Result>> {
  const steps = new Steps(clock.nowMs());
  return new Promise((resolve) => {
    let isOpen = false;
    new ProbeRunner<Result>({
      world: { clock, dialer },
      traddr,
      trsvcid,
      source,
      makeQuestion: (nowMs) => {
        isOpen = true;
        steps.add("TCP", true, nowMs);
        return makeQuestion(nowMs);
      },
      onResult: (result) => {
        if (!isOpen) steps.add("TCP", false, clock.nowMs());
        else for (const name of after) steps.add(name, result.ok, clock.nowMs());
        resolve({ result, steps: steps.taken });
      },
    });
  });
}
