/** All fault scenarios, in the order they are listed and run. */
import type { Scenario } from "../scenario.ts";
import { packetLoss } from "./packet_loss.ts";

export const faultScenarios: readonly Scenario[] = [
  packetLoss,
];
