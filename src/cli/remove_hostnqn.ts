/** `remove-hostnqn`: removes one entry file; that there is none is well, too. Disconnects nothing. */
import { errorCode } from "../base/errors.ts";
import { removeEntryFile } from "../io/entry_files.ts";
import { parseEntryFileName } from "./add_hostnqn.ts";
import type { OptionValues } from "./command.ts";
import { loadEffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { printJson } from "./output.ts";

export async function removeHostnqn(environment: Environment, options: OptionValues): Promise<number> {
  const name = parseEntryFileName(options);
  const { clientConfigDir } = (await loadEffectiveSettings(environment, options)).settings;
  try {
    printJson(environment, { name: await removeEntryFile(clientConfigDir, name) });
  } catch (error) {
    // Whoever cleans up may come twice.
    if (errorCode(error) !== "not-found") throw error;
    environment.stderr.write(`discovery-client: Nothing to remove: ${clientConfigDir} has no ${name}\n`);
  }
  return 0;
}
