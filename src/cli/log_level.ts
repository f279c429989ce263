/** `log-level`: tells the log level of the running agent, or sets it until its settings change it or it restarts. */
import { logLevel } from "../config/setting_kind.ts";
import { quoteText } from "../base/quote.ts";
import { answerOf, withAgent } from "./agent_request.ts";
import { type OptionValues, UsageError } from "./command.ts";
import type { Environment } from "./environment.ts";

/** Throws UsageError. */
export async function setLogLevel(environment: Environment, options: OptionValues): Promise<number> {
  const level = options.text("level");
  if (level !== undefined && logLevel.parse(level) === undefined) {
    throw new UsageError(`Cannot use the log level ${quoteText(level)}: expected ${logLevel.expected}`);
  }
  return await withAgent(environment, options, async (agent) => {
    const path = "/v1/log-level";
    const answer = await answerOf(
      agent,
      level === undefined
        ? { method: "GET", path }
        : { method: "PUT", path, body: JSON.stringify({ level }) },
    );
    environment.stdout.write(`${String(answer.level)}\n`);
    return 0;
  });
}
