/** The agent as a unit of the guest's systemd, and the volumes that the guest mounts. */
import { type CommandResult, runCommand } from "./command.ts";
import { until } from "./poll.ts";

export const unit = "discovery-client.service";
export const settingsFile = "/etc/discovery-client/discovery-client.yaml";
export const entryFile = "/etc/discovery-client/discovery.d/nova";
export const logFile = "/var/log/discovery-client.log";
export const controlSocket = "/run/discovery-client/control.sock";
/** Of the guest's /etc/passwd and /etc/group. */
export const novaUid = 162;
export const storageGid = 300;

/** As the guest's fstab has them. */
export const volumes = [
  { uuid: "00000000-0000-4000-8000-000000000001", mountPoint: "/srv/volume1", unit: "srv-volume1.mount" },
  { uuid: "00000000-0000-4000-8000-000000000002", mountPoint: "/srv/volume2", unit: "srv-volume2.mount" },
] as const;

const jobLimitMs = 60_000;
/** Between two looks at a unit: each is a process, which costs under emulation. */
export const lookMs = 700;

export async function systemctl(...args: string[]): Promise<CommandResult> {
  return await runCommand("systemctl", args, { limitMs: jobLimitMs });
}

/** Properties of a unit, as systemd shows them; of systemd itself without a name. */
export async function show<Name extends string>(
  name: string,
  ...properties: Name[]
): Promise<Record<Name, string>> {
  const { stdout } = await systemctl(
    "show",
    `--property=${properties.join(",")}`,
    ...(name === "" ? [] : [name]),
  );
  const pairs = stdout.trimEnd().split("\n").map((line): [string, string] => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  });
  const found = Object.fromEntries(pairs) as Record<Name, string>;
  const missing = properties.filter((property) => found[property] === undefined);
  if (missing.length > 0) throw new Error(`systemd does not show ${missing.join(", ")} of ${name}`);
  return found;
}

export async function mainPid(): Promise<number> {
  const { MainPID } = await show(unit, "MainPID");
  if (MainPID === "0") throw new Error("The agent does not run");
  return Number(MainPID);
}

/** Waits for the agent, ready, with this process or a later one; answers the milliseconds it took. */
export async function untilActive(limitMs: number, notPid = 0): Promise<number> {
  return await until("the agent is active", limitMs, async () => {
    const { ActiveState, SubState, MainPID } = await show(unit, "ActiveState", "SubState", "MainPID");
    return ActiveState === "active" && Number(MainPID) !== notPid
      ? null
      : `${ActiveState} (${SubState}), ${MainPID}`;
  }, lookMs);
}

/** Waits until systemd shows these paths live, of as many. */
export async function untilStatus(paths: number, limitMs = 30_000): Promise<string> {
  let text = "";
  await until(`${paths} paths in the unit's status`, limitMs, async () => {
    text = (await show(unit, "StatusText")).StatusText;
    return text.startsWith(`${paths} of ${paths} paths live`) ? null : text || "nothing";
  }, lookMs);
  return text;
}

/** Lines of the unit's changes, or of another one's, in the journal of this boot. */
export async function journal(lines: number, name = unit): Promise<string[]> {
  const { stdout } = await runCommand("journalctl", [
    "-b",
    "--no-pager",
    "-o",
    "short-monotonic",
    "-n",
    String(lines),
    "-u",
    name,
  ]);
  return stdout.trimEnd().split("\n");
}

/** What the unit's file leaves to who runs it, written as `systemctl edit --runtime` does; takes effect at the next start. */
export async function dropIn(text: string | null): Promise<void> {
  const dir = `/run/systemd/system/${unit}.d`;
  await Deno.mkdir(dir, { recursive: true });
  if (text === null) await Deno.remove(`${dir}/lab.conf`);
  else await Deno.writeTextFile(`${dir}/lab.conf`, text);
  await systemctl("daemon-reload");
}
