/** Every fault scenario, the long ones first: they run beside the short ones. */
import type { Scenario } from "../scenario.ts";
import { agentKilled } from "./agent_killed.ts";
import { blackHole } from "./black_hole.ts";
import { descriptors } from "./descriptors.ts";
import { eventStorm } from "./event_storm.ts";
import { fullDisk } from "./full_disk.ts";
import { closingSteps, silentSteps } from "./faulty_steps.ts";
import { givenUp } from "./given_up.ts";
import { halfDead } from "./half_dead.ts";
import { linkDown } from "./link_down.ts";
import { lostDirectory } from "./lost_directory.ts";
import { memoryLimit } from "./memory_limit.ts";
import { muteConnect } from "./mute_connect.ts";
import { oneWay } from "./one_way.ts";
import { orderlyStop } from "./orderly_stop.ts";
import { packetLoss } from "./packet_loss.ts";
import { resetStorm } from "./reset_storm.ts";
import { stopped } from "./stopped.ts";
import { targetKilled } from "./target_killed.ts";
import { thousandSubsystems } from "./thousand_subsystems.ts";

export const scenarios: readonly Scenario[] = [
  silentSteps,
  agentKilled,
  halfDead,
  muteConnect,
  descriptors,
  memoryLimit,
  resetStorm,
  blackHole,
  orderlyStop,
  fullDisk,
  givenUp,
  lostDirectory,
  linkDown,
  stopped,
  oneWay,
  eventStorm,
  thousandSubsystems,
  closingSteps,
  targetKilled,
  packetLoss,
];
