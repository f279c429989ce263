/** `serve`: builds the world, runs the agent in it until a signal, and tells systemd how it is. Decides no connects. */
import { Agent, type AgentTuning } from "../agent/agent.ts";
import type { Trace } from "../agent/trace.ts";
import { eventLog } from "../agent/event_log.ts";
import type { Clock } from "../base/clock.ts";
import { AgentError, errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { versionText } from "../base/version.ts";
import { sessionKatoMs } from "../config/session_kato.ts";
import { isRoot } from "../io/host_files.ts";
import { setCpuAffinity } from "../io/libc.ts";
import type { LogSink } from "../io/log_sink.ts";
import { withSourceLines } from "../io/source_lines.ts";
import { WatchedFiles } from "../io/watched_files.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Closer, Log, World } from "../model/world.ts";
import type { Policy } from "../plan/facts.ts";
import { Tally } from "../report/tally.ts";
import type { TraceControl } from "../report/control_site.ts";
import { EventFeed } from "../report/event_feed.ts";
import { controlSocketPath, openAgentControl } from "./agent_control.ts";
import { openAgentDebug } from "./agent_debug.ts";
import { type AgentHome, configuredHome, ephemeralHome } from "./agent_home.ts";
import { logTuning, openAgentLog } from "./agent_log.ts";
import { detectAtStart } from "./auto_detection.ts";
import type { OptionValues } from "./command.ts";
import { DryRun } from "./dry_run.ts";
import { type EffectiveSettings, loadEffectiveSettings, settingsPath } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { prepareHostId } from "./host_id.ts";
import { LogLevelControl } from "./log_level_control.ts";
import { realWorld } from "./real_world.ts";
import { Reload, type RunningSettings } from "./reload.ts";
import { ReloadNotice } from "./reload_notice.ts";
import { parseServeOptions, type ServeOptions } from "./serve_options.ts";
import { readSettingSecrets, secretFilesOf, type SettingSecrets } from "./setting_secrets.ts";
import { SettingsWatch } from "./settings_watch.ts";
import { StatusLine } from "./status_line.ts";
import { StopRequest } from "./stop_request.ts";
import { fileTrace } from "./file_trace.ts";
import { WatchdogFeed } from "./watchdog_feed.ts";

export async function serve(environment: Environment, options: OptionValues): Promise<number> {
  const serveOptions = parseServeOptions(options);
  const effective = await loadEffectiveSettings(environment, options);
  const secrets = await readSettingSecrets(effective);
  const log = openAgentLog(effective, serveOptions);
  environment.onBug((error) => {
    log.error(`The agent ends: ${bugText(error)}`);
    log.flushNow();
  });
  const stop = new StopRequest();
  const home = serveOptions.isEphemeral
    ? await ephemeralHome(effective.settings, serveOptions)
    : configuredHome(effective.settings);
  try {
    const running = runAgent({ environment, options, serveOptions, effective, secrets, log, stop, home });
    // Whoever insists does not want to wait for whatever we wait for.
    return await Promise.race([running, stop.insisted.then(() => 1)]);
  } catch (error) {
    // Whoever called us tells stderr.
    log.noteInFile(
      "error",
      `The agent ends: ${error instanceof AgentError ? error.message : bugText(error)}`,
    );
    throw error;
  } finally {
    await home.close().catch((error) => log.warn(errorText(error)));
    await log.close();
    stop.close();
  }
}

interface Serving {
  readonly environment: Environment;
  readonly options: OptionValues;
  readonly serveOptions: ServeOptions;
  readonly effective: EffectiveSettings;
  readonly secrets: SettingSecrets;
  readonly log: LogSink;
  readonly stop: StopRequest;
  readonly home: AgentHome;
}

function bugText(error: unknown): string {
  return `This is a bug: ${error instanceof Error ? withSourceLines(error.stack ?? error.message) : error}`;
}

async function runAgent(serving: Serving): Promise<number> {
  const { environment, effective, serveOptions, log, stop, home } = serving;
  const { settings } = effective;
  const { isDryRun } = serveOptions;
  greet(serving);
  await home.prepare(log);
  applyAffinity(settings.cores, log);
  const untapped = realWorld({
    clientConfigDir: home.clientConfigDir,
    internalDir: home.internalDir,
    // Entries of the command line are all the configuration there is.
    nvmeDiscoveryConf: serveOptions.entries === null ? settings.nvmeDiscoveryConf : "",
    log,
    dryRun: isDryRun,
    kernel: environment.kernel,
  });
  const trace = fileTrace(untapped.clock, log);
  await startTrace(trace, serveOptions, log);
  const world = { ...untapped, dialer: trace.tap(untapped.dialer) };
  if (!serveOptions.isEphemeral && settings.autoDetectEntries.enabled) await detectAtStart(world, settings);
  const statusLine = new StatusLine(world);
  const dryRun = isDryRun
    ? new DryRun({ clock: world.clock, stdout: environment.stdout, ...serveOptions })
    : null;
  const identity = await hostIdentity(serving);
  const tally = new Tally();
  const feed = new EventFeed(world.clock);
  const agentLog = eventLog(log, feed)("agent");
  const logLevel = new LogLevelControl(log, logTuning(effective, serveOptions));
  const watchdog = new WatchdogFeed(world, () => agent.requestPass());
  const agent: Agent = new Agent(world, {
    ...agentTuning(serving, identity, serving),
    meter: tally,
    events: feed,
    onPass: (snapshot, summary) => {
      watchdog.handlePass();
      statusLine.handlePass(summary);
      dryRun?.handlePass(snapshot);
    },
  });
  const debug = openAgentDebug({ world, agent, tally, feed, effective, isDryRun });
  const control = openControl(serving, {
    ...{ world: { ...world, log: agentLog }, agent, feed, logLevel },
    trace: {
      record: async (...asked) =>
        await (await import("./trace_control.ts")).traceControl(trace, world.clock, agentLog).record(
          ...asked,
        ),
    },
  });
  const reload = new Reload({
    environment,
    options: serving.options,
    log: agentLog,
    running: serving,
    apply: (running) => {
      logLevel.reconfigure(logTuning(running.effective, serveOptions));
      agent.reconfigure(agentTuning(serving, identity, running));
    },
  });
  const settingsWatch = watchSettings(serving, world.clock, reload);
  const notice = new ReloadNotice(world.notifier);
  stop.onHangup = () => {
    log.reopen();
    agentLog.info(
      "SIGHUP: reading settings, entry files and controllers again, and retrying all that waits",
    );
    void notice.during(() => settingsWatch.reload()).then(() => agent.rescan());
  };
  await settingsWatch.start(effective.text, secretFilesOf(settings));
  world.notifier.status("Reading entry files and controllers");
  const started = agent.start().then((runs) => {
    if (!runs) return;
    notice.ready();
    watchdog.start();
  });
  const asked = stop.asked.then(() => 0);
  const status = await Promise.race([
    asked,
    started.then(() => asked),
    ...dryRun === null ? [] : [dryRun.ended],
  ]);
  settingsWatch.stop();
  notice.stop();
  debug?.close();
  agentLog.info("Stopping: sessions are shut down, controllers stay connected");
  world.notifier.stopping();
  watchdog.stop();
  await agent.stop();
  await trace.stop();
  agentLog.info("Stopped");
  control?.close();
  return status;
}

function greet({ environment, serveOptions, effective, home, log }: Serving): void {
  const { file, warnings } = effective;
  log.info(`discovery-client ${versionText()} starts`, {
    settings: file ?? "defaults",
    clientConfigDir: home.clientConfigDir,
    internalDir: home.internalDir,
  });
  for (const warning of warnings) log.warn(warning);
  if (serveOptions.isEphemeral) {
    environment.stderr.write(`discovery-client: Entry files are read from ${home.clientConfigDir}\n`);
  }
}

interface Controlled {
  readonly world: World;
  readonly agent: Agent;
  readonly feed: EventFeed;
  readonly logLevel: LogLevelControl;
  readonly trace: TraceControl;
}

function openControl(
  { environment, effective, home, serveOptions: { isDryRun, isEphemeral } }: Serving,
  controlled: Controlled,
): Closer | null {
  const socket = controlSocketPath(effective, home.controlSocket, isDryRun);
  if (socket === null) return null;
  const onOpen = () => {
    if (isEphemeral) environment.stderr.write(`discovery-client: The control socket is ${socket}\n`);
  };
  const { group } = effective.settings.control;
  return openAgentControl({ ...controlled, socket, group, isDryRun, onOpen });
}

/** A trace that cannot be is no reason to leave a host without its volumes. */
async function startTrace(trace: Trace, { trace: request }: ServeOptions, log: Log): Promise<void> {
  if (request === null) return;
  try {
    await trace.start(request);
    log.info(`Recording our connections to ${request.path}`);
  } catch (error) {
    log.warn(`${errorText(error)}; going on without a trace`);
  }
}

function applyAffinity(cores: readonly number[], log: Log): void {
  if (cores.length === 0) return;
  try {
    setCpuAffinity(cores);
  } catch (error) {
    log.warn(`${errorText(error)}; going on with all of them`);
  }
}

function watchSettings({ options }: Serving, clock: Clock, reload: Reload): SettingsWatch {
  return new SettingsWatch({
    clock,
    files: new WatchedFiles(clock),
    path: settingsPath(options),
    onChange: (text) => reload.take(text),
    pollingMs: () => reload.running.effective.settings.pollingIntervalMs || limits.rescanIntervalMs,
  });
}

type Identity = Pick<Policy, "hostid" | "fallbackHostid" | "hostnqn">;

/** What of the settings can change while the agent runs, as the agent takes it. */
function agentTuning(
  { serveOptions }: Serving,
  identity: Identity,
  { effective: { settings, sources }, secrets }: RunningSettings,
): AgentTuning {
  const connectDefaults: ConnectOptions = {
    ...secrets.all,
    ...(settings.maxIOQueues > 0 ? { nrIoQueues: settings.maxIOQueues } : {}),
    ...(settings.katoSeconds > 0 ? { keepAliveTmo: settings.katoSeconds } : {}),
    ...(sources.get("ctrlLossTMO")?.from === "default" ? {} : { ctrlLossTmo: settings.ctrlLossTmoSeconds }),
  };
  return {
    policy: {
      dryRun: serveOptions.isDryRun,
      connectDefaults,
      clusterDefaults: secrets.clusters,
      auxSuffix: settings.auxSuffix,
      ...identity,
    },
    reconnectIntervalMs: settings.reconnectIntervalMs,
    katoMs: sessionKatoMs(settings.katoSeconds),
    pollingMs: settings.pollingIntervalMs,
    ...(settings.logPagePaginationEnabled ? { logChunkBytesMax: limits.logChunkBytesMin } : {}),
  };
}

/** Who leaves no trace makes no files, and draws nothing at random either. */
async function hostIdentity(
  { effective, serveOptions, home, log }: Serving,
): Promise<Identity> {
  const path = effective.settings.nvmeHostIDPath;
  const rights = serveOptions.isEphemeral ? {} : { internalDir: home.internalDir, makeHostFiles: isRoot() };
  const { hostid, fallback, hostnqn, problem, notes } = await prepareHostId({ path, ...rights });
  if (problem !== undefined) log.warn(problem);
  for (const note of notes) log.info(note);
  return { hostid, fallbackHostid: fallback, hostnqn };
}
