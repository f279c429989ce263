/** `status`: how the running agent is, and every path with its state and reason. Asks only; changes nothing. */
import { ProtocolError } from "../base/errors.ts";
import { isAllLive, type StatusDocument } from "../report/status_document.ts";
import { answerOf, withAgent } from "./agent_request.ts";
import type { OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";
import { formatAmong, hasColours, printJson } from "./output.ts";

export const statusFormats = ["text", "json", "yaml"] as const;

/** Answers 0 when every path is live, 1 when one is not or cannot be known, 2 when no agent answers. */
export async function status(environment: Environment, options: OptionValues): Promise<number> {
  const format = formatAmong(statusFormats, options, "text");
  return await withAgent(environment, options, async (agent) => {
    const document = checkedStatus(
      await answerOf(agent, { method: "GET", path: "/v1/status" }),
      agent.socket,
    );
    if (format === "json") printJson(environment, document);
    else if (format === "yaml") {
      const { formatYaml } = await import("../config/yaml_text.ts");
      environment.stdout.write(formatYaml(document));
    } else {
      const { formatStatusTree } = await import("./status_tree.ts");
      const { columns } = environment.stdout;
      const look = { columns, hasColours: hasColours(environment), isAll: options.flag("all") };
      environment.stdout.write(formatStatusTree(document, look));
    }
    return isAllLive(document) ? 0 : 1;
  });
}

/** The agent may be of another version; what all of ours need is there. Throws ProtocolError `control`. */
export function checkedStatus(answer: Record<string, unknown>, socket: string): StatusDocument {
  const lists = ["clusters", "paths", "refused", "fileProblems"];
  if (lists.some((name) => !Array.isArray(answer[name])) || typeof answer.summary !== "object") {
    throw new ProtocolError(
      "control",
      `Cannot read the status of the agent on ${socket}: it is of another version`,
    );
  }
  return answer as unknown as StatusDocument;
}
