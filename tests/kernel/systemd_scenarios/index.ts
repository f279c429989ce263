/** The scenarios under systemd, in their order: each goes by what the ones before it have left. */
import type { Scenario } from "../scenario.ts";
import { boot } from "./boot.ts";
import { failures } from "./failures.ts";
import { reload } from "./reload.ts";
import { restarts } from "./restarts.ts";
import { sandbox } from "./sandbox.ts";
import { shutdown } from "./shutdown.ts";
import { watchdog } from "./watchdog.ts";

export const systemdScenarios: readonly Scenario[] = [
  boot,
  sandbox,
  reload,
  watchdog,
  restarts,
  failures,
  shutdown,
];
