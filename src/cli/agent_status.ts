/** What a running agent answers to whoever asks how it is, on the control socket and on the debug endpoint. */
import type { Agent } from "../agent/agent.ts";
import type { Clock } from "../base/clock.ts";
import { versionText } from "../base/version.ts";
import { processId } from "../io/process_usage.ts";
import type { StatusDocument } from "../report/status_document.ts";

/** Counts the time that the agent is up from now. */
export function agentStatus(
  clock: Clock,
  agent: Pick<Agent, "plan" | "snapshot">,
  isDryRun: boolean,
): () => StatusDocument {
  const startMs = clock.nowMs();
  return () => ({
    version: versionText(),
    pid: processId(),
    at: new Date(clock.wallMs()).toISOString(),
    upMs: Math.round(clock.nowMs() - startMs),
    ready: agent.plan !== null,
    dryRun: isDryRun,
    ...agent.snapshot(),
  });
}
