/**
 * The settings in force: defaults, then the YAML file, then `DC_` environment variables, then flags. Keys are
 * understood in any case, as the predecessor did. A value that cannot be used is refused with its place, all of them
 * at once; a key that nobody knows is a warning. Reads no file and no environment itself.
 */
import { assert } from "../base/assert.ts";
import { ConfigError, type TextPosition } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { nearestWord } from "../base/nearest_word.ts";
import { quoteText } from "../base/quote.ts";
import { looksSecret } from "../nvme/dhchap_secret.ts";
import {
  type ClusterSecrets,
  clusterSecretsKey,
  readClusterSecrets,
  saysCtrl,
  saysHost,
  type SecretSettings,
} from "./cluster_secrets.ts";
import { shownText } from "./entry_options.ts";
import type { RawValue } from "./setting_kind.ts";
import { type SettingKey, settingKeys, type Settings, settingsOf } from "./settings_table.ts";
import { parseYamlText, type YamlNode, type YamlPair } from "./yaml_text.ts";

export type { Settings } from "./settings_table.ts";

/** Where a value comes from. */
export interface SettingSource {
  readonly from: "default" | "file" | "environment" | "flag";
  /** For people: `settings.yaml:4:7`, `DC_KATO`, `--kato`, `default`. */
  readonly name: string;
  readonly position?: TextPosition;
}

/** One value that cannot be used. */
export interface SettingProblem {
  /** Path of the setting, as in the YAML file. */
  readonly key: string;
  readonly source: SettingSource;
  /** Completes "expected …". */
  readonly expected: string;
  /** Printable, of bounded length. */
  readonly found: string;
}

/** Settings that cannot be used; all problems, the first one's place in `position`. */
export class SettingsError extends ConfigError {
  readonly problems: readonly SettingProblem[];

  /** What would be told beside, as in LoadedSettings. */
  readonly warnings: readonly string[];

  constructor(problems: readonly SettingProblem[], warnings: readonly string[] = []) {
    super("settings", problems.map(problemText).join("\n"), problems[0]?.source.position);
    this.problems = problems;
    this.warnings = warnings;
  }
}

export interface SettingsInput {
  readonly yaml?: { readonly text: string; readonly file: string };
  /** Variables of other names than `DC_…` do not matter. An empty value counts as not set. */
  readonly env?: Readonly<Record<string, string>>;
  /** By path of the setting, in any case: `{"logging.level": "debug"}`; undefined counts as not set. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** By path of the setting. */
  readonly sources: ReadonlyMap<string, SettingSource>;
  /** For people, complete sentences without a full stop. */
  readonly warnings: readonly string[];
}

/** Throws SettingsError, and ConfigError `yaml` or `too-large` for a file that is no YAML at all. */
export function loadSettings(input: SettingsInput): LoadedSettings {
  const loader = new Loader();
  if (input.yaml !== undefined) loader.handleYaml(input.yaml.text, input.yaml.file);
  loader.handleEnvironment(input.env ?? {});
  loader.handleFlags(input.flags ?? {});
  return loader.finish();
}

function problemText({ key, source, expected, found }: SettingProblem): string {
  // A flag is its key.
  if (source.from === "flag") return `Cannot use ${source.name}: expected ${expected}, found ${found}`;
  const place = source.from === "file" ? `in ${source.name}` : `from ${source.name}`;
  return `Cannot use ${key === "" ? "the settings" : key} ${place}: expected ${expected}, found ${found}`;
}

const keysByPath = new Map(settingKeys.map((key) => [key.path.toLowerCase(), key]));
const keysByEnvName = new Map(settingKeys.map((key) => [key.envName, key]));
const groupPaths = new Map(
  settingKeys.filter((key) => key.path.includes("."))
    .map((key) => key.path.slice(0, key.path.lastIndexOf(".")))
    .map((path) => [path.toLowerCase(), path]),
);

const knownPaths = [...settingKeys.map((key) => key.path), ...groupPaths.values(), clusterSecretsKey];
const hidden = "a value that is not shown";
const ranks = { default: 0, file: 1, environment: 2, flag: 3 } as const;

const secretsWithFiles: readonly [keyof SecretSettings, keyof SecretSettings][] = [
  ["dhChapSecret", "dhChapSecretFile"],
  ["dhChapCtrlSecret", "dhChapCtrlSecretFile"],
];

