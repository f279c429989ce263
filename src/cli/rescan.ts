/** `rescan`: has the running agent read everything again, and try at once what waits. */
import { answerOf, withAgent } from "./agent_request.ts";
import type { OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";

export async function rescan(environment: Environment, options: OptionValues): Promise<number> {
  return await withAgent(environment, options, async (agent) => {
    await answerOf(agent, { method: "POST", path: "/v1/rescan" });
    environment.stdout.write(
      "The agent reads entry files and controllers again, and retries all that waits\n",
    );
    return 0;
  });
}
