/** `add-hostnqn`: writes one entry file, all of it or nothing. */
import { formatEntryFile } from "../config/entry_line.ts";
import { entryFileNameProblem } from "../model/entry_file_name.ts";
import { ensureDirectory } from "../io/atomic_file.ts";
import { writeEntryFile } from "../io/entry_files.ts";
import { quoteText } from "../base/quote.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { loadEffectiveSettings } from "./effective_settings.ts";
import { checkTransport, parseEntries } from "./entry_arguments.ts";
import type { Environment } from "./environment.ts";
import { printJson } from "./output.ts";

export async function addHostnqn(environment: Environment, options: OptionValues): Promise<number> {
  const name = parseEntryFileName(options);
  checkTransport(options);
  const text = formatEntryFile(parseEntries(options));
  const { clientConfigDir } = (await loadEffectiveSettings(environment, options)).settings;
  await ensureDirectory(clientConfigDir);
  printJson(environment, {
    name: await writeEntryFile({ directory: clientConfigDir, name, text, replace: true }),
  });
  return 0;
}

/** Throws UsageError for a name that no entry file can have. */
export function parseEntryFileName(options: OptionValues): string {
  const name = options.given("name");
  const problem = entryFileNameProblem(name);
  if (problem !== null) throw new UsageError(`Cannot use --name ${quoteText(name)}: ${problem}`);
  return name;
}
