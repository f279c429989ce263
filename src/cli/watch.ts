/** `watch`: what happens in the running agent, one line each, until it stops or the user does. */
import { followAgent } from "../io/control_client.ts";
import { formatLogText } from "../io/log_line.ts";
import type { LogFields } from "../model/world.ts";
import { answerOf, parseAnswer, withAgent } from "./agent_request.ts";
import type { OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";
import { formatAmong, hasColours } from "./output.ts";

export const watchFormats = ["text", "json"] as const;

/** Answers 1 when the agent stops or lets us go, 2 when none answers. */
export async function watch(environment: Environment, options: OptionValues): Promise<number> {
  const { stdout, stderr } = environment;
  const format = formatAmong(watchFormats, options, "text");
  const isColourful = hasColours(environment);
  return await withAgent(environment, options, async (agent) => {
    // Whoever refuses says why here.
    await answerOf(agent, { method: "GET", path: "/v1/version" });
    for await (const line of followAgent({ ...agent, method: "GET", path: "/v1/watch" })) {
      const event = parseAnswer(line);
      if (event === null || typeof event.kind !== "string") {
        stderr.write(
          `discovery-client: The agent refused: ${String(event?.error ?? "it is of another version")}\n`,
        );
        return 1;
      }
      if (event.kind === "dropped") {
        stderr.write(`discovery-client: The agent let us go: ${String(event.message)}\n`);
        return 1;
      }
      stdout.write(format === "json" ? `${JSON.stringify(event)}\n` : `${eventLine(event, isColourful)}\n`);
    }
    stderr.write("discovery-client: The agent has stopped\n");
    return 1;
  });
}

/** SGR codes (ECMA-48) of levels that stand out: yellow, red. */
const levelColours: Readonly<Record<string, string>> = { warn: "33", error: "31" };

const kindColumns = "controller".length;

/** Time, kind, words and fields; of the host NQN, which is long and mostly the same, JSON tells. */
export function eventLine(event: Record<string, unknown>, hasColours: boolean): string {
  const { time, kind, level, message, hostnqn: _, ...fields } = event;
  const start = `${String(time).replace(/[^\d:.TZ-]/g, "")} ${String(kind).padEnd(kindColumns)}`;
  const text = formatLogText({
    atMs: 0,
    level: "info",
    message: String(message),
    fields: fields as LogFields,
  });
  const colour = hasColours ? levelColours[String(level)] : undefined;
  return `${start} ${colour === undefined ? text : `\x1b[${colour}m${text}\x1b[0m`}`;
}
