/** `auto-detect`: prints the entry file that controllers of this host suggest, and writes it when told to. */
import { formatEntryFile } from "../config/entry_line.ts";
import { readControllers } from "../io/sysfs.ts";
import { detect, writeDetected } from "./auto_detection.ts";
import type { OptionValues } from "./command.ts";
import { loadEffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { printJson } from "./output.ts";

export async function autoDetect(environment: Environment, options: OptionValues): Promise<number> {
  const { settings } = await loadEffectiveSettings(environment, options);
  const detected = await detect({ controllers: () => readControllers() }, settings);
  const { stdout, stderr } = environment;
  for (const { controller, reason } of detected.skipped) {
    stderr.write(`discovery-client: No entry is deduced from ${controller}: ${reason}\n`);
  }
  if (detected.entries.length === 0) {
    const wanted = settings.autoDetectEntries.subsystemMatch.join(" or ");
    stderr.write(`discovery-client: No controller over tcp has ${wanted} in its subsystem NQN\n`);
  } else if (options.flag("write")) printJson(environment, { name: await writeDetected(detected, settings) });
  else stdout.write(formatEntryFile(detected.entries));
  return 0;
}
