/**
 * `clusterSecrets` of the settings: secrets by subsystem NQN and host NQN. Every mistake is told with its place, and
 * none with a secret.
 *
 *     clusterSecrets:
 *       nqn.2016-01.com.example:volumes:            # as the entries name it
 *         nqn.2014-08.org.nvmexpress:uuid:…:
 *           dhChapSecretFile: /etc/discovery-client/secrets/host
 *           dhChapCtrlSecret: "DHHC-1:00:…:"
 */
import { nearestWord } from "../base/nearest_word.ts";
import type { Secret } from "../base/secret.ts";
import type { Cluster } from "../model/cluster.ts";
import { nqnProblem } from "../nvme/nqn.ts";
import { dhchapSecret, filePath, type SettingKind } from "./setting_kind.ts";
import type { YamlNode, YamlPair, YamlPosition } from "./yaml_text.ts";

/** What settings say about secrets, for all clusters or one; of a secret and its file, one at most. */
export interface SecretSettings {
  readonly dhChapSecret: Secret | null;
  readonly dhChapCtrlSecret: Secret | null;
  /** Empty for none. */
  readonly dhChapSecretFile: string;
  readonly dhChapCtrlSecretFile: string;
}

export interface ClusterSecrets extends SecretSettings {
  readonly cluster: Cluster;
  /** Where its host NQN stands. */
  readonly at: YamlPosition;
}

/** Takes what is wrong. `key` is a path of settings, without names of the user's. */
export interface SecretsReport {
  refuse(key: string, at: YamlPosition, expected: string, found: string): void;
  warn(name: string, at: YamlPosition, nearest: string | null): void;
}

const path = filePath({ optional: true });
const kinds: Readonly<Record<keyof SecretSettings, SettingKind<Secret | null> | SettingKind<string>>> = {
  dhChapSecret: dhchapSecret,
  dhChapCtrlSecret: dhchapSecret,
  dhChapSecretFile: path,
  dhChapCtrlSecretFile: path,
};

export const secretKeys = Object.keys(kinds) as (keyof SecretSettings)[];

export const noSecrets: SecretSettings = {
  dhChapSecret: null,
  dhChapCtrlSecret: null,
  dhChapSecretFile: "",
  dhChapCtrlSecretFile: "",
};

export const clusterSecretsKey = "clusterSecrets";
const hidden = "a value that is not shown";

export function readClusterSecrets(node: YamlNode, report: SecretsReport): ClusterSecrets[] {
  const found: ClusterSecrets[] = [];
  for (const { key: subsysnqn, value: hosts } of namedPairs(node, "subsystem NQNs", report)) {
    for (const { key: hostnqn, at, value } of namedPairs(hosts, "host NQNs", report)) {
      found.push({ cluster: { subsysnqn, hostnqn }, at, ...readSecrets(value, report) });
    }
  }
  return found;
}

/** The pairs of a mapping whose keys are NQNs, each once. */
function namedPairs(node: YamlNode, what: string, report: SecretsReport): YamlPair[] {
  if (isNothing(node)) return [];
  if (node.kind !== "mapping") {
    report.refuse(clusterSecretsKey, node.at, `a mapping of ${what}`, hidden);
    return [];
  }
  const seen = new Set<string>();
  return node.pairs.filter(({ key, at }) => {
    const problem = seen.has(key) ? "it stands here already" : nqnProblem(key);
    seen.add(key);
    if (problem === null) return true;
    report.refuse(clusterSecretsKey, at, `an NQN, once, but ${problem}`, "a key that is not shown");
    return false;
  });
}

function readSecrets(node: YamlNode, report: SecretsReport): SecretSettings {
  if (isNothing(node)) return noSecrets;
  if (node.kind !== "mapping") {
    report.refuse(clusterSecretsKey, node.at, `a mapping of ${secretKeys.join(", ")}`, hidden);
    return noSecrets;
  }
  const secrets: Record<string, unknown> = { ...noSecrets };
  const seen = new Set<string>();
  for (const { key, at, value } of node.pairs) {
    const name = secretKeys.find((known) => known.toLowerCase() === key.toLowerCase());
    if (name === undefined) {
      report.warn(key, at, nearestWord(key, secretKeys));
      continue;
    }
    const place = `${clusterSecretsKey}.${name}`;
    if (seen.has(name)) report.refuse(place, at, "the key once", "it again");
    seen.add(name);
    if (isNothing(value)) continue;
    const read = value.kind === "scalar" && value.value !== null ? kinds[name].parse(value.value) : undefined;
    if (read === undefined) report.refuse(place, value.at, kinds[name].expected, hidden);
    else secrets[name] = read;
  }
  return secrets as unknown as SecretSettings;
}

/** A key with nothing after it counts as not set. */
function isNothing(node: YamlNode): boolean {
  return node.kind === "scalar" && node.value === null;
}

/** Whether a host secret is said, and a controller's; here, not with somebody else. */
export function saysHost({ dhChapSecret, dhChapSecretFile }: SecretSettings): boolean {
  return dhChapSecret !== null || dhChapSecretFile !== "";
}

export function saysCtrl({ dhChapCtrlSecret, dhChapCtrlSecretFile }: SecretSettings): boolean {
  return dhChapCtrlSecret !== null || dhChapCtrlSecretFile !== "";
}
