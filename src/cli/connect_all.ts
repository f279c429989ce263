/**
 * `connect-all`: an agent that lives until every path which the discovery logs name was tried once. What it connects
 * stays with the kernel; it keeps no session and remembers nothing.
 */
import { Agent } from "../agent/agent.ts";
import { parseDurationMs } from "../base/duration.ts";
import { quoteText } from "../base/quote.ts";
import { formatEntryFile } from "../config/entry_line.ts";
import { NameResolver } from "../io/name_resolver.ts";
import { RealClock } from "../io/real_clock.ts";
import { createRandom } from "../io/real_random.ts";
import { TcpDialer } from "../io/tcp.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Controller } from "../model/controller.ts";
import type { Entry } from "../model/entry.ts";
import type { ConfigDir, Kernel, Log, StateStore, World } from "../model/world.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import type { PathSnapshot, Snapshot } from "../report/snapshot.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { activeEndpoints, ConnectAllRun, hasAnswered, isThere } from "./connect_all_run.ts";
import { commandSecrets, loadCommandSettings } from "./command_settings.ts";
import { connectAllSpellings, parseConnectOptions } from "./connect_options.ts";
import { checkTransport, parseAddress } from "./entry_arguments.ts";
import type { Environment } from "./environment.ts";
import { hostKernel } from "./host_kernel.ts";
import { type OutputFormat, outputFormat, printJson } from "./output.ts";
import { controllerAnswer, type OwnIdentity, ownIdentity } from "./own_identity.ts";
import { formatTable } from "./table.ts";
import { withTrace } from "./trace_options.ts";

/** Keep Alive Timeout of the sessions and pause between their attempts, ms; the agent's defaults. */
const sessionKatoMs = 30_000;
const reconnectIntervalMs = 5_000;

export async function connectAll(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  checkTransport(options);
  const timeoutMs = parseTimeout(options.text("timeout") ?? "1m");
  const connectOptions = await parseConnectOptions(environment, options, connectAllSpellings);
  const addresses = parseAddresses(options);
  const settings = await loadCommandSettings(environment, options);
  const secrets = await commandSecrets(environment, options, settings, connectOptions);
  const identity = await ownIdentity(environment, options, settings);
  const clock = new RealClock();
  const kernel = hostKernel(environment, clock);
  // A missing device is told at once; no discovery would help.
  await kernel.supportedOptions();
  const before = new Set((await kernel.controllers()).map(({ name }) => name));
  if (options.flag("persistent")) {
    environment.stderr.write(
      "discovery-client: --persistent keeps nothing here: staying connected is the agent's work (serve)\n",
    );
  }
  const run = new ConnectAllRun({ clock, timeoutMs, progress: environment.stderr });
  const entries = addresses.map(({ host, port }) => toEntry(host, port, identity, connectOptions));
  const world = oneShotWorld(environment, clock, kernel, entries);
  const { snapshot, isWhole, controllers } = await withTrace(environment, options, clock, async (trace) => {
    const agent = new Agent({ ...world, dialer: trace.tap(world.dialer) }, {
      policy: {
        dryRun: false,
        followReferrals: !options.flag("no-referrals"),
        // With the secrets, which no entry file of ours holds.
        connectDefaults: { ...secrets.connectDefaults, ...connectOptions },
        clusterDefaults: secrets.clusterDefaults,
        hostid: identity.hostid,
        fallbackHostid: identity.fallbackHostid,
      },
      hostidOwner: identity.hostidOwner,
      reconnectIntervalMs,
      katoMs: sessionKatoMs,
      onPass: (snapshot) => run.handlePass(snapshot),
    });
    await agent.start();
    const ended = await run.ended;
    await agent.stop();
    return { ...ended, controllers: agent.facts.controllers?.list ?? [] };
  });
  printControllers(environment, format, snapshot, controllers, before);
  return tellProblems(environment, snapshot, isWhole);
}

function parseAddresses(options: OptionValues) {
  const texts = options.list("traddr");
  if (texts.length === 0) throw new UsageError("Cannot use --traddr: it names no address");
  return texts.map((text) => parseAddress(text, "--traddr", options.text("trsvcid")));
}

function parseTimeout(text: string): number {
  const timeoutMs = parseDurationMs(text);
  if (timeoutMs !== null && timeoutMs >= 1 && timeoutMs <= 3_600_000) return timeoutMs;
  throw new UsageError(
    `Cannot use --timeout ${quoteText(text)}: expected a duration such as 30s, at most 1h`,
  );
}

