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

/** Name of the value and help, by the option's name; a new option of entry lines shows up without. */
const texts: Readonly<Record<string, readonly [value: string, about: string]>> = {
  "host-traddr": ["ADDRESS", "Address of this host that connections leave by"],
  "host-iface": ["NAME", "Network interface that connections leave by"],
  "ctrl-loss-tmo": ["SECONDS", "How long the kernel tries to bring a lost controller back, -1 for ever"],
  "keep-alive-tmo": ["SECONDS", "Keep Alive Timeout of a controller"],
  "reconnect-delay": ["SECONDS", "Pause between the kernel's attempts to reconnect"],
  "nr-io-queues": ["NUMBER", "I/O queues of a controller"],
  "nr-write-queues": ["NUMBER", "Queues for writes alone, beside the I/O queues"],
  "nr-poll-queues": ["NUMBER", "Queues for polled I/O, beside the others"],
  "queue-size": ["NUMBER", "Entries of an I/O queue, 16 to 1024"],
  "fast-io-fail-tmo": ["SECONDS", "How long I/O of a lost controller waits before it fails, -1 to the end"],
  "tos": ["NUMBER", "Type of service of the connection's packets, 0 to 255"],
  "disable-sqflow": ["", "No flow control of the submission queue"],
  "dhchap-secret": ["SECRET", `DH-HMAC-CHAP secret of this host${seen("dhchap-secret")}`],
  "dhchap-ctrl-secret": ["SECRET", `DH-HMAC-CHAP secret of the controller${seen("dhchap-ctrl-secret")}`],
  "hdr-digest": ["", "Checksums over headers"],
  "data-digest": ["", "Checksums over data"],
  "tls": ["", "Encrypt by TLS"],
  "concat": ["", "Encrypt by TLS with a key that DH-HMAC-CHAP brings about"],
  "tls-key": ["SERIAL", "Serial number of the TLS key"],
  "keyring": ["SERIAL", "Serial number of the keyring of TLS keys"],
};

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
    const [value = "VALUE", about = "As in an entry file"] = texts[name] ?? [];
    const { long, short } = spelt[name] ?? { long: name, short: option.short };
    const spec: OptionSpec = {
      long,
      ...(short === undefined || taken.includes(short) ? {} : { short }),
      ...(option.read === undefined ? {} : { value }),
      about,
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
