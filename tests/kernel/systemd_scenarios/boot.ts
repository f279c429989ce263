/** From power-on to mounted volumes: systemd starts the agent in time, and fstab's _netdev volumes wait for it. */
import { runCommand } from "../command.ts";
import { until } from "../poll.ts";
import { expect, type Scenario } from "../scenario.ts";
import { lookMs, show, unit, untilStatus, volumes } from "../systemd_unit.ts";

export const boot: Scenario = {
  name: "boot",
  title:
    "modules loaded, the agent started, what fstab has on volumes (_netdev) mounted after it; nothing failed",
  seconds: 25,
  limitMs: 150_000,
  run,
};

async function run(): Promise<string> {
  await until("the machine is up", 120_000, async () => {
    const { stdout } = await runCommand("systemctl", ["is-system-running"], { mayFail: true });
    return stdout.trim() === "running" ? null : stdout.trim();
  }, lookMs);
  const mounts = (await Deno.readTextFile("/proc/mounts")).split("\n");
  for (const { mountPoint } of volumes) {
    const line = mounts.find((one) => one.split(" ")[1] === mountPoint);
    expect(line?.startsWith("/dev/nvme") === true, `${mountPoint} is not mounted from a volume: ${line}`);
  }
  const ready = await activeSeconds(unit);
  const before = await activeSeconds("remote-fs-pre.target");
  expect(ready <= before, `remote-fs-pre.target (${before} s) came before the agent was ready (${ready} s)`);
  const { Result, InactiveExitTimestampMonotonic } = await show(
    "modprobe@nvme_tcp.service",
    "Result",
    "InactiveExitTimestampMonotonic",
  );
  const { Result: modulesLoad } = await show("systemd-modules-load.service", "Result");
  expect(Result === "success" && modulesLoad === "success", `Modules: ${Result}, ${modulesLoad}`);
  expect(InactiveExitTimestampMonotonic !== "0", "Nothing has loaded nvme_tcp");
  const mounted = Math.max(...await Promise.all(volumes.map((volume) => activeSeconds(volume.unit))));
  const started = await startedSeconds(volumes[0].unit);
  expect(started >= ready, `A mount was begun (${started} s) before the agent was ready (${ready} s)`);
  const { Version } = await show("", "Version");
  const status = await untilStatus(6);
  return `systemd ${Version}: ready after ${ready} s, volumes mounted after ${mounted} s; ${status}`;
}

async function activeSeconds(name: string): Promise<number> {
  const { ActiveEnterTimestampMonotonic: usec } = await show(name, "ActiveEnterTimestampMonotonic");
  expect(Number(usec) > 0, `${name} has not become active`);
  return Math.round(Number(usec) / 1e4) / 100;
}

async function startedSeconds(name: string): Promise<number> {
  const { InactiveExitTimestampMonotonic: usec } = await show(name, "InactiveExitTimestampMonotonic");
  return Math.round(Number(usec) / 1e4) / 100;
}
