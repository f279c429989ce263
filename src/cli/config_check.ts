/** `config check`: says what is wrong with the settings, all of it, and changes nothing. Shows no secret. */
import { AgentError, ConfigError } from "../base/errors.ts";
import { SettingsError } from "../config/settings.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { type EffectiveSettings, loadEffectiveSettings, settingsPath } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { outputFormat, printJson } from "./output.ts";
import { openSecretsText, readSettingSecrets } from "./setting_secrets.ts";
import { printable } from "./table.ts";

/** What is known of it, and the whole as a sentence. */
interface Problem {
  readonly message: string;
  readonly key?: string;
  /** `settings.yaml:4:7`, `DC_KATO`. */
  readonly source?: string;
  readonly line?: number;
  readonly column?: number;
  readonly expected?: string;
  readonly found?: string;
}

/** Answers 1 when there is a problem. Throws UsageError. */
export async function configCheck(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "table");
  const file = settingsPath(options);
  const warnings: string[] = [];
  const problems = await findProblems(environment, options, warnings);
  if (format === "json") printJson(environment, { file, ok: problems.length === 0, problems, warnings });
  else {
    const lines = [
      ...problems.map(({ message }) => `Problem: ${message}`),
      ...warnings.map((warning) => `Warning: ${warning}`),
      `${file}: ${count(problems.length, "problem")}, ${count(warnings.length, "warning")}`,
    ];
    environment.stdout.write(lines.map((line) => `${printable(line)}\n`).join(""));
  }
  return problems.length === 0 ? 0 : 1;
}

async function findProblems(
  environment: Environment,
  options: OptionValues,
  warnings: string[],
): Promise<Problem[]> {
  let effective: EffectiveSettings;
  try {
    effective = await loadEffectiveSettings(environment, options);
    warnings.push(...effective.warnings);
    if (effective.text === null) warnings.push("There is no such file: defaults count");
  } catch (error) {
    if (error instanceof SettingsError) warnings.push(...error.warnings);
    return problemsOf(error);
  }
  try {
    const { openFiles } = await readSettingSecrets(effective);
    warnings.push(...openFiles.map(openSecretsText));
    return [];
  } catch (error) {
    return problemsOf(error);
  }
}

/** A bug is passed on, and so is a command line that makes no sense. */
function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof AgentError) || error instanceof UsageError) throw error;
  const messages = error.message.split("\n");
  if (error instanceof SettingsError) {
    return error.problems.map(({ key, source, expected, found }, at) => ({
      message: messages[at] ?? "",
      key,
      source: source.name,
      line: source.position?.line,
      column: source.position?.column,
      expected,
      found,
    }));
  }
  const { line, column } = error instanceof ConfigError ? error.position : {};
  return messages.map((message) => ({ message, line, column }));
}

function count(number: number, noun: string): string {
  return `${number === 0 ? "no" : number} ${noun}${number === 1 ? "" : "s"}`;
}
