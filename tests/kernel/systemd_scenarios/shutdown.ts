/**
 * The machine is switched off: volumes are unmounted while the agent still runs, then it ends, and nothing waits for a
 * time limit. The guest begins it; what came of it is judged on the host, from the kernel's last words.
 */
import { systemctl } from "../systemd_unit.ts";
import { expect, type Scenario } from "../scenario.ts";

export const shutdown: Scenario = {
  name: "shutdown",
  title: "poweroff: volumes are unmounted first, the agent ends after that, no I/O error, nothing hangs",
  seconds: 6,
  run,
};

async function run(): Promise<string> {
  await Deno.writeTextFile("/etc/lab_shutdown", "");
  await systemctl("poweroff", "--no-block");
  return "";
}

/** What the guest's last program hands over. */
export interface LastWords {
  /** Volumes that are mounted still. */
  readonly mounts: number;
  /** Of the kernel's log. */
  readonly lines: readonly string[];
}

/** Answers the text of the row; throws when something does not hold. */
export function judgeShutdown({ mounts, lines }: LastWords): string {
  const secondsOf = (what: string, pattern: RegExp) => {
    const line = lines.findLast((one) => pattern.test(one));
    expect(line !== undefined, `No word of ${what}: ${lines.slice(-30).join(" | ")}`);
    return Number(/\[ *([\d.]+)\]/.exec(line ?? "")?.[1]);
  };
  const begun = secondsOf(
    "the end's beginning",
    /Stopped target multi-user\.target|Stopped target .*Multi-User System/,
  );
  const unmounted = [1, 2].map((n) => secondsOf(`volume${n}`, new RegExp(`Unmounted .*volume${n}`)));
  const stopping = secondsOf("the agent's stop", /Stopping (discovery-client\.service|Discovery client)/);
  const stopped = secondsOf("the agent's end", /Stopped (discovery-client\.service|Discovery client)/);
  expect(mounts === 0, `${mounts} volumes are mounted still`);
  expect(
    Math.max(...unmounted) <= stopping,
    `Unmounted at ${unmounted.join(" and ")} s, the agent stopped at ${stopping} s`,
  );
  const errors = lines.filter((line) => /I\/O error|EXT4-fs error|timed out|Failed unmounting/.test(line));
  expect(errors.length === 0, `The kernel says: ${errors.join(" | ")}`);
  return `unmounted ${(Math.max(...unmounted) - begun).toFixed(1)} s after the beginning, the agent ended ` +
    `${(stopped - begun).toFixed(1)} s after it`;
}
