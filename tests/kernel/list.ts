/** Prints the names of the scenarios, with what each shows. */
import { faultScenarios } from "./fault_scenarios/index.ts";
import { scenarios } from "./scenarios/index.ts";
import { systemdScenarios } from "./systemd_scenarios/index.ts";

for (const { name, title } of scenarios) console.log(`${name.padEnd(18)} ${title}`);
console.log("\nfaults (--faults; those marked * with --full or by name):");
for (const { name, title, ci } of faultScenarios) console.log(`${name.padEnd(17)}${ci ? " " : "*"} ${title}`);
console.log("\nunder systemd (--systemd):");
for (const { name, title } of systemdScenarios) console.log(`${name.padEnd(18)} ${title}`);
