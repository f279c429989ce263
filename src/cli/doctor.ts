/**
 * `doctor`: looks at this host, at what was written for the agent, at the agent itself, and goes to every endpoint and
 * path, step by step. It needs no running agent and no root, and changes nothing; of targets it takes a controller for
 * the moment of a Connect, where a path is not live.
 */
import type { Clock } from "../base/clock.ts";
import { formatHostPort } from "../base/address.ts";
import { AgentError, errorText } from "../base/errors.ts";
import { versionText } from "../base/version.ts";
import { sessionKatoMs } from "../config/session_kato.ts";
import { SettingsError } from "../config/settings.ts";
import { directoryRights } from "../io/host_sights.ts";
import { NameResolver } from "../io/name_resolver.ts";
import { RealClock } from "../io/real_clock.ts";
import { TcpDialer } from "../io/tcp.ts";
import type { Controller } from "../model/controller.ts";
import { identitiesInForce, settleHostId } from "../plan/host_identity.ts";
import { type AgentReading, checkAgent } from "../report/doctor/agent_checks.ts";
import { countFindings, type Finding } from "../report/doctor/finding.ts";
import { identityFindings } from "../report/doctor/identity_checks.ts";
import { checkRivals, kernelFindings } from "../report/doctor/kernel_checks.ts";
import { endpointFinding, type PathExam, pathFinding } from "../report/doctor/network_checks.ts";
import {
  checkConfigDir,
  checkEntries,
  checkInternalDir,
  checkSettings,
} from "../report/doctor/settings_checks.ts";
import { checkWay } from "../report/doctor/way_checks.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { askForStatus, type EntriesOfHost, readEntries, readKernel, readRivals } from "./doctor_host.ts";
import { examineNetwork } from "./doctor_network.ts";
import { reasonKey } from "./doctor_paths.ts";
import { formatDoctor } from "./doctor_text.ts";
import { type EffectiveSettings, loadEffectiveSettings, settingsPath } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { type HostIdReading, readHostId } from "./host_id.ts";
import { hostKernel } from "./host_kernel.ts";
import { isDiscoveryController } from "./list_ctrl.ts";
import { formatAmong, hasColours, printJson } from "./output.ts";
import { openSecretsText, readSettingSecrets } from "./setting_secrets.ts";

export const doctorFormats = ["text", "json", "yaml"] as const;

/** Answers 1 when something fails; warnings alone are no failure. Throws UsageError. */
export async function doctor(environment: Environment, options: OptionValues): Promise<number> {
  const format = formatAmong(doctorFormats, options, "text");
  const bundle = options.text("bundle");
  if (bundle === "") throw new UsageError("Cannot use --bundle: it names no file");
  const clock = new RealClock();
  const progress = new Progress(environment, clock);
  const startMs = clock.nowMs();
  const findings = await examine(environment, options, clock, progress);
  progress.end();
  const counts = countFindings(findings);
  const report = {
    version: versionText(),
    at: new Date(clock.wallMs()).toISOString(),
    tookMs: Math.round(clock.nowMs() - startMs),
    ...counts,
    findings,
  };
  if (format === "json") printJson(environment, report);
  else if (format === "yaml") {
    const { formatYaml } = await import("../config/yaml_text.ts");
    environment.stdout.write(formatYaml(report));
  } else {
    const { columns } = environment.stdout;
    const look = { columns, hasColours: hasColours(environment), isAll: options.flag("all") };
    environment.stdout.write(formatDoctor(findings, look));
  }
  if (bundle !== undefined) {
    const { writeBundle } = await import("./doctor_bundle.ts");
    const { file, bytes, members } = await writeBundle(environment, options, bundle, report);
    environment.stderr.write(`discovery-client: Wrote ${file}: ${members} files, ${bytes} bytes\n`);
  }
  return counts.failure > 0 ? 1 : 0;
}

