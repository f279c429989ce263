/** Asks the running agent for the commands that do: what cannot be asked is told, and ends them with status 2. */
import { AgentError, ProtocolError } from "../base/errors.ts";
import { askAgent, type ControlRequest } from "../io/control_client.ts";
import { RealClock } from "../io/real_clock.ts";
import { controlSocketOf } from "./control_socket_of.ts";
import type { OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";
import { printable } from "./table.ts";

/** The agent is not running, or does not answer us. */
export const notRunningStatus = 2;

export type AgentQuestion = Pick<ControlRequest, "method" | "path" | "body">;

/** Calls `action` with the means to ask; answers its exit status, or 2 where nobody answers, which is told. */
export async function withAgent(
  environment: Environment,
  options: OptionValues,
  action: (agent: Pick<ControlRequest, "clock" | "socket">) => Promise<number>,
): Promise<number> {
  const socket = await controlSocketOf(environment, options);
  try {
    return await action({ clock: new RealClock(), socket });
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    environment.stderr.write(`discovery-client: ${printable(reasonOf(error))}\n`);
    return notRunningStatus;
  }
}

function reasonOf(error: AgentError): string {
  const isGone = error.code === "ENOENT" || error.code === "ECONNREFUSED";
  return isGone ? `The agent is not running: ${error.message}` : error.message;
}

/** What it answers. Throws what asking throws, and ProtocolError `control` for a refusal. */
export async function answerOf(
  agent: Pick<ControlRequest, "clock" | "socket">,
  question: AgentQuestion,
): Promise<Record<string, unknown>> {
  const { status, text } = await askAgent({ ...agent, ...question });
  const answer = parseAnswer(text);
  if (status === 200 && answer !== null) return answer;
  const reason = typeof answer?.error === "string" ? answer.error : `it answers with ${status}`;
  throw new ProtocolError("control", `The agent on ${agent.socket} refused: ${reason}`);
}

/** Null for what is no JSON object. */
export function parseAnswer(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : null;
  } catch {
    return null;
  }
}
