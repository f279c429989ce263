/** Every fault scenario, in the order they are run. */
import type { Scenario } from "../scenario.ts";
import { packetLoss } from "./packet_loss.ts";

export const scenarios: readonly Scenario[] = [packetLoss];