async function examine(
  environment: Environment,
  options: OptionValues,
  clock: Clock,
  progress: Progress,
): Promise<Finding[]> {
  progress.tell("kernel");
  const controllers = await hostKernel(environment, clock).controllers().catch((): Controller[] => []);
  const [kernel, rivals] = await Promise.all([readKernel(environment, clock), readRivals(environment)]);
  const discoveries = controllers.filter((one) => one.transport !== "pcie" && isDiscoveryController(one));
  const findings = [
    ...kernelFindings(kernel),
    checkRivals(rivals.others, discoveries.map(({ name }) => name)),
  ];
  progress.tell("agent");
  const agent = await askForStatus(environment, options);
  const { effective, findings: written } = await settingsFindings(environment, options);
  findings.push(...written);
  const agentFindings = (isNeeded: boolean) =>
    checkAgent(agent, { pids: rivals.ownKind, isNeeded, version: versionText() });
  if (effective === null) return [...findings, ...agentFindings(true)];
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
    ...checkEntries({ ...entries, path: settings.clientConfigDir, count: entries.entries.length }),
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
    ...identity.problem === undefined ? {} : { problem: identity.problem },
    wanted: wantedIdentities(entries, hostidOf),
    controllers,
  }));
  const network = await examineNetwork(entries.entries, {
    world: { clock, dialer: new TcpDialer(clock), resolver: new NameResolver() },
    katoMs: sessionKatoMs(settings.katoSeconds),
    auxSuffix: settings.auxSuffix,
    controllers,
    hostidOf,
    followReferrals: true,
    agentReasons: reasonsOf(agent),
    onProgress: (doing, done, of) => progress.tell(`${doing} ${done}/${of}`),
  });
  findings.push(
    ...network.endpoints.map(endpointFinding),
    ...network.ways.map(checkWay),
    ...network.paths.map(pathFinding),
  );
  findings.push(...unseenPaths(agent, network.paths));
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
  return findings;
}

async function settingsFindings(
  environment: Environment,
  options: OptionValues,
): Promise<{ effective: EffectiveSettings | null; findings: Finding[] }> {
  const file = settingsPath(options);
  try {
    const effective = await loadEffectiveSettings(environment, options);
    const { problems, openFiles } = await secretsOf(effective);
    const warnings = [...effective.warnings, ...openFiles.map(openSecretsText)];
    return {
      effective,
      findings: checkSettings({ file, isThere: effective.text !== null, problems, warnings }),
    };
  } catch (error) {
    if (!(error instanceof AgentError) || error instanceof UsageError) throw error;
    if (error.code === "EACCES") {
      const message = `${file} cannot be read by this user: root can`;
      return {
        effective: null,
        findings: [{ group: "settings", check: "settings file", verdict: "skipped", message }],
      };
    }
    const warnings = error instanceof SettingsError ? error.warnings : [];
    return {
      effective: null,
      findings: checkSettings({ file, isThere: true, problems: error.message.split("\n"), warnings }),
    };
  }
}

async function secretsOf(
  effective: EffectiveSettings,
): Promise<{ problems: string[]; openFiles: readonly string[] }> {
  try {
    return { problems: [], openFiles: (await readSettingSecrets(effective)).openFiles };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { problems: errorText(error).split("\n"), openFiles: [] };
  }
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

function reasonsOf(agent: AgentReading): ReadonlyMap<string, string> | null {
  if (agent.kind !== "status") return null;
  return new Map(
    agent.status.paths.filter(({ state }) => state !== "live").map((path) => [reasonKey(path), path.reason]),
  );
}

/** What is being done, on one line of a terminal that is written over; nothing elsewhere. */
class Progress {
  readonly #environment: Environment;
  readonly #clock: Clock;
  #width = 0;
  #lastMs = -Infinity;

  constructor(environment: Environment, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  tell(text: string): void {
    const { stderr } = this.#environment;
    const nowMs = this.#clock.nowMs();
    if (!stderr.isTerminal || nowMs - this.#lastMs < 100) return;
    this.#lastMs = nowMs;
    const line = `Looking at ${text} …`;
    stderr.write(`\r${line.padEnd(this.#width)}`);
    this.#width = line.length;
  }

  end(): void {
    if (this.#width > 0) this.#environment.stderr.write(`\r${" ".repeat(this.#width)}\r`);
  }
}
