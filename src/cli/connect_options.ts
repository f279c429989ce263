/**
 * The options of a connection on the command line: those of an entry line, with its names, letters and checks, and
 * files and variables for the secrets among them, since other users can read the arguments of a process. No message
 * shows a secret.
 */
import { assert } from "../base/assert.ts";
import { quoteText } from "../base/quote.ts";
import {
  combinationProblem,
  type EntryDraft,
  type EntryOption,
  entryOptions,
  optionNamed,
  valueProblem,
} from "../config/entry_options.ts";
import { readSecretFile } from "../io/secret_file.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import { type OptionSpec, type OptionValues, UsageError } from "./command.ts";
import { entryOptionText } from "./entry_option_text.ts";
import type { Environment } from "./environment.ts";

/** What an entry line says about whom and where, which the commands have options of their own for. */
const notOptions = new Set([
  "transport",
  "traddr",
  "trsvcid",
  "hostnqn",
  "subsysnqn",
  "hostid",
  "persistent",
]);

const secretNames = ["dhchap-secret", "dhchap-ctrl-secret"] as const;

/** Environment variable of a secret: that of the setting of the same meaning. */
const secretVariables: Readonly<Record<typeof secretNames[number], string>> = {
  "dhchap-secret": "DC_DHCHAPSECRET",
  "dhchap-ctrl-secret": "DC_DHCHAPCTRLSECRET",
};

function seen(name: string): string {
  return `; other users can read the arguments of a process, so rather --${name}-file`;
}

const connectionOptions = entryOptions.filter(({ names: [name] }) => !notOptions.has(name));

/**
 * Rows for the table of commands. `spelt` gives some options another name and letter; letters in `taken` are the
 * command's own.
 */
export function connectOptionSpecs(
  { spelt = {}, taken = "" }: { spelt?: Readonly<Record<string, Spelling>>; taken?: string } = {},
): OptionSpec[] {
  return connectionOptions.flatMap((option) => {
    const [name] = option.names;
    const { value, about } = entryOptionText(option);
    const { long, short } = spelt[name] ?? { long: name, short: option.short };
    const spec: OptionSpec = {
      long,
      ...(short === undefined || taken.includes(short) ? {} : { short }),
      ...(option.read === undefined ? {} : { value }),
      about: isSecretName(name) ? `${about}${seen(name)}` : about,
      ...(name === "ctrl-loss-tmo" ? { standard: "-1" } : {}),
      ...(isSecretName(name) ? { envName: secretVariables[name] } : {}),
    };
    if (!isSecretName(name)) return [spec];
    return [spec, {
      long: `${name}-file`,
      value: "FILE",
      names: "file",
      about: `File whose first line is the value of --${name}`,
    }];
  });
}

export interface Spelling {
  readonly long: string;
  readonly short?: string;
}

/** The predecessor's names of two options of connect-all. */
export const connectAllSpellings: Readonly<Record<string, Spelling>> = {
  "keep-alive-tmo": { long: "kato", short: "k" },
  "nr-io-queues": { long: "max-queues", short: "m" },
};

function isSecretName(name: string): name is typeof secretNames[number] {
  return secretNames.some((known) => known === name);
}

/**
 * What the options ask for. Throws UsageError, KernelError for a secret's file.
 *
 * What was connected by hand is never given up unless told so, as with the predecessor: no agent would bring it back.
 */
export async function parseConnectOptions(
  environment: Environment,
  values: OptionValues,
  spelt: Readonly<Record<string, Spelling>> = {},
): Promise<ConnectOptions> {
  const draft: EntryDraft = { options: { ctrlLossTmo: -1 } };
  for (const option of connectionOptions) {
    const [name] = option.names;
    const long = spelt[name]?.long ?? name;
    if (option.read === undefined) option.set?.(draft, values.flag(long));
    else if (isSecretName(name)) await readSecret(environment, values, name, draft);
    else readInto(draft, option, values.text(long), `--${long}`);
  }
  const { dhchapSecret, dhchapCtrlSecret } = draft.options;
  if (dhchapCtrlSecret !== undefined && dhchapSecret === undefined) {
    throw new UsageError(
      "Cannot use --dhchap-ctrl-secret alone: the host must prove itself too, with --dhchap-secret",
    );
  }
  const problem = combinationProblem(draft.options);
  if (problem !== null) throw new UsageError(problem);
  return draft.options;
}

/** Option, then file, then variable. */
async function readSecret(
  { env, stderr }: Environment,
  values: OptionValues,
  name: typeof secretNames[number],
  draft: EntryDraft,
): Promise<void> {
  const option = optionNamed(name);
  assert(option !== undefined, `No entry option is called ${name}`);
  const text = values.text(name);
  const file = values.text(`${name}-file`);
  if (text !== undefined && file !== undefined) {
    throw new UsageError(`Cannot use --${name} and --${name}-file together`);
  }
  if (file !== undefined) {
    const { text: inFile, isOpenToOthers } = await readSecretFile(file);
    if (isOpenToOthers) {
      stderr.write(`discovery-client: Other users can read the secret in ${file}: chmod 600 ${file}\n`);
    }
    return readInto(draft, option, inFile, `--${name}-file`);
  }
  const variable = env[secretVariables[name]] ?? "";
  if (text === undefined && variable !== "") return readInto(draft, option, variable, secretVariables[name]);
  readInto(draft, option, text, `--${name}`);
}

function readInto(draft: EntryDraft, option: EntryOption, text: string | undefined, shown: string): void {
  if (text === undefined) return;
  const expected = valueProblem(text) ?? option.read?.(draft, text) ?? null;
  if (expected === null) return;
  const value = option.secret === true ? "" : ` ${quoteText(text)}`;
  throw new UsageError(`Cannot use ${shown}${value}: expected ${expected}`);
}
