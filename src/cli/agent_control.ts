/** The control socket of a running agent: where it is, what it shows, and what can be asked of it. */
import type { Agent } from "../agent/agent.ts";
import { errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { commit, version } from "../base/version.ts";
import { openControlSocket } from "../io/control_socket.ts";
import { absolutePath } from "../io/host_files.ts";
import { HttpServer } from "../io/http_server.ts";
import { processId, runtimeVersion } from "../io/process_usage.ts";
import type { Closer, World } from "../model/world.ts";
import { ControlSite, type LevelControl, type TraceControl } from "../report/control_site.ts";
import type { EventFeed } from "../report/event_feed.ts";
import { agentStatus } from "./agent_status.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import { ListenerKeeper } from "./listener_keeper.ts";

export interface AgentControlOptions {
  readonly world: Pick<World, "clock" | "random" | "log">;
  readonly agent: Pick<Agent, "plan" | "snapshot" | "rescan">;
  readonly feed: EventFeed;
  readonly logLevel: LevelControl;
  readonly trace: TraceControl;
  /** Path of the socket. */
  readonly socket: string;
  readonly group: string;
  readonly isDryRun: boolean;
  /** It listens. */
  readonly onOpen: () => void;
}

/** Where the control socket is; null for none. `home` is where a temporary agent has its own. */
export function controlSocketPath(
  { settings, sources }: EffectiveSettings,
  home: string | null,
  isDryRun: boolean,
): string | null {
  const from = sources.get("control.socket")?.from;
  const { socket } = settings.control;
  if (from === "flag" || from === "environment") return socket === "" ? null : absolutePath(socket);
  if (isDryRun) return null;
  return home ?? (socket === "" ? null : absolutePath(socket));
}

/** Tries to listen, and goes on trying; the agent waits for nothing of it. */
export function openAgentControl(options: AgentControlOptions): Closer {
  const { world: { clock, random, log }, agent, feed, socket: path, group, isDryRun } = options;
  const site = new ControlSite({
    feed,
    logLevel: options.logLevel,
    trace: options.trace,
    rescan: () => {
      log.info(
        "Asked on the control socket: reading entry files and controllers again, retrying all that waits",
      );
      agent.rescan();
    },
    version: () => ({ version, commit, deno: runtimeVersion(), pid: processId() }),
    status: agentStatus(clock, agent, isDryRun),
  });
  /** Their file was lost while they answered: whoever watches or records goes on. */
  let retired: HttpServer[] = [];
  const keeper = new ListenerKeeper({
    clock,
    random,
    log,
    what: "control socket",
    place: path,
    listen: async (onGone) => {
      const onProblem = (error: Error) =>
        log.warn(`Only our own user may use the control socket: ${error.message}`);
      const onLost = (error: Error) => {
        server.retire();
        retired = [...retired, server].filter(({ connections }) => connections > 0);
        onGone(error);
      };
      const socket = await openControlSocket({ clock, path, group, onProblem, onLost });
      const server = new HttpServer({
        clock,
        socket,
        bodyBytesMax: limits.controlBodyBytesMax,
        onGone,
        handle: (request) => site.handle(request),
        onProblem: (error) => log.error(`The control socket could not answer: ${errorText(error)}`),
      });
      options.onOpen();
      return server;
    },
  });
  void keeper.start();
  return {
    close: () => {
      feed.close();
      keeper.close();
      for (const server of retired) server.close();
    },
  };
}
