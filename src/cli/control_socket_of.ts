/**
 * Where the agent of this host listens for commands: what the command line says, the environment, the settings file,
 * or the default, in this order. The file is parsed only where it speaks of a socket: status shall be quick.
 */
import { limits } from "../base/limits.ts";
import { settingsTable } from "../config/settings_table.ts";
import { absolutePath, readTextFile } from "../io/host_files.ts";
import { AgentError } from "../base/errors.ts";
import type { OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";
import { defaultSettingsFile } from "./setting_options.ts";

/** Where it is when nobody says otherwise. */
export const standardSocket = settingsTable.control.socket.standard;

/** Throws UsageError, and ConfigError for a settings file that cannot be used. */
export async function controlSocketOf({ env }: Environment, options: OptionValues): Promise<string> {
  const given = options.text("socket");
  if (given !== undefined) return absolutePath(given);
  const variable = env.DC_CONTROL_SOCKET ?? "";
  const path = variable !== "" ? variable : await fromFile(options.text("config") ?? defaultSettingsFile);
  return absolutePath(path ?? standardSocket);
}

async function fromFile(file: string): Promise<string | undefined> {
  let text: string | null;
  try {
    text = await readTextFile(file, limits.settingsBytesMax);
  } catch (error) {
    // A member of the group may be no reader of the settings: they have secrets.
    if (error instanceof AgentError && error.code === "EACCES") return undefined;
    throw error;
  }
  if (text === null || !/socket/i.test(text)) return undefined;
  const { loadSettings } = await import("../config/settings.ts");
  return loadSettings({ yaml: { text, file } }).settings.control.socket || undefined;
}
