/** `remove-hostnqn`: removes one entry file. Disconnects nothing. */
import { removeEntryFile } from "../io/entry_files.ts";
import { parseEntryFileName } from "./add_hostnqn.ts";
import type { OptionValues } from "./command.ts";
import { loadEffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { printJson } from "./output.ts";

export async function removeHostnqn(environment: Environment, options: OptionValues): Promise<number> {
  const name = parseEntryFileName(options);
  const { clientConfigDir } = (await loadEffectiveSettings(environment, options)).settings;
  printJson(environment, { name: await removeEntryFile(clientConfigDir, name) });
  return 0;
}
