/** Looks at all that doctor looks at, one after the other, and has the checks judge it. */
import { formatHostPort } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { versionText } from "../base/version.ts";
import { sessionKatoMs } from "../config/session_kato.ts";
import { directoryRights } from "../io/host_sights.ts";
import { NameResolver } from "../io/name_resolver.ts";
import { TcpDialer } from "../io/tcp.ts";
import type { Controller } from "../model/controller.ts";
import { identitiesInForce, settleHostId } from "../plan/host_identity.ts";
import { type AgentReading, checkAgent } from "../report/doctor/agent_checks.ts";
import { checkControllers } from "../report/doctor/controller_checks.ts";
import type { Finding } from "../report/doctor/finding.ts";
import { identityFindings } from "../report/doctor/identity_checks.ts";
import { checkRivals, kernelFindings } from "../report/doctor/kernel_checks.ts";
import { endpointFinding, type PathExam, pathFinding } from "../report/doctor/network_checks.ts";
import { checkConfigDir, checkEntries, checkInternalDir } from "../report/doctor/settings_checks.ts";
import { checkWay } from "../report/doctor/way_checks.ts";
import type { OptionValues } from "./command.ts";
import {
  askForStatus,
  type EntriesOfHost,
  readEntries,
  readKernel,
  readMachineUuid,
  readRivals,
} from "./doctor_host.ts";
import { examineNetwork } from "./doctor_network.ts";
import { reasonKey } from "./doctor_paths.ts";
import type { Progress } from "./progress.ts";
import { settingsFindings } from "./doctor_settings.ts";
import { type NarrowAddress, realSights } from "./doctor_steps.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { type HostIdReading, readHostId } from "./host_id.ts";
import { hostKernel } from "./host_kernel.ts";
import { isDiscoveryController } from "./list_ctrl.ts";

/** What was found, and what it was found with. */
export interface DoctorExam {
  readonly findings: readonly Finding[];
  /** Null where the settings cannot be used. */
  readonly effective: EffectiveSettings | null;
  /** Of the agent. */
  readonly socket: string;
}

export interface DoctorScope {
  readonly clock: Clock;
  readonly progress: Progress;
  /** The only endpoint or path that matters. */
  readonly narrow: NarrowAddress | null;
}