class Loader {
  readonly #values = new Map<SettingKey, unknown>(settingKeys.map((key) => [key, key.setting.standard]));
  readonly #sources = new Map<string, SettingSource>(
    settingKeys.map((key) => [key.path, { from: "default", name: "default" }]),
  );
  #clusterSecrets: readonly ClusterSecrets[] = [];
  #file = "";
  readonly #problems: SettingProblem[] = [];
  readonly #warnings: string[] = [];

  handleYaml(text: string, file: string): void {
    this.#file = file;
    if (text.length > limits.settingsBytesMax) {
      const message = `Cannot read settings in ${file}: ${text.length} characters, ` +
        `at most ${limits.settingsBytesMax} are read`;
      throw new ConfigError("too-large", message, { file });
    }
    const root = parseYamlText(text, file);
    if (root === null || (root.kind === "scalar" && root.value === null)) return;
    if (root.kind !== "mapping") this.#refuseNode("", root, file, "a mapping of keys to values");
    else this.#handleMapping(root.pairs, "", file);
  }

  #handleMapping(pairs: readonly YamlPair[], prefix: string, file: string): void {
    const seen = new Map<string, YamlPair>();
    for (const pair of pairs) {
      const path = `${prefix}${pair.key}`.toLowerCase();
      const first = seen.get(path);
      if (first !== undefined) {
        const expected = `the key once, it stands in line ${first.at.line} already`;
        this.#refuse(quotedPath(path), fileSource(file, pair.at), expected, `${shownText(pair.key)} again`);
      } else this.#handlePair(pair, path, file);
      seen.set(path, first ?? pair);
    }
  }

  #handlePair(pair: YamlPair, path: string, file: string): void {
    const { value: node } = pair;
    if (path === clusterSecretsKey.toLowerCase()) return this.#handleClusterSecrets(node, file);
    const key = keysByPath.get(path);
    const group = groupPaths.get(path);
    if (key === undefined && group === undefined) {
      this.#warnUnknown("key", path, fileSource(file, pair.at).name, knownPaths);
      return;
    }
    // A key with nothing after it counts as not set.
    if (node.kind === "scalar" && node.value === null) return;
    if (key !== undefined) {
      this.#set(key, rawOf(node), fileSource(file, node.at), foundText(node));
    } else if (node.kind === "mapping") {
      this.#handleMapping(node.pairs, `${path}.`, file);
    } else this.#refuseNode(group ?? path, node, file, "a mapping of keys to values");
  }

  #handleClusterSecrets(node: YamlNode, file: string): void {
    this.#clusterSecrets = readClusterSecrets(node, {
      refuse: (key, at, expected, found) => this.#refuse(key, fileSource(file, at), expected, found),
      warn: (name, at, nearest) =>
        this.#warn(`Ignored unknown key ${quotedPath(name)} in ${fileSource(file, at).name}`, nearest),
    });
  }

  handleEnvironment(env: Readonly<Record<string, string>>): void {
    for (const name of Object.keys(env).filter((name) => name.startsWith("DC_")).sort()) {
      const text = env[name] ?? "";
      const key = keysByEnvName.get(name);
      if (key === undefined) this.#warnUnknown("variable", name, "the environment", keysByEnvName.keys());
      else if (text !== "") this.#set(key, text, { from: "environment", name }, shownText(text));
    }
  }

  handleFlags(flags: Readonly<Record<string, unknown>>): void {
    for (const [path, value] of Object.entries(flags)) {
      const key = keysByPath.get(path.toLowerCase());
      assert(key !== undefined, `No setting is called ${path}`);
      if (value === undefined) continue;
      this.#set(key, rawOfFlag(value), { from: "flag", name: `--${path}` }, shownText(String(value)));
    }
  }

  #set(key: SettingKey, raw: RawValue | undefined, source: SettingSource, found: string): void {
    const value = raw === undefined ? undefined : key.setting.kind.parse(raw);
    if (value === undefined) {
      const { expected, secret } = key.setting.kind;
      return this.#refuse(key.path, source, expected, secret ? hidden : found);
    }
    this.#values.set(key, value);
    this.#sources.set(key.path, source);
  }

  #refuseNode(path: string, node: YamlNode, file: string, expected: string): void {
    this.#refuse(path, fileSource(file, node.at), expected, foundText(node));
  }

  #refuse(key: string, source: SettingSource, expected: string, found: string): void {
    if (this.#problems.length >= limits.settingsProblemsMax) return;
    this.#problems.push({ key, source, expected, found });
  }

  #warnUnknown(noun: string, name: string, place: string, known: Iterable<string>): void {
    this.#warn(`Ignored unknown ${noun} ${quotedPath(name)} in ${place}`, nearestWord(name, known));
  }

  #warn(text: string, nearest: string | null): void {
    if (this.#warnings.length >= limits.settingsProblemsMax) return;
    this.#warnings.push(nearest === null ? text : `${text}; did you mean ${nearest}?`);
  }

  finish(): LoadedSettings {
    for (const pair of secretsWithFiles) this.#preferOneOf(...pair);
    const settings = settingsOf((key) => this.#values.get(key), this.#clusterSecrets);
    this.#checkDirectories(settings);
    this.#checkSecrets(settings);
    if (this.#problems.length > 0) throw new SettingsError(this.#problems, this.#warnings);
    return { settings, sources: this.#sources, warnings: this.#warnings };
  }

  /** The state file would be taken for an entry file, and its rewriting for a change. */
  #checkDirectories(settings: Settings): void {
    if (tidyPath(settings.clientConfigDir) !== tidyPath(settings.internalDir)) return;
    const source = this.#sources.get("internalDir") ?? { from: "default", name: "default" };
    const found = `${quoteText(settings.internalDir)} for both`;
    this.#refuse("internalDir", source, "another directory than clientConfigDir", found);
  }

  /** A secret and its file say the same thing: the one nearer to the command line counts. */
  #preferOneOf(inlinePath: string, filePath: string): void {
    const inline = keysByPath.get(inlinePath.toLowerCase());
    const file = keysByPath.get(filePath.toLowerCase());
    const first = this.#sources.get(inlinePath);
    const second = this.#sources.get(filePath);
    assert(inline && file && first && second, `No settings are called ${inlinePath} and ${filePath}`);
    if (this.#values.get(inline) === null || this.#values.get(file) === "") return;
    if (first.from === second.from) {
      return this.#refuse(file.path, second, `only one of ${inlinePath} and ${filePath}`, "both");
    }
    const loser = ranks[first.from] < ranks[second.from] ? inline : file;
    this.#values.set(loser, loser.setting.standard);
    this.#sources.set(loser.path, { from: "default", name: "default" });
  }

  /** Linux authenticates the controller only beside the host. */
  #checkSecrets(settings: Settings): void {
    const needed = "dhChapSecret or dhChapSecretFile beside the controller's secret";
    if (saysCtrl(settings) && !saysHost(settings)) {
      const key = settings.dhChapCtrlSecret === null ? "dhChapCtrlSecretFile" : "dhChapCtrlSecret";
      this.#refuse(key, this.#sources.get(key)!, needed, "none");
    }
    for (const cluster of settings.clusterSecrets) {
      const source = fileSource(this.#file, cluster.at);
      if (saysCtrl(cluster) && !saysHost(cluster) && !saysHost(settings)) {
        this.#refuse(clusterSecretsKey, source, needed, "none");
      }
      for (const [inline, file] of secretsWithFiles) {
        if (cluster[inline] === null || cluster[file] === "") continue;
        this.#refuse(clusterSecretsKey, source, `only one of ${inline} and ${file}`, "both");
      }
    }
  }
}

function tidyPath(path: string): string {
  return path.replace(/\/+/g, "/").replace(/(.)\/$/, "$1");
}

function fileSource(file: string, at: { line: number; column: number }): SettingSource {
  return { from: "file", name: `${file}:${at.line}:${at.column}`, position: { file, ...at } };
}

/** Undefined where no kind could read it: mappings, and nothing inside a list. */
function rawOf(node: YamlNode): RawValue | undefined {
  if (node.kind === "scalar") return node.value ?? undefined;
  if (node.kind === "mapping") return undefined;
  const items = node.items.map(rawOf);
  return items.includes(undefined) ? undefined : items as RawValue[];
}

function rawOfFlag(value: unknown): RawValue | undefined {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : undefined;
}

function foundText(node: YamlNode): string {
  if (node.kind === "mapping") return "a mapping";
  if (node.kind === "list") {
    const items = node.items.slice(0, 8).map((item) => item.kind === "list" ? "a list" : foundText(item));
    return `[${items.join(", ")}${node.items.length > 8 ? ", …" : ""}]`;
  }
  return typeof node.value === "string" ? shownText(node.value) : String(node.value);
}

/** A name as somebody wrote it: bare while it is harmless. */
function quotedPath(path: string): string {
  if (looksSecret(path)) return "[secret]";
  return /^[\w.-]{1,64}$/.test(path) ? path : quoteText(path);
}
