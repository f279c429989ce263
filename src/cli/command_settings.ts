/**
 * What commands that connect by themselves take from the agent's settings: who this host is, and secrets where the
 * command line gives none. A default settings file that is of no use is told, and gone without; one that `--config`
 * names is not.
 */
import { AgentError, errorText } from "../base/errors.ts";
import type { Settings } from "../config/settings.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Policy } from "../plan/facts.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { type EffectiveSettings, loadEffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { openSecretsText, readSettingSecrets } from "./setting_secrets.ts";
import { settingValue } from "./setting_options.ts";

export interface CommandSettings {
  readonly nvmeHostIDPath: string;
  readonly internalDir: string;
  /** Null without settings that can be used. */
  readonly effective: EffectiveSettings | null;
}

/** Throws UsageError for flags; ConfigError, KernelError for a file that `--config` names. */
export async function loadCommandSettings(
  environment: Environment,
  options: OptionValues,
): Promise<CommandSettings> {
  const effective = await orWithout(environment, options, () => loadEffectiveSettings(environment, options));
  if (effective !== null) return { ...pathsOf(effective.settings), effective };
  const setting = (path: string) => String(settingValue(path, options, environment.env));
  return {
    nvmeHostIDPath: setting("nvmeHostIDPath"),
    internalDir: setting("internalDir"),
    effective: null,
  };
}

function pathsOf({ nvmeHostIDPath, internalDir }: Settings) {
  return { nvmeHostIDPath, internalDir };
}

/** The secrets of the settings, unless the options have one of this host. Throws as `loadCommandSettings`. */
export async function commandSecrets(
  environment: Environment,
  options: OptionValues,
  { effective }: CommandSettings,
  given: ConnectOptions,
): Promise<Pick<Policy, "connectDefaults" | "clusterDefaults">> {
  if (effective === null || given.dhchapSecret !== undefined) return { connectDefaults: {} };
  const secrets = await orWithout(environment, options, () => readSettingSecrets(effective));
  for (const file of secrets?.openFiles ?? []) {
    environment.stderr.write(`discovery-client: ${openSecretsText(file)}\n`);
  }
  return { connectDefaults: secrets?.all ?? {}, clusterDefaults: secrets?.clusters };
}

async function orWithout<T>(
  { stderr }: Environment,
  options: OptionValues,
  load: () => Promise<T>,
): Promise<T | null> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof AgentError) || error instanceof UsageError) throw error;
    if (options.text("config") !== undefined) throw error;
    stderr.write(`discovery-client: Going on without the settings: ${errorText(error)}\n`);
    return null;
  }
}
