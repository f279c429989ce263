/** The debug endpoint of a running agent: its settings, what it shows, and where it listens. */
import type { Agent } from "../agent/agent.ts";
import { formatHostPort } from "../base/address.ts";
import { errorText } from "../base/errors.ts";
import { commit, version } from "../base/version.ts";
import { HttpServer } from "../io/http_server.ts";
import { InspectorProfiler } from "../io/inspector_profiler.ts";
import { readProcessUsage, runtimeVersion } from "../io/process_usage.ts";
import type { Closer, World } from "../model/world.ts";
import { DebugSite } from "../report/debug_site.ts";
import type { EventFeed } from "../report/event_feed.ts";
import { metricFamilies } from "../report/metric_families.ts";
import type { MetricFamily } from "../report/metric_family.ts";
import { isLoopback, ProfileSite } from "../report/profile_site.ts";
import type { Tally } from "../report/tally.ts";
import { agentStatus } from "./agent_status.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import { ListenerKeeper } from "./listener_keeper.ts";

export interface AgentDebugOptions {
  readonly world: Pick<World, "clock" | "random" | "log">;
  readonly agent: Pick<Agent, "facts" | "plan" | "snapshot">;
  readonly tally: Tally;
  readonly feed: EventFeed;
  readonly effective: EffectiveSettings;
  readonly isDryRun: boolean;
}

/** Null where the settings want none. A dry run runs beside an agent, and has one only when asked for it on the spot. */
export function openAgentDebug(options: AgentDebugOptions): Closer | null {
  const { world: { clock, random, log }, agent, effective: { settings, sources }, isDryRun } = options;
  const address = settings.debug.endpoint;
  const from = sources.get("debug.endpoint")?.from;
  if (address === null || (isDryRun && from !== "flag" && from !== "environment")) return null;
  const profiles = new ProfileSite({
    profiler: new InspectorProfiler(clock),
    allowRemote: settings.debug.allowRemoteProfiling,
  });
  const site = new DebugSite({
    clock,
    status: agentStatus(clock, agent, isDryRun),
    isReady: () => agent.plan !== null,
    feed: options.feed,
    isLocal: isLoopback(address.host),
    ...settings.debug.enablepprof ? { profiles: (request) => profiles.handle(request) } : {},
    ...settings.debug.metrics ? { families: () => agentFamilies(options) } : {},
  });
  const endpoint = new ListenerKeeper({
    clock,
    random,
    log,
    what: "debug endpoint",
    place: formatHostPort(address.host, address.port),
    listen: (onGone) =>
      new HttpServer({
        ...address,
        clock,
        onGone,
        handle: (request) => site.handle(request),
        onProblem: (error) => log.error(`The debug endpoint could not answer: ${errorText(error)}`),
      }),
  });
  void endpoint.start();
  return endpoint;
}

async function agentFamilies({ world, agent, tally }: AgentDebugOptions): Promise<MetricFamily[]> {
  const usage = await readProcessUsage();
  const { facts, plan } = agent;
  const build = { version, commit, deno: runtimeVersion() };
  return metricFamilies({
    facts,
    plan,
    tally,
    usage,
    isReady: plan !== null,
    build,
    nowMs: world.clock.nowMs(),
  });
}
