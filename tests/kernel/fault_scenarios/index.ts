/** All fault scenarios, in the order they are listed and run. */
import type { Scenario } from "../scenario.ts";
import { blackHole } from "./black_hole.ts";
import { clockJumps } from "./clock_jumps.ts";
import { descriptors } from "./descriptors.ts";
import { eventStorm } from "./event_storm.ts";
import { frozenMachine } from "./frozen_machine.ts";
import { killLoop } from "./kill_loop.ts";
import { lockHeld } from "./lock_held.ts";
import { muteConnect } from "./mute_connect.ts";
import { heavyLoss, packetLoss } from "./packet_loss.ts";
import { rstStorm } from "./rst_storm.ts";
import { stoppedAgent } from "./stopped_agent.ts";
import { targetReload } from "./target_reload.ts";
import { thousand } from "./thousand.ts";

export const faultScenarios: readonly Scenario[] = [
  packetLoss,
  heavyLoss,
  rstStorm,
  blackHole,
  targetReload,
  stoppedAgent,
  killLoop,
  lockHeld,
  muteConnect,
  clockJumps,
  frozenMachine,
  eventStorm,
  descriptors,
  thousand,
];
