/**
 * nvme-cli's auto-connect as a distribution sets it up: udevd with its rules, which start nvmf-connect@….service at
 * each event of a discovery controller that the kernel holds. ./systemctl takes the part of systemd.
 */
import { runCommand } from "./command.ts";
import type { HostIdentity } from "./initiator.ts";
import { discoveryPort } from "./network.ts";
import { until } from "./poll.ts";

const runsLog = "/run/nvmf-connect.log";

/** From now on the rules are in force, for this host; answers what ends it. */
export async function startUdev(host: HostIdentity): Promise<() => Promise<void>> {
  await Deno.remove(runsLog).catch(() => {});
  // nvme-cli goes by these files; an agent of a scenario before may have made others.
  await Deno.writeTextFile("/etc/nvme/hostnqn", `${host.hostnqn}\n`);
  await Deno.writeTextFile("/etc/nvme/hostid", `${host.hostid}\n`);
  await runCommand("systemd-udevd", ["--daemon", "--resolve-names=never"]);
  return async () => {
    await runCommand("udevadm", ["control", "--exit"]);
    for (const file of ["hostnqn", "hostid"]) await Deno.remove(`/etc/nvme/${file}`);
  };
}

/** A discovery controller of the kernel's, which stays and raises events. */
export async function keepDiscovery(address: string): Promise<void> {
  const service = ["-t", "tcp", "-a", address, "-s", String(discoveryPort)];
  await runCommand("nvme", ["discover", ...service, "--persistent", "--keep-alive-tmo=30"]);
}

export interface RuleRuns {
  /** Starts of the service. */
  readonly started: number;
  readonly ended: number;
  /** Starts while it ran, which do nothing. */
  readonly ignored: number;
  readonly unexpected: readonly string[];
}

/** What the rules have brought about so far. */
export async function ruleRuns(): Promise<RuleRuns> {
  const lines = (await Deno.readTextFile(runsLog).catch(() => "")).split("\n");
  const starting = (word: string) => lines.filter((line) => line.startsWith(word));
  return {
    started: starting("start: ").length,
    ended: starting("end ").length,
    ignored: starting("running: ").length,
    unexpected: starting("unexpected: "),
  };
}

const noRuns: RuleRuns = { started: 0, ended: 0, ignored: 0, unexpected: [] };

/** Waits until the rules have fired again since, and nothing that they started runs any more. */
export async function untilRulesHaveRun(since = noRuns): Promise<void> {
  await until("the rules have run", 30_000, async () => {
    const { started, ended } = await ruleRuns();
    if (started > since.started && started === ended) return null;
    return `${started} started, ${ended} ended: ${await Deno.readTextFile(runsLog).catch(() => "no log")}`;
  });
}
