/**
 * Settings of an agent that runs: takes in a changed file as far as that can be done without a restart, says what
 * counts from now on and what does not, and keeps the last good settings where the new ones are of no use.
 */
import { ConfigError, errorText } from "../base/errors.ts";
import { settingChanges, withLiveChanges } from "../config/setting_changes.ts";
import type { Settings } from "../config/settings.ts";
import { type ConnectOptions, sameConnectOptions } from "../model/connect_options.ts";
import type { Log } from "../model/world.ts";
import type { OptionValues } from "./command.ts";
import { type EffectiveSettings, settingsFromText, settingsPath } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import {
  openSecretsText,
  readSettingSecrets,
  secretFilesOf,
  type SettingSecrets,
} from "./setting_secrets.ts";
import type { SettingsText } from "./settings_watch.ts";

export interface RunningSettings {
  readonly effective: EffectiveSettings;
  readonly secrets: SettingSecrets;
}

export interface ReloadOptions {
  readonly environment: Environment;
  readonly options: OptionValues;
  readonly log: Log;
  readonly running: RunningSettings;
  /** Has the changes count. */
  readonly apply: (running: RunningSettings) => void;
}

export class Reload {
  readonly #options: ReloadOptions;
  #running: RunningSettings;
  readonly #toldOpen = new Set<string>();
  #toldWarnings: readonly string[];
  #toldRestart = "";

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#running = options.running;
    this.#toldWarnings = options.running.effective.warnings;
    this.#tellOpenFiles(options.running.secrets);
  }

  get running(): RunningSettings {
    return this.#running;
  }

  /** Answers the files with secrets that the settings name. Never rejects. */
  async take(content: SettingsText): Promise<readonly string[]> {
    const { environment, options, log } = this.#options;
    const file = settingsPath(options);
    let secretFiles: readonly string[] = secretFilesOf(this.#running.effective.settings);
    try {
      if ("error" in content) throw new ConfigError("unreadable", content.error, { file });
      if (content.text === null && this.#running.effective.text !== null) {
        throw new ConfigError("ENOENT", `Cannot read the settings ${file}: there is no such file`, { file });
      }
      const asked = settingsFromText(environment, options, { file, text: content.text });
      // Files of settings that are refused because of them are looked after too: they may get well.
      secretFiles = [...new Set([...secretFiles, ...secretFilesOf(asked.settings)])];
      const settings = withLiveChanges(this.#running.effective.settings, asked.settings);
      const effective = { ...asked, settings };
      const secrets = await readSettingSecrets(effective);
      secretFiles = secretFilesOf(settings);
      this.#takeGood({ effective, secrets }, asked.settings);
    } catch (error) {
      const reason = errorText(error).replaceAll("\n", "; ");
      log.warn(`The settings stay as they were: ${reason}`, { settings: file });
    }
    return secretFiles;
  }

  /** `asked`: with what takes a restart. */
  #takeGood(next: RunningSettings, asked: Settings): void {
    const { log, apply } = this.#options;
    const before = this.#running;
    const settings = next.effective.file ?? "defaults";
    const { live, restart } = settingChanges(before.effective.settings, asked);
    const isSecretNew = !sameSecrets(before.secrets, next.secrets);
    this.#running = next;
    this.#tellWarnings(next.effective.warnings);
    this.#tellOpenFiles(next.secrets);
    const names = [...live, ...isSecretNew && !live.some(isSecretName) ? ["secrets in files"] : []];
    if (names.length > 0) {
      log.info(`Settings changed, and count from now on: ${names.join(", ")}`, { settings });
      apply(this.#running);
    }
    const needed = restart.join(", ");
    if (needed !== "" && needed !== this.#toldRestart) {
      log.warn(`Settings changed that take a restart, and do not count yet: ${needed}`, { settings });
    }
    this.#toldRestart = needed;
  }

  #tellWarnings(warnings: readonly string[]): void {
    for (const warning of warnings) {
      if (!this.#toldWarnings.includes(warning)) this.#options.log.warn(warning);
    }
    this.#toldWarnings = warnings;
  }

  #tellOpenFiles({ openFiles }: SettingSecrets): void {
    for (const file of openFiles) {
      if (this.#toldOpen.has(file)) continue;
      this.#toldOpen.add(file);
      this.#options.log.warn(openSecretsText(file));
    }
  }
}

function isSecretName(name: string): boolean {
  return name.startsWith("dhChap") || name === "clusterSecrets";
}

function sameSecrets(a: SettingSecrets, b: SettingSecrets): boolean {
  const none: ConnectOptions = {};
  const keys = new Set([...a.clusters.keys(), ...b.clusters.keys()]);
  return sameConnectOptions(a.all, b.all) &&
    [...keys].every((key) => sameConnectOptions(a.clusters.get(key) ?? none, b.clusters.get(key) ?? none));
}
