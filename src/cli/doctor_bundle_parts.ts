/** The parts of a bundle: each reads one thing of this host, as it is; what packs them takes the secrets out. */
import type { Clock } from "../base/clock.ts";
import { KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { Secret } from "../base/secret.ts";
import { updateFiles } from "../config/entries.ts";
import type { Settings } from "../config/settings.ts";
import { EntryDirectory } from "../io/entry_directory.ts";
import { EntrySources } from "../io/entry_sources.ts";
import { readTextFile, readTextStart, readTextTail } from "../io/host_files.ts";
import { addressLines } from "../io/host_sights.ts";
import { readKernelLines } from "../io/kmsg.ts";
import { readNvmeSysfs } from "../io/nvme_sysfs.ts";
import type { ConfigDirScan } from "../model/world.ts";
import { answerOf } from "./agent_request.ts";
import { settingRows } from "./config_show.ts";
import type { EffectiveSettings } from "./effective_settings.ts";
import type { Environment } from "./environment.ts";
import { readSettingSecrets } from "./setting_secrets.ts";

export interface BundleScope {
  readonly environment: Environment;
  /** Null where they cannot be used. */
  readonly effective: EffectiveSettings | null;
  /** Of the agent. */
  readonly socket: string;
}

export interface BundlePart {
  /** For who asks why it is not there. */
  readonly name: string;
  /** How secrets would stand in it. */
  readonly holds: "text" | "log" | "entries";
  /** Throws AgentError for what cannot be had. */
  readonly read: () => Promise<readonly { readonly name: string; readonly text: string }[]>;
}

export function bundleParts({ environment, effective, socket }: BundleScope, clock: Clock): BundlePart[] {
  const { hostRoot = "" } = environment;
  const agent = { clock, socket };
  const parts: BundlePart[] = [
    one("status.json", "text", async () => {
      return json(await answerOf(agent, { method: "GET", path: "/v1/status" }));
    }),
    one("events.jsonl", "log", async () => {
      const { events } = await answerOf(agent, { method: "GET", path: "/v1/recent" });
      return Array.isArray(events) ? events.map((event) => `${JSON.stringify(event)}\n`).join("") : "";
    }),
    one("sysfs.txt", "text", async () => lines(await readNvmeSysfs(hostRoot)) || "No NVMe in /sys\n"),
    one("kernel.log", "log", () => Promise.resolve(lines(readKernelLines(`${hostRoot}/dev/kmsg`)))),
    one("network.txt", "text", () => networkText(hostRoot)),
  ];
  if (effective === null) return parts;
  const { settings } = effective;
  return [
    ...parts,
    one("settings.json", "text", () => Promise.resolve(settingsText(effective))),
    {
      name: "entry files",
      holds: "entries",
      read: async () => entryTexts(await scanEntries(clock, settings)),
    },
    one("internal.json", "text", () => fileText(`${settings.internalDir}/internal.json`)),
    one("discovery-client.log", "log", async () => {
      const { filename } = settings.logging;
      if (filename === "") throw new KernelError("ENOENT", "The agent logs to no file (logging.filename)");
      return await readTextTail(filename, limits.bundleLogBytes) ?? absent(filename);
    }),
  ];
}

/** Every value that must not be in any of it, as far as it can be read. */
export async function knownSecrets({ effective }: BundleScope): Promise<string[]> {
  if (effective === null) return [];
  const { settings } = effective;
  const found: unknown[] = [settings.dhChapSecret, settings.dhChapCtrlSecret];
  for (const { dhChapSecret, dhChapCtrlSecret } of settings.clusterSecrets) {
    found.push(dhChapSecret, dhChapCtrlSecret);
  }
  const read = await readSettingSecrets(effective).catch(() => null);
  for (const options of read === null ? [] : [read.all, ...read.clusters.values()]) {
    found.push(...Object.values(options));
  }
  const { files } = updateFiles(new Map(), await scanEntries({ wallMs: () => 0 } as Clock, settings), {
    hostnqn: null,
  });
  for (const { parsed: { entries } } of files.values()) {
    for (const { options } of entries) found.push(...Object.values(options));
  }
  return [...new Set(found.flatMap((value) => value instanceof Secret ? [value.reveal()] : []))];
}

function one(name: string, holds: BundlePart["holds"], read: () => Promise<string>): BundlePart {
  return { name, holds, read: async () => [{ name, text: await read() }] };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

function settingsText(effective: EffectiveSettings): string {
  const rows = settingRows(effective).map(({ setting, value, source }) => [setting, { value, source }]);
  return json({
    file: effective.file ?? null,
    settings: Object.fromEntries(rows),
    warnings: effective.warnings,
  });
}

async function fileText(path: string): Promise<string> {
  return await readTextFile(path, limits.bundleEntryBytesMax) ?? absent(path);
}

function absent(path: string): never {
  throw new KernelError("ENOENT", `There is no ${path}`);
}

async function networkText(hostRoot: string): Promise<string> {
  const read = async (path: string) => {
    const text = await readTextStart(`${hostRoot}${path}`, limits.bundleLogBytes).catch(() => null);
    return `\n${path}\n${text ?? ""}`;
  };
  const routes = await Promise.all(["/proc/net/route", "/proc/net/ipv6_route"].map(read));
  return lines(await addressLines()) + routes.join("");
}

function scanEntries(
  clock: Clock,
  { clientConfigDir, nvmeDiscoveryConf }: Pick<Settings, "clientConfigDir" | "nvmeDiscoveryConf">,
): Promise<ConfigDirScan> {
  const sources = nvmeDiscoveryConf === ""
    ? new EntryDirectory(clock, clientConfigDir)
    : new EntrySources(clock, clientConfigDir, nvmeDiscoveryConf);
  return sources.scan();
}

/** Numbered, since names may be long, and only some of their characters are safe to unpack. */
function entryTexts(scan: ConfigDirScan): { name: string; text: string }[] {
  if (!scan.ok) throw new KernelError("unreadable", scan.error);
  const decoder = new TextDecoder();
  let room = limits.bundleEntryBytesMax;
  const names: string[] = [];
  const texts = scan.files.flatMap((file, at) => {
    const number = String(at + 1).padStart(3, "0");
    room -= "error" in file ? 0 : file.bytes.length;
    const problem = "error" in file
      ? file.error
      : room < 0
      ? "left out: all together they are too large"
      : "";
    names.push(`# ${number} ${JSON.stringify(file.name)}${problem === "" ? "" : `: ${problem}`}`);
    if ("error" in file || problem !== "") return [];
    const safeName = file.name.replace(/[^A-Za-z0-9._-]/g, "_").slice(-40);
    return [{ name: `entries/${number}-${safeName}`, text: decoder.decode(file.bytes) }];
  });
  return [{ name: "entries/names.txt", text: lines(names) }, ...texts];
}
