/**
 * Settings from YAML, environment and flags. Refused with a ConfigError that tells a bounded number of problems in
 * printable words, none of them from a secret; what is accepted is written as flags that mean the same.
 */
import { ConfigError } from "../../../src/base/errors.ts";
import { limits } from "../../../src/base/limits.ts";
import { type LoadedSettings, loadSettings, SettingsError } from "../../../src/config/settings.ts";
import { type SettingKey, settingKeys } from "../../../src/config/settings_table.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawAddress, drawPlainText, drawPort } from "../draw_text.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";
import { mutateText, oddText } from "../mutate.ts";

/** Of a secret's Base64; nothing else that is drawn looks like it. */
const secretPart = "c2VjcmV0c2VjcmV0";
const secret = `DHHC-1:00:${secretPart.repeat(3)}:`;

const values: readonly ((choices: Choices) => string)[] = [
  (choices) =>
    choices.pick([secret, `"${secret}"`, `[${secret}]`, `${secret} x`, `*${secret}`, `{${secret}: 1}`]),
  (choices) => String(choices.edgy(2 ** 32)),
  (choices) => choices.pick(["true", "false", "yes", "off", "1", "T"]),
  (choices) => `${choices.edgy(100_000)}${choices.pick(["ms", "s", "m", "h", "d", ""])}`,
  (choices) => choices.pick(["debug", "info", "warning", "error", "fatal", "loud"]),
  (choices) => `/${drawPlainText(choices, 30)}`,
  (choices) => `${drawAddress(choices)}:${drawPort(choices)}`,
  (choices) => `[${choices.below(99)}, ${drawPlainText(choices, 8)}]`,
  (choices) => oddText(choices),
  (choices) =>
    choices.pick(["null", "~", "*a", "&a x", "!!str 1", "|\n  x", "{a: b}", "[[]]", "0x1f", "1_000", ".5"]),
];

function tryInput(choices: Choices): void {
  const yaml = drawYaml(choices);
  const env: Record<string, string> = {};
  for (let left = choices.below(3); left > 0; left--) {
    env[drawEnvName(choices)] = choices.pick(values)(choices);
  }
  choices.note("yaml", yaml);
  choices.note("env", env);
  const loaded = load({ yaml: { text: yaml, file: "f" }, env });
  if (loaded === null) return;
  const { warnings, settings } = loaded;
  check(warnings.length <= limits.settingsProblemsMax, () => `${warnings.length} warnings`);
  const flat = Object.fromEntries(settingKeys.map((key) => [key.path, formatted(key, settings)]));
  choices.note("written", flat);
  // Of secrets there is nothing but that they are set.
  if (Object.values(flat).includes("set") || settings.clusterSecrets.length > 0) return;
  const again = load({ flags: flat });
  checkSame(again?.settings, settings, "Loaded, written and loaded");
}

function load(input: Parameters<typeof loadSettings>[0]): LoadedSettings | null {
  // A key that lost its first letters in another setting's place looks like any other text.
  const isWhole = !(input.yaml?.text ?? "").replaceAll(secret, "").includes(secretPart);
  const checkWords = (text: string) => {
    check(isPrintable(text), () => `In odd words: ${text}`);
    check(!isWhole || !text.includes(secretPart), () => `With a secret: ${text}`);
  };
  const { value, error } = outcomeOf(() => loadSettings(input));
  for (const warning of value?.warnings ?? []) checkWords(warning);
  if (error === undefined) return value;
  check(error instanceof ConfigError, () => `Refused with ${error}`);
  checkWords(error.message.replaceAll("\n", " "));
  if (error instanceof SettingsError) {
    const { length } = error.problems;
    check(length >= 1 && length <= limits.settingsProblemsMax, () => `${length} problems are told`);
    check(error.message.length <= 1_000 * length, "The problems are told at length");
  } else check(error.message.length <= 400, "The problem is told at length");
  return null;
}

function isPrintable(text: string): boolean {
  return /^[\x20-\x7e\u2026]*$/.test(text);
}

function formatted({ properties, setting }: SettingKey, settings: object): string {
  let value: unknown = settings;
  for (const property of properties) value = (value as Record<string, unknown>)[property];
  return setting.kind.format(value);
}

function drawYaml(choices: Choices): string {
  const lines: string[] = [];
  for (let left = choices.below(6); left > 0; left--) lines.push(drawYamlLine(choices));
  const text = lines.join("\n");
  if (choices.once(3)) return mutateText(choices, text);
  // Aliases that unfold, and nesting without end.
  if (choices.once(20)) return `a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ncores: [*c, *c]\n${text}`;
  if (choices.once(20)) return `cores: ${"[".repeat(choices.edgy(300))}`;
  return text;
}

function drawYamlLine(choices: Choices): string {
  if (choices.once(8)) return drawClusterSecrets(choices);
  const { path } = choices.pick(settingKeys);
  const value = choices.pick(values)(choices);
  const written = choices.once(4) ? JSON.stringify(value) : value;
  const at = path.indexOf(".");
  if (at < 0) return `${choices.once(6) ? path.toUpperCase() : path}: ${written}`;
  return `${path.slice(0, at)}:\n  ${path.slice(at + 1)}: ${written}`;
}

function drawClusterSecrets(choices: Choices): string {
  const nqn = () => choices.pick(["nqn.a", "nqn.b:c", '"a b"', `"${secret}"`, drawPlainText(choices, 8)]);
  const key = choices.pick(["dhChapSecret", "DHCHAPCTRLSECRET", "dhChapSecretFile", "dhChapSecrt", secret]);
  const value = choices.pick(values)(choices);
  return `clusterSecrets:\n  ${nqn()}:\n    ${nqn()}:\n      ${key}: ${value}`;
}

function drawEnvName(choices: Choices): string {
  const { envName } = choices.pick(settingKeys);
  return choices.once(5) ? `DC_${mutateText(choices, envName)}` : envName;
}

export const settings: FuzzTarget = { name: "settings", share: 3, tryInput };