/** Throws UsageError for a command line that makes no sense. */
export async function examine(
  environment: Environment,
  options: OptionValues,
  { clock, progress, narrow }: DoctorScope,
): Promise<DoctorExam> {
  progress.tell("kernel");
  const controllers = await hostKernel(environment, clock).controllers().catch((): Controller[] => []);
  const [kernel, rivals] = await Promise.all([readKernel(environment, clock), readRivals(environment)]);
  const discoveries = controllers.filter((one) => one.transport !== "pcie" && isDiscoveryController(one));
  const findings = [
    ...kernelFindings(kernel),
    checkRivals(rivals.others, discoveries.map(({ name }) => name)),
  ];
  progress.tell("agent");
  const agent = await askForStatus(environment, options, clock);
  const { effective, findings: written } = await settingsFindings(environment, options);
  findings.push(...written);
  const agentFindings = (isNeeded: boolean) =>
    checkAgent(agent, { pids: rivals.ownKind, isNeeded, version: versionText() });
  const { socket } = agent;
  if (effective === null) return { findings: [...findings, ...agentFindings(true)], effective, socket };
  const { settings } = effective;
  progress.tell("entry files");
  const [configDir, internalDir] = await Promise.all([
    directoryRights(settings.clientConfigDir),
    directoryRights(settings.internalDir),
  ]);
  const identity = await readHostId(settings.nvmeHostIDPath, settings.internalDir);
  const entries = await readEntries(clock, settings, identity.hostnqn);
  findings.push(
    ...agentFindings(entries.entries.length > 0),
    checkConfigDir({ ...configDir, path: settings.clientConfigDir }),
    checkInternalDir({ ...internalDir, path: settings.internalDir }),
    ...checkEntries({
      ...entries,
      path: settings.clientConfigDir,
      count: entries.entries.length,
      // A directory that is none is told by the check of the directory.
      problems: entries.problems.filter(({ file }) => file !== "" || configDir.kind === "directory"),
    }),
  );
  const hostidOf = (hostnqn: string, wanted: string | undefined) =>
    settleHostId(
      hostnqn,
      { ...sourceOf(identity), wanted, claims: entries.claims },
      identitiesInForce(controllers),
    );
  findings.push(...identityFindings({
    hostnqn: identity.hostnqn,
    hostid: identity.hostid ?? identity.fallback,
    isDerived: identity.hostid === null,
    machineUuid: await readMachineUuid(environment),
    ...identity.problem === undefined ? {} : { problem: identity.problem },
    wanted: wantedIdentities(entries, hostidOf),
    controllers,
  }));
  const network = await examineNetwork(entries.entries, {
    sights: realSights,
    world: { clock, dialer: new TcpDialer(clock), resolver: new NameResolver() },
    katoMs: sessionKatoMs(settings.katoSeconds),
    auxSuffix: settings.auxSuffix,
    controllers,
    hostidOf,
    narrow,
    agentReasons: reasonsOf(agent),
    onProgress: (doing, done, of) => progress.tell(`${doing} ${done}/${of}`),
  });
  findings.push(
    ...network.endpoints.map(endpointFinding),
    ...network.ways.map(checkWay),
    ...network.paths.map(pathFinding),
    ...narrow === null ? checkControllers({ ...network, controllers }) : [],
  );
  if (narrow === null) findings.push(...unseenPaths(agent, network.paths));
  else if (network.endpoints.length + network.paths.length === 0) findings.push(nothingThere(narrow));
  for (const { endpoint, subnqn, traddr, reason } of network.refused) {
    findings.push({
      group: "paths",
      check: `${subnqn} at ${traddr}`,
      verdict: "warning",
      message: `The log of ${endpoint} names it, and it leads nowhere: ${reason}`,
      advice: "Mend that record at the target",
    });
  }
  if (network.leftOut !== null) {
    findings.push({
      group: "endpoints",
      check: "left out",
      verdict: "skipped",
      message: `Not asked, for time or number: ${network.leftOut}`,
    });
  }
  return { findings, effective, socket };
}

function sourceOf({ hostid, fallback, owner }: HostIdReading) {
  return { hostid, fallback, owner };
}

function wantedIdentities(
  { entries }: EntriesOfHost,
  hostidOf: (hostnqn: string, wanted: string | undefined) => string,
): { hostnqn: string; hostid: string; origin: string }[] {
  const pairs = new Map<string, { hostnqn: string; hostid: string; origin: string }>();
  for (const { cluster: { hostnqn }, hostid: wanted, origin: { file, line } } of entries) {
    const hostid = wanted ?? hostidOf(hostnqn, undefined);
    const key = `${hostnqn} ${hostid}`;
    if (!pairs.has(key)) pairs.set(key, { hostnqn, hostid, origin: `${file}:${line}` });
  }
  return [...pairs.values()];
}

/** What the agent has not live, of logs that could not be read now: its word alone. */
function unseenPaths(agent: AgentReading, seen: readonly PathExam[]): Finding[] {
  if (agent.kind !== "status") return [];
  const known = new Set(
    seen.map((path) => reasonKey({ ...path, address: formatHostPort(path.traddr, path.trsvcid) })),
  );
  return agent.status.paths.filter((path) => path.state !== "live" && !known.has(reasonKey(path))).map((
    path,
  ) => ({
    group: "paths",
    check: `${path.subsysnqn} at ${path.address}`,
    verdict: "failure",
    message: `not live; no log that names it can be read now; the agent says: ${path.reason}`,
    advice: "Its discovery endpoint comes first: see there",
  }));
}

function nothingThere({ text }: NarrowAddress): Finding {
  return {
    group: "endpoints",
    check: text,
    verdict: "failure",
    message: "No entry names it, nor does any log that could be read",
    advice: "discovery-client doctor, without an address, looks at all that is named",
  };
}

function reasonsOf(agent: AgentReading): ReadonlyMap<string, string> | null {
  if (agent.kind !== "status") return null;
  return new Map(
    agent.status.paths.filter(({ state }) => state !== "live").map((path) => [reasonKey(path), path.reason]),
  );
}
