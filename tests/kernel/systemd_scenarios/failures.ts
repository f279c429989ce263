/** An agent that cannot start is tried again and again, with growing pauses, and never given up. */
import { association, controllers, kernelClock, kernelLog, lookForSame } from "../initiator.ts";
import { until } from "../poll.ts";
import { expect, type Scenario } from "../scenario.ts";
import { dropIn, lookMs, show, systemctl, unit, untilActive, untilStatus } from "../systemd_unit.ts";

export const failures: Scenario = {
  name: "failures",
  title: "a start that fails again and again is never given up, pauses grow; once mended it is up",
  seconds: 25,
  limitMs: 120_000,
  run,
};

const wantedFailures = 5;
/** With this one the predecessor's unit gave up for good. */
const status = 255;

async function run(): Promise<string> {
  const sinceSeconds = await kernelClock();
  const before = await controllers();
  const { StartLimitIntervalUSec } = await show(unit, "StartLimitIntervalUSec");
  expect(
    StartLimitIntervalUSec === "0",
    `systemd gives up by its limit of starts in ${StartLimitIntervalUSec}`,
  );
  await dropIn(
    `[Service]\nRestartSec=50ms\nWatchdogSec=0\nExecStart=\nExecStart=/usr/bin/busybox sh -c "exit ${status}"\n`,
  );
  const refused = await systemctl("restart", unit).then(() => false, () => true);
  expect(refused, "Precondition: it starts");
  await until(`${wantedFailures} restarts`, 60_000, async () => {
    const { NRestarts, Result, ActiveState } = await show(unit, "NRestarts", "Result", "ActiveState");
    if (ActiveState === "failed") throw new Error(`systemd has given up: ${Result}`);
    return Number(NRestarts) >= wantedFailures ? null : `${NRestarts} restarts`;
  }, lookMs);
  const words = await kernelLog(sinceSeconds, 1_000);
  const ends = words.filter((line) => line.includes(`code=exited, status=${status}`)).length;
  expect(ends >= wantedFailures, `Only ${ends} of its ends have status ${status}`);
  const pauses = pausesOf(words);
  const { Version } = await show("", "Version");
  if (parseInt(Version) >= 254) {
    expect((pauses.at(-1) ?? 0) > (pauses[0] ?? 0) * 2, `The pauses do not grow: ${pauses.join(", ")}`);
  }
  await dropIn(null);
  await systemctl("restart", unit);
  await untilActive(30_000);
  await untilStatus(before.length);
  const lost = await lookForSame(before, association);
  expect(lost === null, `After the failures: ${lost}`);
  return `${wantedFailures} failures (status ${status}) in a row, pauses from ${pauses[0]} to ` +
    `${pauses.at(-1)} s, up again when mended`;
}

/** Seconds from each failure to the next start, by what systemd says in the kernel's log. */
function pausesOf(lines: readonly string[]): number[] {
  const pauses: number[] = [];
  let failedAt: number | null = null;
  for (const line of lines) {
    const at = Number(/^\[ *([\d.]+)\]/.exec(line)?.[1]);
    if (line.includes("Failed with result")) failedAt = at;
    else if (line.includes("Scheduled restart job") && failedAt !== null) {
      pauses.push(Math.round((at - failedAt) * 100) / 100);
      failedAt = null;
    }
  }
  return pauses.slice(-wantedFailures);
}
