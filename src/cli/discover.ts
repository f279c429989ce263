/** `discover`: one session to one discovery controller, its log printed, once or at each change. Keeps nothing. */
import { formatHostPort, isIpAddress } from "../base/address.ts";
import { formatDurationMs, parseDurationMs } from "../base/duration.ts";
import { errorCode } from "../base/errors.ts";
import { quoteText } from "../base/quote.ts";
import { sessionKatoMs } from "../config/session_kato.ts";
import { NameResolver } from "../io/name_resolver.ts";
import { RealClock } from "../io/real_clock.ts";
import { createRandom } from "../io/real_random.ts";
import { readControllers } from "../io/sysfs.ts";
import { TcpDialer } from "../io/tcp.ts";
import { identitiesInForce, settleHostId } from "../plan/host_identity.ts";
import { type OptionValues, UsageError } from "./command.ts";
import type { FollowRequest } from "./discovery_follow.ts";
import { checkTransport, parseAddress, parseHostIdOption, parseNqn } from "./entry_arguments.ts";
import type { Environment } from "./environment.ts";
import { type HostIdReading, readHostId } from "./host_id.ts";
import { logObject, logTable } from "./log_output.ts";
import { type OutputFormat, outputFormat, printJson } from "./output.ts";
import { settingValue } from "./setting_options.ts";
import { StopRequest } from "./stop_request.ts";
import { type Tap, withTrace } from "./trace_options.ts";

export async function discover(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  checkTransport(options);
  const address = parseAddress(options.given("traddr"), "--traddr", options.text("trsvcid"));
  const hostnqn = parseNqn(options, "hostnqn");
  const wanted = parseHostIdOption(options);
  const hostTraddr = parseHostTraddr(options);
  const katoMs = sessionKatoMs(Number(settingValue("kato", options, environment.env)));
  const reconnectIntervalMs = Number(settingValue("reconnectInterval", options, environment.env));
  const timeoutMs = parseTimeout(options.text("timeout") ?? "10s");
  const clock = new RealClock();
  if (options.flag("persistent")) {
    if (options.text("timeout") !== undefined) {
      throw new UsageError("Cannot use --timeout with --persistent: it goes on until it is interrupted");
    }
    const identity = ownHostId(environment, options, hostnqn);
    const hostid = () => Promise.resolve(wanted ?? identity());
    const request = { address, hostnqn, hostid, hostTraddr, katoMs, reconnectIntervalMs };
    return await withTrace(
      environment,
      options,
      clock,
      (trace) => follow(environment, format, request, clock, trace),
    );
  }
  const [hostid, { readDiscoveryLog }] = await Promise.all([
    wanted ?? ownHostId(environment, options, hostnqn)(),
    // Loaded while files are read.
    import("./discovery_run.ts"),
  ]);
  const request = { address, hostnqn, hostid, hostTraddr, katoMs, timeoutMs };
  await withTrace(environment, options, clock, (trace) => {
    const world = { clock, dialer: trace.tap(ownDialer(environment, clock)), resolver: new NameResolver() };
    return readDiscoveryLog(world, request, ({ records }) => {
      if (format === "json") printJson(environment, logObject(records));
      else environment.stdout.write(logTable(records));
    });
  });
  return 0;
}

/** Throws UsageError for what is no address. */
function parseHostTraddr(options: OptionValues): string | undefined {
  const text = options.text("host-traddr");
  if (text === undefined || isIpAddress(text)) return text;
  throw new UsageError(`Cannot use --host-traddr ${quoteText(text)}: expected an IP address`);
}

/** Where the runtime cannot choose the source, that is told, and it goes on. */
function ownDialer({ stderr }: Environment, clock: RealClock): TcpDialer {
  const onProblem = ({ message }: { message: string }) => stderr.write(`discovery-client: ${message}\n`);
  return new TcpDialer(clock, undefined, { onProblem });
}

/** One line of JSON, or a table, for each change of what the log says, until a signal; failures to stderr. */
async function follow(
  environment: Environment,
  format: OutputFormat,
  request: FollowRequest,
  clock: RealClock,
  trace: Tap,
): Promise<number> {
  const { stdout, stderr } = environment;
  const { DiscoveryFollower } = await import("./discovery_follow.ts");
  const dialer = trace.tap(ownDialer(environment, clock));
  const world = { clock, dialer, resolver: new NameResolver(), random: createRandom() };
  const { host, port } = request.address;
  const label = formatHostPort(host, port);
  let shown: string | null = null;
  let failedWith: string | null = null;
  const follower = new DiscoveryFollower(world, request, {
    onLog({ records }) {
      if (failedWith !== null) stderr.write(`discovery-client: The session to ${label} is up again\n`);
      failedWith = null;
      const text = `${JSON.stringify(logObject(records))}\n`;
      if (text === shown) return;
      const table = () => `${shown === null ? "" : "\n"}${logTable(records)}`;
      stdout.write(format === "json" ? text : table());
      shown = text;
    },
    onFailure({ error, text }, retryInMs) {
      // Told by its code, as the agent does it: the words may differ each time.
      const code = errorCode(error);
      if (code === failedWith) return;
      failedWith = code;
      const next = `the next attempt is in ${formatDurationMs(retryInMs)}, and so on`;
      stderr.write(`discovery-client: Cannot hold a session to ${label}: ${text}; ${next}\n`);
    },
  });
  const stop = new StopRequest();
  try {
    stop.asked.then(() => follower.stop());
    // Its terminal has gone.
    stop.onHangup = () => follower.stop();
    return await Promise.race([follower.run().then(() => 0), stop.insisted.then(() => 1)]);
  } finally {
    stop.close();
  }
}

function parseTimeout(text: string): number {
  const timeoutMs = parseDurationMs(text);
  if (timeoutMs === null || timeoutMs < 1 || timeoutMs > 3_600_000) {
    throw new UsageError(
      `Cannot use --timeout ${quoteText(text)}: expected a duration such as 10s, at most 1h`,
    );
  }
  return timeoutMs;
}

/**
 * The identifier that the agent would use: in force in the kernel, else the host's file, else derived. The files are
 * read once, controllers each time.
 */
function ownHostId(
  { env, stderr }: Environment,
  options: OptionValues,
  hostnqn: string,
): () => Promise<string> {
  const path = String(settingValue("nvmeHostIDPath", options, env));
  let files: Promise<HostIdReading> | null = null;
  const readFiles = async () => {
    const reading = await readHostId(path, String(settingValue("internalDir", options, env)));
    if (reading.problem !== undefined) stderr.write(`discovery-client: ${reading.problem}\n`);
    return reading;
  };
  return async () => {
    files ??= readFiles();
    const { hostid, fallback, owner } = await files;
    // Without sysfs nothing is in force.
    const controllers = await readControllers().catch(() => []);
    const source = { wanted: undefined, hostid, fallback, owner };
    return settleHostId(hostnqn, source, identitiesInForce(controllers));
  };
}
