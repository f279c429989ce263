/** `config show`: the settings in force, each with where it comes from. Of a secret, only that it is set. */
import { clusterSecretsKey, secretKeys } from "../config/cluster_secrets.ts";
import { type SettingKey, settingKeys, settingOf } from "../config/settings_table.ts";
import type { OptionValues } from "./command.ts";
import { type EffectiveSettings, loadEffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { outputFormat, printJson } from "./output.ts";
import { formatTable } from "./table.ts";

/** One setting as people see it. */
export interface SettingRow {
  /** As in the YAML file, dots between. */
  readonly setting: string;
  /** As in the YAML file. */
  readonly text: string;
  readonly value: unknown;
  readonly source: string;
}

/** Throws UsageError, ConfigError, KernelError. */
export async function configShow(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "table");
  const effective = await loadEffectiveSettings(environment, options);
  const rows = settingRows(effective);
  if (format === "json") {
    const settings = Object.fromEntries(
      rows.map(({ setting, value, source }) => [setting, { value, source }]),
    );
    printJson(environment, { file: effective.file ?? null, settings });
  } else {
    const header = ["SETTING", "VALUE", "SOURCE"];
    environment.stdout.write(
      formatTable(header, rows.map(({ setting, text, source }) => [setting, text, source])),
    );
  }
  return 0;
}

/** All settings in force; of a secret, only that it is set. */
export function settingRows(effective: EffectiveSettings): SettingRow[] {
  return [...settingKeys.map((key) => rowOf(key, effective)), ...clusterRows(effective)];
}

function rowOf(key: SettingKey, { settings, sources }: EffectiveSettings): SettingRow {
  const { path, setting: { kind } } = key;
  const found = settingOf(key, settings);
  // Secrets have no other text than `set`.
  const text = kind.format(found);
  const isPlain = ["boolean", "number"].includes(typeof found) && kind.name !== "duration" ||
    Array.isArray(found);
  const value = isPlain ? found : kind.secret && found === null ? null : text;
  return { setting: path, text, value, source: sources.get(path)?.name ?? "default" };
}

function clusterRows({ settings, file }: EffectiveSettings): SettingRow[] {
  return settings.clusterSecrets.flatMap(({ cluster, at, ...secrets }) =>
    secretKeys.flatMap((key): SettingRow[] => {
      const value = secrets[key];
      if (value === null || value === "") return [];
      const text = typeof value === "string" ? value : "set";
      const setting = [clusterSecretsKey, cluster.subsysnqn, cluster.hostnqn, key].join(".");
      return [{ setting, text, value: text, source: `${file}:${at.line}:${at.column}` }];
    })
  );
}
