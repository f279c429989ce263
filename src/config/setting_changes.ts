/** What differs between two settings, by the names of the keys. Pure; shows no value. */
import type { Secret } from "../base/secret.ts";
import { type ClusterSecrets, clusterSecretsKey } from "./cluster_secrets.ts";
import { type SettingKey, settingKeys, settingOf, type Settings, settingsOf } from "./settings_table.ts";

export interface SettingChanges {
  /** Take effect while the agent runs. */
  readonly live: readonly string[];
  /** Take a restart. */
  readonly restart: readonly string[];
}

export function settingChanges(before: Settings, after: Settings): SettingChanges {
  const live: string[] = [];
  const restart: string[] = [];
  for (const key of settingKeys) {
    if (same(key, settingOf(key, before), settingOf(key, after))) continue;
    (key.setting.live ? live : restart).push(key.path);
  }
  if (!sameClusters(before.clusterSecrets, after.clusterSecrets)) live.push(clusterSecretsKey);
  return { live, restart };
}

/** `before`, but what takes effect while the agent runs as in `after`. */
export function withLiveChanges(before: Settings, after: Settings): Settings {
  return settingsOf((key) => settingOf(key, key.setting.live ? after : before), after.clusterSecrets);
}

function same({ setting: { kind } }: SettingKey, a: unknown, b: unknown): boolean {
  return kind.secret ? sameSecret(a as Secret | null, b as Secret | null) : kind.format(a) === kind.format(b);
}

function sameSecret(a: Secret | null, b: Secret | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/** Where they stand does not count, nor their order. */
function sameClusters(a: readonly ClusterSecrets[], b: readonly ClusterSecrets[]): boolean {
  return a.length === b.length &&
    a.every((one) =>
      b.some((other) =>
        one.cluster.subsysnqn === other.cluster.subsysnqn && one.cluster.hostnqn === other.cluster.hostnqn &&
        sameSecret(one.dhChapSecret, other.dhChapSecret) &&
        sameSecret(one.dhChapCtrlSecret, other.dhChapCtrlSecret) &&
        one.dhChapSecretFile === other.dhChapSecretFile &&
        one.dhChapCtrlSecretFile === other.dhChapCtrlSecretFile
      )
    );
}
