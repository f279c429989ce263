/** Prints the names of the scenarios, with what each shows. */
import { scenarios } from "./scenarios/index.ts";

for (const scenario of scenarios) console.log(`${scenario.name.padEnd(18)} ${scenario.title}`);
