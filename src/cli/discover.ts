/** `discover`: one session to one discovery controller, its log printed, an orderly end. Keeps nothing. */
import { parseDurationMs } from "../base/duration.ts";
import { quoteText } from "../base/quote.ts";
import { NameResolver } from "../io/name_resolver.ts";
import { RealClock } from "../io/real_clock.ts";
import { readControllers } from "../io/sysfs.ts";
import { TcpDialer } from "../io/tcp.ts";
import { identitiesInForce, settleHostId } from "../plan/host_identity.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { readDiscoveryLog } from "./discovery_run.ts";
import { checkTransport, parseAddress, parseHostIdOption, parseNqn } from "./entry_arguments.ts";
import type { Environment } from "./environment.ts";
import { readHostId } from "./host_id.ts";
import { logObject, logTable } from "./log_output.ts";
import { outputFormat, printJson } from "./output.ts";
import { settingValue } from "./setting_options.ts";

export async function discover(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  checkTransport(options);
  const address = parseAddress(options.given("traddr"), "--traddr", options.text("trsvcid"));
  const hostnqn = parseNqn(options, "hostnqn");
  const wanted = parseHostIdOption(options);
  const timeoutMs = parseTimeout(options.text("timeout") ?? "10s");
  const katoMs = 1_000 * Number(settingValue("kato", options, environment.env));
  const hostid = wanted ?? await ownHostId(environment, options, hostnqn);
  const clock = new RealClock();
  const world = { clock, dialer: new TcpDialer(clock), resolver: new NameResolver() };
  await readDiscoveryLog(world, { address, hostnqn, hostid, katoMs, timeoutMs }, ({ records }) => {
    if (format === "json") printJson(environment, logObject(records));
    else environment.stdout.write(logTable(records));
  });
  return 0;
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

/** The identifier that the agent would use: in force in the kernel, else the host's file, else derived. */
async function ownHostId(
  { env, stderr }: Environment,
  options: OptionValues,
  hostnqn: string,
): Promise<string> {
  const path = String(settingValue("nvmeHostIDPath", options, env));
  const [{ hostid, fallback, problem }, controllers] = await Promise.all([
    readHostId(path),
    // Without sysfs nothing is in force.
    readControllers().catch(() => []),
  ]);
  if (problem !== undefined) stderr.write(`discovery-client: ${problem}\n`);
  return settleHostId(hostnqn, { wanted: undefined, hostid, fallback }, identitiesInForce(controllers));
}
