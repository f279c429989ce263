/**
 * The command line from arguments to exit status: 0 for success, 1 for failures, 2 for a command line that makes no
 * sense. A failure is one line on stderr; a bug shows where it happened.
 */
import { AgentError } from "../base/errors.ts";
import { UsageError } from "./command.ts";
import type { Environment } from "./environment.ts";
import { withSourceLines } from "../io/source_lines.ts";
import { helpWords, runProgram } from "./program.ts";

export async function runCli(environment: Environment): Promise<number> {
  const { stderr } = environment;
  try {
    return await runProgram(environment);
  } catch (error) {
    if (error instanceof UsageError) {
      // Without a message the help has been printed instead.
      if (error.message !== "") stderr.write(failureText(error) + usageHint(environment));
      return 2;
    }
    stderr.write(error instanceof AgentError ? failureText(error) : bugText(error));
    return 1;
  }
}

/** `discovery-client: Cannot …`. Our messages say all of it, causes are for bugs; one of several lines has each of them marked. */
function failureText(error: AgentError): string {
  return withoutSecrets(error.message).split("\n").map((line) => `discovery-client: ${line}\n`).join("");
}

/** A complaint repeats what was typed; a secret in the wrong place is not repeated. */
function withoutSecrets(message: string): string {
  return message.replace(/(DHHC-(?!1:hh:)|NVMeTLSkey)[^\s'",]*/gi, "[secret]");
}

function usageHint({ args }: Environment): string {
  const words = helpWords(args);
  return `Try: discovery-client ${[...words, "--help"].join(" ")}\n`;
}

/** What is printed about an error that should not exist. */
export function bugText(error: unknown): string {
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error
    ? `\nCaused by: ${error.cause.stack}`
    : "";
  const lines = withSourceLines(`${stack}${cause}`);
  return `discovery-client: This is a bug, please report it with the lines below\n${lines}\n`;
}
