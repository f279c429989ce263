/** The settings as doctor sees them: what is wrong with them is a finding, and the rest is looked at all the same. */
import { AgentError, errorText } from "../base/errors.ts";
import { SettingsError } from "../config/settings.ts";
import type { Finding } from "../report/doctor/finding.ts";
import { checkSettings } from "../report/doctor/settings_checks.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { type EffectiveSettings, loadEffectiveSettings, settingsPath } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { openSecretsText, readSettingSecrets } from "./setting_secrets.ts";

/** `effective` is null where they cannot be used. Throws UsageError. */
export async function settingsFindings(
  environment: Environment,
  options: OptionValues,
): Promise<{ effective: EffectiveSettings | null; findings: Finding[] }> {
  const file = settingsPath(options);
  try {
    const effective = await loadEffectiveSettings(environment, options);
    const { problems, openFiles } = await secretsOf(effective);
    const warnings = [...effective.warnings, ...openFiles.map(openSecretsText)];
    return {
      effective,
      findings: checkSettings({ file, isThere: effective.text !== null, problems, warnings }),
    };
  } catch (error) {
    if (!(error instanceof AgentError) || error instanceof UsageError) throw error;
    if (error.code === "EACCES") {
      const message = `${file} cannot be read by this user: root can`;
      return {
        effective: null,
        findings: [{ group: "settings", check: "settings file", verdict: "skipped", message }],
      };
    }
    const warnings = error instanceof SettingsError ? error.warnings : [];
    return {
      effective: null,
      findings: checkSettings({ file, isThere: true, problems: error.message.split("\n"), warnings }),
    };
  }
}

async function secretsOf(
  effective: EffectiveSettings,
): Promise<{ problems: string[]; openFiles: readonly string[] }> {
  try {
    return { problems: [], openFiles: (await readSettingSecrets(effective)).openFiles };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { problems: errorText(error).split("\n"), openFiles: [] };
  }
}
