/** `systemctl reload`: settings read by the running process, the service manager told from its beginning to its end. */
import { until } from "../poll.ts";
import { expect, type Scenario } from "../scenario.ts";
import {
  logFile,
  lookMs,
  mainPid,
  settingsFile,
  show,
  systemctl,
  unit,
  untilActive,
} from "../systemd_unit.ts";

export const reload: Scenario = {
  name: "reload",
  title:
    "reload reads settings, tells of itself, keeps the process; settings that are no good change nothing",
  seconds: 8,
  run,
};

async function run(): Promise<string> {
  const pid = await mainPid();
  const good = await Deno.readTextFile(settingsFile);
  const textBefore = (await Deno.readTextFile(logFile)).length;
  await Deno.writeTextFile(settingsFile, good.replace("reconnectInterval: 1s", "reconnectInterval: 2s"));
  await systemctl("reload", unit);
  await untilLogged(textBefore, "reconnectInterval");
  await untilActive(10_000);

  // By hand, without systemd's command: it hears of the reload from the agent alone.
  const before = await changedAt();
  Deno.kill(pid, "SIGHUP");
  await until("systemd hears of the reload", 10_000, async () => {
    return await changedAt() > before ? null : "no change of the unit's state";
  }, lookMs);
  await untilActive(10_000);

  const goodLength = (await Deno.readTextFile(logFile)).length;
  await Deno.writeTextFile(settingsFile, "kato: a lot\n");
  await systemctl("reload", unit);
  await untilLogged(goodLength, "kato");
  await untilActive(10_000);
  await Deno.writeTextFile(settingsFile, good);
  await systemctl("reload", unit);
  await untilActive(10_000);
  expect(await mainPid() === pid, "The process is another one");
  const { NRestarts } = await show(unit, "NRestarts");
  expect(NRestarts === "0", `It was restarted ${NRestarts} times`);
  return "new settings in force, bad ones told and refused, always active again, one and the same process";
}

async function changedAt(): Promise<number> {
  return Number((await show(unit, "StateChangeTimestampMonotonic")).StateChangeTimestampMonotonic);
}

async function untilLogged(from: number, text: string): Promise<void> {
  await until(`word of ${text}`, 10_000, async () => {
    const lines = (await Deno.readTextFile(logFile)).slice(from);
    return lines.includes(text) ? null : lines.slice(-300) || "nothing";
  }, 100);
}
