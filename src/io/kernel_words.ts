/**
 * Why a connect failed, in the kernel's own words: of what its log said meanwhile, the part about this connect. Pure
 * but for `explainConnect`. Other connects and reconnects go on at the same time, and strings of the kernel may repeat
 * what was written to it: what is about others is left out, secrets are taken out, all of it is bounded.
 */
import { errorCode, KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { KernelLog, KernelMessage } from "../model/world.ts";

export interface ConnectInQuestion {
  /** As written to /dev/nvme-fabrics. */
  readonly options: string;
  /** Controllers that were there before: what is said of them is not about this connect. */
  readonly before: ReadonlySet<string>;
}

/** Warnings and errors; what is less says nothing about a failure. */
const severityMax = 5;

/** The errno says that already; or it is told at every connect, whatever comes of it. */
const plainWords = /failed to connect socket: -\d+$|will reconnect forever|clamping down/;

/** Messages about the connect, oldest first; often none. */
export function wordsAboutConnect(
  messages: readonly KernelMessage[],
  { options, before }: ConnectInQuestion,
): string[] {
  const values = parseOptions(options);
  const words: string[] = [];
  for (const [at, { severity, text }] of messages.entries()) {
    if (severity > severityMax || plainWords.test(text) || !isAbout(messages, at, values, before)) continue;
    const clean = withoutSecrets(withoutDevice(text), values).replace(/\.+$/, "");
    if (clean !== "" && !words.includes(clean)) words.push(clean);
  }
  return bounded(words);
}

type Options = ReadonlyMap<string, string>;

function parseOptions(options: string): Options {
  return new Map(
    options.split(",").map((option) => {
      const equals = option.indexOf("=");
      return equals < 0 ? [option, ""] : [option.slice(0, equals), option.slice(equals + 1)];
    }),
  );
}

/** Whether a message names this connect; one that names none goes with the nearest of the same controller that does. */
function isAbout(
  messages: readonly KernelMessage[],
  at: number,
  options: Options,
  before: ReadonlySet<string>,
): boolean {
  const { text = "" } = messages[at] ?? {};
  const own = names(text, options);
  if (own !== null) return own;
  const device = deviceOf(text);
  if (device === null) return true;
  const same = (message: KernelMessage) => deviceOf(message.text) === device;
  const others = [...messages.slice(0, at).reverse().filter(same), ...messages.slice(at + 1).filter(same)];
  for (const other of others) {
    const theirs = names(other.text, options);
    if (theirs !== null) return theirs;
  }
  return !before.has(device);
}

/** `nvme nvme0: …` */
function deviceOf(text: string): string | null {
  return /^nvme (nvme\d+):/.exec(text)?.[1] ?? null;
}

/** Its number is another one at each attempt, and nobody's once it has failed. */
function withoutDevice(text: string): string {
  return text.replace(/^nvme nvme\d+: /, "");
}

/** True where the text names what this connect is to, false where it names another one, null where it names none. */
function names(text: string, options: Options): boolean | null {
  // Whoever disagrees about the host's identity names hosts, not subsystems.
  const nqns = (text.match(/nqn\.[^\s",]+/g) ?? []).map((nqn) => nqn.replace(/[.:]+$/, ""));
  const hostnqn = options.get("hostnqn") ?? "";
  const known = [options.get("nqn") ?? "", hostnqn];
  if (nqns.length > 0 && !nqns.some((nqn) => known.includes(nqn))) return false;
  const address = /\baddr (\S+?),?(?:\s|$)/.exec(text)?.[1];
  const traddr = options.get("traddr") ?? "";
  if (address !== undefined && ![traddr, `${traddr}:${options.get("trsvcid")}`].includes(address)) {
    return false;
  }
  return nqns.length > 0 || address !== undefined ? true : null;
}

const secretOptions = ["dhchap_secret", "dhchap_ctrl_secret"];

/** The kernel repeats an option that it does not understand, secrets included (nvmf_parse_options). */
function withoutSecrets(text: string, options: Options): string {
  let clean = text.replace(/(DHHC-|NVMeTLSkey)[^\s'",]*/gi, "[secret]");
  clean = clean.replace(
    /(dhchap_(?:ctrl_)?secret=|DH-CHAP (?:ctrl |controller )?secret )[^\s'",]+/gi,
    "$1[secret]",
  );
  for (const name of secretOptions) {
    const value = options.get(name) ?? "";
    if (value !== "") clean = clean.replaceAll(value, "[secret]");
  }
  return clean;
}

/** The last ones count most: the failure itself is the end. */
function bounded(words: readonly string[]): string[] {
  const kept: string[] = [];
  let room: number = limits.kernelWordsCharsMax;
  for (const text of words.slice(-limits.kernelWordsLinesMax).reverse()) {
    if (text.length > room) break;
    room -= text.length;
    kept.unshift(text);
  }
  const last = words.at(-1);
  return kept.length === 0 && last !== undefined ? [`${last.slice(0, limits.kernelWordsCharsMax)}…`] : kept;
}

/**
 * Performs a connect, and has its failure say what the kernel's log said of it. `namesKnown` are those of the
 * controllers that there were before; called ahead of the connect, must not throw.
 */
export async function explainConnect<T>(
  connect: () => Promise<T>,
  context: { options: string; kernelLog: KernelLog; namesKnown: () => readonly string[] },
): Promise<T> {
  const { options, kernelLog, namesKnown } = context;
  const tail = kernelLog.listen();
  const before = new Set(tail === null ? [] : namesKnown());
  try {
    return await connect();
  } catch (error) {
    const words = tail === null || isPlain(error) ? [] : wordsAboutConnect(tail.take(), { options, before });
    throw explained(error, words);
  } finally {
    tail?.close();
  }
}

/** It is no failure, or the kernel was never asked. */
function isPlain(error: unknown): boolean {
  return ["EALREADY", "ENOENT", "EACCES", "EPERM"].includes(errorCode(error));
}

/** Errors that say nothing by themselves. */
const bareCodes = new Set(["EIO", "EINVAL"]);

function explained(error: unknown, words: readonly string[]): unknown {
  if (!(error instanceof KernelError)) return error;
  const { code, message, cause } = error;
  if (words.length > 0) {
    return new KernelError(code, `${message}; the kernel says: ${words.join("; ")}`, { cause });
  }
  if (!bareCodes.has(code)) return error;
  return new KernelError(code, `${message}; the kernel's log, dmesg, may say why`, { cause });
}
