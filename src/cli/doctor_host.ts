/** Gathers what doctor judges of this host: kernel, other agents, the running agent, entry files. Judges nothing. */
import type { Clock } from "../base/clock.ts";
import { AgentError, errorCode } from "../base/errors.ts";
import { uniteEntries, updateFiles } from "../config/entries.ts";
import type { Settings } from "../config/settings.ts";
import { EntryDirectory } from "../io/entry_directory.ts";
import { EntrySources } from "../io/entry_sources.ts";
import { isThere, readTextFile } from "../io/host_files.ts";
import { clockInStep, processesNamed } from "../io/host_sights.ts";
import { hasKernelSymbol } from "../io/kernel_symbols.ts";
import { processId } from "../io/process_usage.ts";
import { holdsSecret } from "../model/connect_options.ts";
import type { Entry, LineError } from "../model/entry.ts";
import type { ConfigFile } from "../model/world.ts";
import type { AgentReading } from "../report/doctor/agent_checks.ts";
import type { KernelReading, Rival } from "../report/doctor/kernel_checks.ts";
import { answerOf } from "./agent_request.ts";
import type { OptionValues } from "./command.ts";
import { controlSocketOf, standardSocket } from "./control_socket_of.ts";
import type { Environment } from "./environment.ts";
import { hostKernel } from "./host_kernel.ts";
import { checkedStatus } from "./status.ts";

/** Files below /proc and /sys are a few bytes. */
const bytesMax = 65_536;

export async function readKernel(environment: Environment, clock: Clock): Promise<KernelReading> {
  const { hostRoot = "" } = environment;
  const read = async (path: string) => {
    const text = await readTextFile(`${hostRoot}${path}`, bytesMax).catch(() => null);
    return text?.trim() ?? null;
  };
  const [release, hasDevice, hasTcpModule, multipath] = await Promise.all([
    read("/proc/sys/kernel/osrelease"),
    isThere(`${hostRoot}/dev/nvme-fabrics`),
    isThere(`${hostRoot}/sys/module/nvme_tcp`),
    read("/sys/module/nvme_core/parameters/multipath"),
  ]);
  const common = {
    release,
    hasDevice,
    hasTcpModule,
    multipath,
    clockInStep: clockInStep(),
    wallMs: clock.wallMs(),
  };
  if (!hasDevice) return { ...common, options: null };
  try {
    const options = await hostKernel(environment, clock).supportedOptions();
    const authenticates = options?.has("dhchap_secret") === false
      ? null
      : await hasKernelSymbol("nvme_auth_negotiate", `${hostRoot}/proc/kallsyms`);
    return { ...common, options, authenticates };
  } catch (error) {
    return { ...common, options: null, deviceCode: errorCode(error) };
  }
}

/** Of DMI; "forbidden" where root alone may read it, null where there is none. */
export async function readMachineUuid({ hostRoot = "" }: Environment): Promise<string | null> {
  try {
    const text = await readTextFile(`${hostRoot}/sys/class/dmi/id/product_uuid`, bytesMax);
    return text === null ? null : text.trim().toLowerCase();
  } catch {
    return "forbidden";
  }
}

/** nvme-stas, nvme-cli's daemon; of udev's rules the files that are there. */
const rivalPrograms = new Set(["stafd", "stacd", "nvme-discoverd"]);
const ownName = "discovery-client";
const ruleFiles = ["/etc", "/run", "/usr/lib", "/lib"].map((root) =>
  `${root}/udev/rules.d/70-nvmf-autoconnect.rules`
);

export async function readRivals(
  { hostRoot = "" }: Environment,
): Promise<{ others: Rival[]; ownKind: number[] }> {
  const found = await processesNamed(new Set([...rivalPrograms, ownName]), hostRoot);
  const others: Rival[] = found.filter(({ name }) => rivalPrograms.has(name));
  for (const file of ruleFiles) {
    // The first one of a name counts for udev; /lib may be /usr/lib.
    if (!await isThere(`${hostRoot}${file}`)) continue;
    others.push({ name: "udev's rules", file });
    break;
  }
  const self = processId();
  // Not those who ask one, as `watch` and `doctor` do.
  const agents = found.filter(({ name, pid, args }) =>
    name === ownName && pid !== self && args.includes("serve")
  );
  return { others, ownKind: agents.map(({ pid }) => pid) };
}

/** Never throws for what the agent does. */
export async function askForStatus(
  environment: Environment,
  options: OptionValues,
  clock: Clock,
): Promise<AgentReading> {
  let socket: string;
  try {
    socket = await controlSocketOf(environment, options);
  } catch (error) {
    // The settings cannot be used, which is told where they are looked at.
    if (!(error instanceof AgentError)) throw error;
    socket = standardSocket;
  }
  try {
    const answer = await answerOf({ clock, socket }, { method: "GET", path: "/v1/status" });
    return { kind: "status", socket, status: checkedStatus(answer, socket) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    if (error.code === "EACCES" || error.code === "EPERM") return { kind: "forbidden", socket };
    const isAbsent = error.code === "ENOENT" || error.code === "ECONNREFUSED";
    return { kind: isAbsent ? "absent" : "stuck", socket, problem: error.message };
  }
}

export interface EntriesOfHost {
  readonly entries: readonly Entry[];
  readonly files: number;
  readonly problems: readonly LineError[];
  readonly openFiles: readonly string[];
  /** Host NQN → the identifier that an entry gives it. */
  readonly claims: ReadonlyMap<string, string>;
}

export async function readEntries(
  clock: Clock,
  { clientConfigDir, nvmeDiscoveryConf }: Pick<Settings, "clientConfigDir" | "nvmeDiscoveryConf">,
  hostnqn: string | null,
): Promise<EntriesOfHost> {
  const sources = nvmeDiscoveryConf === ""
    ? new EntryDirectory(clock, clientConfigDir)
    : new EntrySources(clock, clientConfigDir, nvmeDiscoveryConf);
  const scan = await sources.scan();
  const { files, problems } = updateFiles(new Map(), scan, { hostnqn });
  const { entries, errors } = uniteEntries(files.values());
  const holdingSecrets = new Set(
    entries.flatMap(({ options, origin }) => holdsSecret(options) ? [origin.file] : []),
  );
  const claims = new Map<string, string>();
  for (const { cluster, hostid } of entries) {
    if (hostid !== undefined && !claims.has(cluster.hostnqn)) claims.set(cluster.hostnqn, hostid);
  }
  return {
    entries,
    files: files.size,
    problems: scan.ok ? errors : problems,
    openFiles: scan.ok
      ? scan.files.flatMap((file) => holdingSecrets.has(file.name) && isOpen(file) ? [file.name] : [])
      : [],
    claims,
  };
}

function isOpen(file: ConfigFile): boolean {
  return "bytes" in file && file.openToOthers === true;
}
