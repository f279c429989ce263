/** The secrets that settings name, read from their files; what cannot be used is told by path, never by content. */
import { ConfigError, errorText } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import { saysCtrl, saysHost, type SecretSettings } from "../config/cluster_secrets.ts";
import type { Settings } from "../config/settings.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import { isOpenToOthers, readSecretFile } from "../io/secret_file.ts";
import { clusterKey } from "../model/cluster.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import { dhchapSecretShape, isDhchapSecret } from "../nvme/dhchap_secret.ts";

export interface SettingSecrets {
  readonly all: ConnectOptions;
  /** By cluster key. */
  readonly clusters: ReadonlyMap<string, ConnectOptions>;
  /** Files with secrets that other users can read. */
  readonly openFiles: readonly string[];
}

/** Throws ConfigError `secret-file` with a line for each file that is of no use. */
export async function readSettingSecrets(effective: EffectiveSettings): Promise<SettingSecrets> {
  const { settings, file } = effective;
  const reader = new SecretReader();
  const all = await reader.read(settings);
  const clusters = new Map<string, ConnectOptions>();
  for (const { cluster, ...secrets } of settings.clusterSecrets) {
    clusters.set(clusterKey(cluster), await reader.read(secrets));
  }
  if (reader.problems.size > 0) throw new ConfigError("secret-file", [...reader.problems].join("\n"));
  if (file !== undefined && holdsSecrets(effective) && await isOpenToOthers(file)) reader.openFiles.add(file);
  return { all, clusters, openFiles: [...reader.openFiles] };
}

/** What is told of such a file. */
export function openSecretsText(file: string): string {
  return `Other users can read the secrets in ${file}: only root should, with mode 0600`;
}

/** Some secret stands in the file of the settings itself. */
function holdsSecrets({ settings, sources }: EffectiveSettings): boolean {
  const inFile = (path: "dhChapSecret" | "dhChapCtrlSecret") =>
    settings[path] !== null && sources.get(path)?.from === "file";
  return inFile("dhChapSecret") || inFile("dhChapCtrlSecret") ||
    settings.clusterSecrets.some(({ dhChapSecret, dhChapCtrlSecret }) =>
      dhChapSecret !== null || dhChapCtrlSecret !== null
    );
}

/** Every file that holds a secret of these settings. */
export function secretFilesOf(settings: Settings): string[] {
  const files = [settings, ...settings.clusterSecrets].flatMap((secrets) => [
    secrets.dhChapSecretFile,
    secrets.dhChapCtrlSecretFile,
  ]);
  return [...new Set(files.filter((path) => path !== ""))];
}

class SecretReader {
  readonly problems = new Set<string>();
  readonly openFiles = new Set<string>();

  async read(settings: SecretSettings): Promise<ConnectOptions> {
    const { dhChapSecret, dhChapSecretFile, dhChapCtrlSecret, dhChapCtrlSecretFile } = settings;
    return {
      ...(saysHost(settings) ? { dhchapSecret: await this.#secret(dhChapSecret, dhChapSecretFile) } : {}),
      ...(saysCtrl(settings)
        ? { dhchapCtrlSecret: await this.#secret(dhChapCtrlSecret, dhChapCtrlSecretFile) }
        : {}),
    };
  }

  async #secret(inline: Secret | null, path: string): Promise<Secret | undefined> {
    if (inline !== null) return inline;
    try {
      const { text, isOpenToOthers } = await readSecretFile(path);
      if (isOpenToOthers) this.openFiles.add(path);
      if (isDhchapSecret(text)) return new Secret(text);
      this.problems.add(
        `Cannot use the secret in ${path}: expected ${dhchapSecretShape}, found a value that is not shown`,
      );
    } catch (error) {
      this.problems.add(errorText(error));
    }
    return undefined;
  }
}
