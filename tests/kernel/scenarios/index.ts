/** All scenarios, in the order they are listed and run. */
import type { Scenario } from "../scenario.ts";
import { rawConnectScenario } from "./raw_connect.ts";

export const scenarios: readonly Scenario[] = [
  rawConnectScenario,
];
