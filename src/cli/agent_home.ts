/** The directories that an agent lives in: the configured ones, or temporary ones that go when it goes. */
import { errorText } from "../base/errors.ts";
import { formatEntryFile } from "../config/entry_line.ts";
import type { Settings } from "../config/settings.ts";
import { ensureDirectory } from "../io/atomic_file.ts";
import { writeEntryFile } from "../io/entry_files.ts";
import { isThere, makeTemporaryDirectory, removeDirectory } from "../io/host_files.ts";
import { lockInternalDir } from "../io/internal_dir_lock.ts";
import { ConfigError } from "../base/errors.ts";
import type { Log } from "../model/world.ts";
import type { ServeOptions } from "./serve_options.ts";

export interface AgentHome {
  readonly clientConfigDir: string;
  readonly internalDir: string;
  /** Where a temporary agent has its control socket; null leaves that to the settings. */
  readonly controlSocket: string | null;
  /** Makes what is missing, and this process its only agent. Throws ConfigError `locked` when it is not. */
  prepare(log: Log): Promise<void>;
  close(): Promise<void>;
}

/** The directories of the settings. What cannot be made is told, and the agent goes on without. */
export function configuredHome({ clientConfigDir, internalDir }: Settings): AgentHome {
  let lock: { unlock(): void } | null = null;
  return {
    clientConfigDir,
    internalDir,
    controlSocket: null,
    async prepare(log): Promise<void> {
      for (const directory of [clientConfigDir, internalDir]) {
        await ensureDirectory(directory).catch((error) => log.error(errorText(error)));
      }
      lock = await lockInternalDir(internalDir).catch((error) => {
        if (error instanceof ConfigError) throw error;
        log.error(`Cannot keep other agents out of ${internalDir}, going on: ${errorText(error)}`);
        return null;
      });
    },
    close(): Promise<void> {
      lock?.unlock();
      return Promise.resolve();
    },
  };
}

/**
 * A temporary directory for the state, and for the entries when they stand on the command line; else the configured
 * clientConfigDir is read and left as it is. Where that is missing, nvme-cli's file may be all there is: then an empty
 * one stands for it. Throws KernelError.
 */
export async function ephemeralHome(settings: Settings, { entries }: ServeOptions): Promise<AgentHome> {
  const root = await makeTemporaryDirectory("discovery-client-");
  const internalDir = `${root}/internal`;
  const ownConfigDir = `${root}/discovery.d`;
  const isOwn = entries !== null ||
    (settings.nvmeDiscoveryConf !== "" && !await isThere(settings.clientConfigDir));
  return {
    clientConfigDir: isOwn ? ownConfigDir : settings.clientConfigDir,
    internalDir,
    controlSocket: `${root}/control.sock`,
    async prepare(): Promise<void> {
      await ensureDirectory(internalDir);
      if (isOwn) await ensureDirectory(ownConfigDir);
      if (entries === null) return;
      const text = formatEntryFile(entries);
      await writeEntryFile({ directory: ownConfigDir, name: "command-line", text, replace: true });
    },
    close: () => removeDirectory(root),
  };
}
