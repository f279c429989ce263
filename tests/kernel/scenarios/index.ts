/** All scenarios, in the order they are listed and run. */
import type { Scenario } from "../scenario.ts";
import { autoDetect } from "./auto_detect.ts";
import { byHand } from "./by_hand.ts";
import { changes } from "./changes.ts";
import { coldStart } from "./cold_start.ts";
import { commands } from "./commands.ts";
import { container } from "./container.ts";
import { deletedController } from "./deleted_controller.ts";
import { diagnosis } from "./diagnosis.ts";
import { files } from "./files.ts";
import { kernelWords } from "./kernel_words.ts";
import { kill } from "./kill.ts";
import { nodeReturns } from "./node_returns.ts";
import { rawConnectScenario } from "./raw_connect.ts";
import { referral } from "./referral.ts";
import { secrets } from "./secrets.ts";
import { swallowed } from "./swallowed.ts";
import { tls } from "./tls.ts";
import { twoClusters } from "./two_clusters.ts";
import { udevRules } from "./udev_rules.ts";

export const scenarios: readonly Scenario[] = [
  rawConnectScenario,
  coldStart,
  changes,
  referral,
  nodeReturns,
  kill,
  deletedController,
  swallowed,
  files,
  autoDetect,
  twoClusters,
  commands,
  kernelWords,
  secrets,
  tls,
  container,
  byHand,
  udevRules,
  diagnosis,
];
