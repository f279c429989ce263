/** Entries deduced from the kernel's controllers, written to a file of clientConfigDir like those of a consumer. */
import { errorText } from "../base/errors.ts";
import { type DetectedEntries, detectEntries } from "../config/detected_entries.ts";
import { formatEntryFile } from "../config/entry_line.ts";
import type { Settings } from "../config/settings.ts";
import { parseState } from "../config/state_file.ts";
import { ensureDirectory } from "../io/atomic_file.ts";
import { writeEntryFile } from "../io/entry_files.ts";
import type { ConfigDir, Kernel, Log, StateStore } from "../model/world.ts";

/** Throws KernelError when sysfs cannot be read. */
export async function detect(
  kernel: Pick<Kernel, "controllers">,
  { autoDetectEntries }: Settings,
): Promise<DetectedEntries> {
  const { subsystemMatch, discoveryServicePort } = autoDetectEntries;
  return detectEntries(await kernel.controllers(), { subsystemMatch, discoveryServicePort });
}

/** Answers the full path. Throws KernelError. */
export async function writeDetected({ entries }: DetectedEntries, settings: Settings): Promise<string> {
  const { clientConfigDir: directory, autoDetectEntries: { filename: name } } = settings;
  await ensureDirectory(directory);
  return await writeEntryFile({ directory, name, text: formatEntryFile(entries), replace: true });
}

export interface DetectionWorld {
  readonly kernel: Pick<Kernel, "controllers">;
  readonly configDir: Pick<ConfigDir, "scan">;
  readonly store: Pick<StateStore, "load">;
  readonly log: Log;
}

/** On start, where nothing is configured and nothing remembered. What fails is told, and costs nothing else. */
export async function detectAtStart(world: DetectionWorld, settings: Settings): Promise<void> {
  const { log } = world;
  try {
    const scan = await world.configDir.scan();
    if (!scan.ok || scan.files.length > 0 || await isAnythingRemembered(world.store)) return;
    const detected = await detect(world.kernel, settings);
    for (const { controller, reason } of detected.skipped) {
      log.warn(`No entry is deduced from ${controller}: ${reason}`);
    }
    if (detected.entries.length === 0) {
      return log.info("Nothing is configured, and no controller to deduce it from");
    }
    const file = await writeDetected(detected, settings);
    log.info(`Nothing is configured: ${detected.entries.length} entries deduced from live controllers`, {
      file,
    });
  } catch (error) {
    log.error(`Cannot deduce entries from live controllers: ${errorText(error)}`);
  }
}

/** What cannot be read is no memory; the agent reports it and sets it aside. */
async function isAnythingRemembered(store: Pick<StateStore, "load">): Promise<boolean> {
  try {
    const bytes = await store.load();
    return bytes !== null && parseState(bytes).entries.length > 0;
  } catch {
    return false;
  }
}
