/** What `doctor` says of the running agent, or of its absence. */
import { isAllLive, type StatusDocument } from "../status_document.ts";
import type { Finding } from "./finding.ts";

export type AgentReading =
  | { readonly kind: "status"; readonly socket: string; readonly status: StatusDocument }
  /** Nobody answers there: no socket, or nobody behind it. */
  | { readonly kind: "absent"; readonly socket: string; readonly problem: string }
  /** It is there and does not answer in time, or not as it should. */
  | { readonly kind: "stuck"; readonly socket: string; readonly problem: string }
  | { readonly kind: "forbidden"; readonly socket: string };

export interface AgentExpectation {
  /** Processes of its name, which may be there without answering. */
  readonly pids: readonly number[];
  /** There are entries for it to look after. */
  readonly isNeeded: boolean;
  readonly version: string;
}

export function checkAgent(reading: AgentReading, { pids, isNeeded, version }: AgentExpectation): Finding[] {
  const base = { group: "agent", check: "this host's agent" } as const;
  switch (reading.kind) {
    case "forbidden":
      return [{
        ...base,
        verdict: "skipped",
        message: `Asking it on ${reading.socket} takes root, or the group of control.group`,
      }];
    case "stuck":
      return [{
        ...base,
        verdict: "failure",
        message: `It is there and does not answer${pidText(pids)}: ${reading.problem}`,
        advice:
          "It may be stopped (SIGSTOP), starved or stuck: systemctl status discovery-client; systemctl restart discovery-client leaves volumes connected",
      }];
    case "absent":
      return [{
        ...base,
        verdict: isNeeded ? "failure" : "warning",
        message: pids.length > 0
          ? `A process of its name runs${pidText(pids)}, but not at ${reading.socket}: ${reading.problem}`
          : `It does not run (${reading.problem}): what is connected stays, nothing new is connected`,
        advice: pids.length > 0
          ? "Is it the predecessor, or has it another control.socket? systemctl status discovery-client"
          : "systemctl enable --now discovery-client; journalctl -u discovery-client says why it ended",
      }];
    case "status":
      return statusFindings(reading.status, version);
  }
}

function pidText(pids: readonly number[]): string {
  return pids.length === 0 ? "" : ` (pid ${pids.join(", ")})`;
}

function statusFindings(status: StatusDocument, thisVersion: string): Finding[] {
  const base = { group: "agent", check: "this host's agent" } as const;
  const { version, pid, ready, dryRun, summary: { pathsLive, pathsWanted, sessionsLive, endpoints } } =
    status;
  const says =
    `${pathsLive} of ${pathsWanted} paths live, ${sessionsLive} of ${endpoints} endpoints in session`;
  const findings: Finding[] = [];
  if (!ready) {
    findings.push({
      ...base,
      verdict: "warning",
      message: `It runs (pid ${pid}) and has not finished its first look`,
    });
  } else if (isAllLive(status)) {
    findings.push({ ...base, verdict: "ok", message: `It runs (pid ${pid}): ${says}` });
  } else {
    findings.push({
      ...base,
      verdict: "warning",
      message: `It runs (pid ${pid}): ${says}`,
      advice: "What is missing, and why, is below; discovery-client status has the agent's own words",
    });
  }
  if (dryRun) {
    findings.push({
      ...base,
      verdict: "warning",
      message: "It is a dry run: it connects nothing",
      advice: "Start it without --dry-run",
    });
  }
  if (version !== thisVersion) {
    findings.push({
      ...base,
      verdict: "warning",
      message: `It is ${version}, and this program is ${thisVersion}`,
      advice: "systemctl restart discovery-client, if the file was replaced; volumes stay connected",
    });
  }
  return findings;
}