/** What a discovery session depends on; the rest is for the kernel's connects alone. */
function toEntry(
  traddr: string,
  trsvcid: number,
  { hostnqn, wantedHostid }: OwnIdentity,
  { hostTraddr, hostIface, hdrDigest, dataDigest, tls }: ConnectOptions,
): Omit<Entry, "origin"> {
  return {
    cluster: { subsysnqn: discoveryNqn, hostnqn },
    transport: "tcp",
    traddr,
    trsvcid,
    ...(wantedHostid === undefined ? {} : { hostid: wantedHostid }),
    persistent: false,
    options: { hostTraddr, hostIface, hdrDigest, dataDigest, tls },
  };
}

/** This machine, with the command line as its only entry file and no memory. */
function oneShotWorld(
  environment: Environment,
  clock: RealClock,
  kernel: Kernel,
  entries: readonly Omit<Entry, "origin">[],
): World {
  const log = remarksOnly(environment);
  return {
    clock,
    random: createRandom(),
    dialer: new TcpDialer(clock, undefined, { onProblem: ({ message }) => log.warn(message) }),
    resolver: new NameResolver(),
    kernel,
    configDir: commandLineDirectory(entries),
    store: noStore,
    log,
    notifier: { watchdogMs: null, ready() {}, reloading() {}, alive() {}, status() {}, stopping() {} },
  };
}

function commandLineDirectory(entries: readonly Omit<Entry, "origin">[]): ConfigDir {
  const bytes = new TextEncoder().encode(formatEntryFile(entries));
  return {
    path: "the command line",
    scan: () => Promise.resolve({ ok: true, files: [{ name: "command line", version: "1", bytes }] }),
    watch: () => ({ close() {} }),
  };
}

const noStore: StateStore = {
  path: "nowhere",
  load: () => Promise.resolve(null),
  save: () => Promise.resolve(),
  setAside: () => Promise.resolve("nowhere"),
};

/** Warnings that concern no single endpoint or path: of those, the end tells what became. */
function remarksOnly({ stderr }: Environment): Log {
  const tell: Log["warn"] = (message, fields = {}) => {
    if ("endpoint" in fields || "device" in fields) return;
    stderr.write(`discovery-client: ${message}\n`);
  };
  return { debug() {}, info() {}, warn: tell, error: tell };
}

function printControllers(
  environment: Environment,
  format: OutputFormat,
  { paths }: Snapshot,
  controllers: readonly Controller[],
  before: ReadonlySet<string>,
): void {
  const names = new Set(paths.filter(isThere).map(({ device }) => device));
  const rows = controllers.filter(({ name }) => names.has(name)).map((controller) => ({
    ...controllerAnswer(controller),
    Traddr: controller.address.traddr,
    Trsvcid: Number(controller.address.trsvcid),
    Subsysnqn: controller.subsysnqn,
    State: controller.state,
    Already: before.has(controller.name),
  }));
  if (format === "json") return printJson(environment, rows);
  const header = ["DEVICE", "INSTANCE", "CNTLID", "STATE", "TRADDR", "TRSVCID", "SUBSYSNQN", "REMARK"];
  environment.stdout.write(formatTable(
    header,
    rows.map((row) => [
      row.Device,
      String(row.Instance),
      String(row.Cntlid),
      row.State,
      row.Traddr,
      String(row.Trsvcid),
      row.Subsysnqn,
      row.Already ? "was connected already" : "",
    ]),
  ));
}

/** One line each on stderr; answers the exit status: 0 when every path is there, and one log at least was read. */
function tellProblems({ stderr }: Environment, snapshot: Snapshot, isWhole: boolean): number {
  const tell = (message: string) => stderr.write(`discovery-client: ${message}\n`);
  const endpoints = activeEndpoints(snapshot);
  for (const { address, error } of endpoints.filter((endpoint) => !hasAnswered(endpoint))) {
    tell(`Cannot discover at ${address}: ${error ?? "no answer in time"}`);
  }
  for (const { subnqn, traddr, endpoint, reason } of snapshot.refused) {
    tell(`Not connected: ${subnqn} at ${traddr}, named by ${endpoint}: ${reason}`);
  }
  const missing = snapshot.paths.filter((path) => !isThere(path));
  for (const path of missing) tell(missingText(path));
  if (!isWhole) tell("Time was up before everything had been tried: see --timeout");
  return isWhole && missing.length === 0 && endpoints.some(hasAnswered) ? 0 : 1;
}

function missingText({ subsysnqn, address, reason }: PathSnapshot): string {
  return `Cannot connect ${subsysnqn} at ${address}: ${reason.replace(/^Cannot connect: /, "")}`;
}
