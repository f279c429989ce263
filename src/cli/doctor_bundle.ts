/**
 * `doctor --bundle`: what a support ticket needs, in one archive that only its owner can read. Every text goes through
 * the redaction before it is packed; the settings file itself and files with secrets are never packed. A part that
 * cannot be had, or not in time, is left out and named in contents.txt.
 */
import { AgentError, ConfigError, errorText, TimeoutError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { versionText } from "../base/version.ts";
import { parentOf, writeFileAtomically } from "../io/atomic_file.ts";
import { gzip } from "../io/gzip.ts";
import { absolutePath, isRoot, isThere, readTextFile } from "../io/host_files.ts";
import { hostName } from "../io/host_sights.ts";
import { runtimeVersion } from "../io/process_usage.ts";
import { RealClock } from "../io/real_clock.ts";
import { randomBytes } from "../io/real_random.ts";
import { formatHostId } from "../nvme/nqn.ts";
import { redactEntryFile, redactLog, redactText } from "../report/doctor/redaction.ts";
import { encodeTar, type TarMember } from "../report/tar.ts";
import { UsageError } from "./command.ts";
import { type BundlePart, bundleParts, type BundleScope, knownSecrets } from "./doctor_bundle_parts.ts";

export interface BundleAnswer {
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
  readonly members: number;
}

/** What doctor has found, in its two forms. */
export interface BundleFindings {
  readonly report: unknown;
  readonly text: string;
}

/** Before the work is done: throws UsageError for a file that is there, or a directory that is not. */
export async function checkBundleFile(path: string): Promise<void> {
  const file = absolutePath(path);
  if (await isThere(file)) throw new UsageError(existsText(file));
  if (!await isThere(parentOf(file))) {
    throw new UsageError(`Cannot write the bundle ${file}: there is no directory ${parentOf(file)}`);
  }
}

/** Replaces nothing, mode 0600. Throws ConfigError `exists`, KernelError. */
export async function writeBundle(
  scope: BundleScope,
  path: string,
  findings: BundleFindings,
): Promise<BundleAnswer> {
  const clock = new RealClock();
  const file = absolutePath(path);
  const secrets = await knownSecrets(scope);
  const directory = `discovery-client-${new Date(clock.wallMs()).toISOString().replace(/:|\.\d+/g, "")}`;
  const members: TarMember[] = [];
  const left: string[] = [];
  const add = (name: string, text: string) =>
    members.push({
      path: `${directory}/${redactText(name, secrets)}`,
      bytes: new TextEncoder().encode(text),
    });
  add("doctor.json", redactText(`${JSON.stringify(findings.report, null, 2)}\n`, secrets));
  add("doctor.txt", redactText(findings.text, secrets));
  add("versions.txt", redactText(await versionsText(scope, clock), secrets));
  for (const part of bundleParts(scope, clock)) {
    const texts = await partTexts(part, clock);
    if (typeof texts === "string") left.push(`${part.name}: ${texts}`);
    else for (const { name, text } of texts) add(name, redactions[part.holds](text, secrets));
  }
  add("contents.txt", redactText(contentsText(members, left, directory.length + 1), secrets));
  const archive = await gzip(encodeTar(members, clock.wallMs()));
  try {
    const unique = formatHostId(randomBytes(16));
    const temporaryPath = `${parentOf(file).replace(/\/$/, "")}/.discovery-client-bundle.${unique}`;
    await writeFileAtomically({ path: file, temporaryPath, text: archive, mode: 0o600, replace: false });
  } catch (error) {
    if (error instanceof AgentError && error.code === "EEXIST") {
      throw new ConfigError("exists", existsText(file));
    }
    throw error;
  }
  return { file, bytes: archive.length, members: members.length };
}

const redactions = { text: redactText, log: redactLog, entries: redactEntryFile } as const;

function existsText(file: string): string {
  return `Cannot write the bundle ${file}: there is such a file, and it is not replaced`;
}

/** Why there are none, in words, where there are none. */
async function partTexts(
  part: BundlePart,
  clock: Clock,
): Promise<readonly { readonly name: string; readonly text: string }[] | string> {
  try {
    return await inTime(clock, part.read());
  } catch (error) {
    if (error instanceof AgentError) return errorText(error);
    throw error;
  }
}

function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(
      limits.bundlePartMs,
      () => reject(new TimeoutError("bundle", `It took longer than ${limits.bundlePartMs / 1_000} s`)),
    );
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

async function versionsText({ environment: { hostRoot = "" } }: BundleScope, clock: Clock): Promise<string> {
  const read = async (path: string) =>
    await readTextFile(`${hostRoot}${path}`, 65_536).catch(() => null) ?? "";
  const [release, version, osRelease, commandLine] = await Promise.all([
    read("/proc/sys/kernel/osrelease"),
    read("/proc/sys/kernel/version"),
    read("/etc/os-release"),
    read("/proc/cmdline"),
  ]);
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? "unknown";
  // The rest of that line may hold anything.
  const words = commandLine.trim().split(/\s+/).filter((word) => /^nvme/.test(word));
  return [
    `discovery-client ${versionText()}, Deno ${runtimeVersion()}`,
    `kernel ${release.trim() || "unknown"} ${version.trim()}`,
    `system ${system}`,
    `kernel command line, of NVMe: ${words.join(" ") || "nothing"}`,
    `host ${hostName()}`,
    `collected ${new Date(clock.wallMs()).toISOString()} by ${isRoot() ? "root" : "a user who is not root"}`,
    "",
  ].join("\n");
}

function contentsText(members: readonly TarMember[], left: readonly string[], prefixLength: number): string {
  return [
    "What discovery-client doctor --bundle has collected. Secrets are not in it: values of DH-CHAP and TLS keys are",
    "replaced by [secret], what nobody knows to be harmless in entry files by [not shown]. NQNs, addresses, host",
    "names and file names are in it.",
    "",
    ...members.map(({ path, bytes }) => `${String(bytes.length).padStart(9)}  ${path.slice(prefixLength)}`),
    "",
    ...left.length === 0 ? [] : ["Left out:", ...left.map((line) => `- ${line}`), ""],
    "The journal is not in it, since no other program is started to collect this. It goes with:",
    "journalctl -b -u discovery-client > journal.txt",
    "",
  ].join("\n");
}
