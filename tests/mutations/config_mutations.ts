/** Ways to break the reading of files: entries, their directory, the state's format, what is told of them. */
import { type Mutation, neverWell } from "./mutation.ts";

const configWatch = "src/agent/config_watch.ts";
const atomicFile = "src/io/atomic_file.ts";
const entries = "src/config/entries.ts";

export const configMutations: readonly Mutation[] = [
  {
    name: "unreadable-directory-is-empty",
    what: "A directory that cannot be read counts as one without files",
    file: configWatch,
    from: "    const scan = await this.#world.configDir.scan();\n",
    to: "    const found = await this.#world.configDir.scan();\n" +
      "    const scan: ConfigDirScan = found.ok ? found : { ok: true, files: [], modifiedMs: 0 };\n",
    rules: ["endpoints-stay", "paths-stay"],
  },
  {
    name: "unreadable-file-is-empty",
    what: "A file that cannot be read counts as one without entries",
    file: entries,
    from: 'parsed: old.digest === "" ? unreadable : old.parsed,',
    to: "parsed: unreadable,",
    rules: ["endpoints-stay", "paths-stay"],
  },
  {
    name: "changed-file-not-read",
    what: "A file that was read once is not read again",
    file: entries,
    from: "if (old !== undefined && old.version === file.version) return old;",
    to: "if (old !== undefined) return old;",
    rules: [...neverWell, "endpoints-stay"],
  },
  {
    name: "scan-error-ends-watch",
    what: "Once the directory cannot be read it is never read again",
    file: configWatch,
    from: "    this.#scanning = false;\n    if (this.#stopped) return;\n",
    to: "    if (!scan.ok) return;\n    this.#scanning = false;\n    if (this.#stopped) return;\n",
    rules: neverWell,
  },
  {
    name: "half-a-file-counts",
    what: "A file that is being copied or edited is acted on half-way",
    file: configWatch,
    from: "this.#isCalm(scan) ? null : settleFiles",
    to: "this.#isCalm(scan) || scan.ok ? null : settleFiles",
    rules: ["connect-options", "endpoints-stay", "paths-stay"],
  },
  {
    name: "problems-told-at-every-scan",
    what: "A bad line is told at every scan again",
    file: configWatch,
    from: "if (!this.#told.has(text)) this.#log.warn(text);",
    to: "this.#log.warn(text);",
    rules: ["quiet"],
  },
  {
    name: "state-with-bracketed-address",
    what: "The state file has IPv6 addresses in brackets",
    file: "src/config/state_file.ts",
    from: "    Traddr: entry.traddr,",
    to: '    Traddr: entry.traddr.includes(":") ? `[${entry.traddr}]` : entry.traddr,',
    rules: ["state-loadable"],
  },
  {
    name: "save-not-flushed",
    what: "The new state file is renamed into place before it is on the disk",
    file: atomicFile,
    from: "    await file.sync();\n",
    to: "",
    rules: ["state-kept"],
    seeds: 3_000,
  },
  {
    name: "rename-not-flushed",
    what: "A save is acknowledged before its rename is on the disk",
    file: atomicFile,
    from: "    await files.syncDirectory(parentOf(path));\n",
    to: "",
    rules: ["state-kept"],
    seeds: 3_000,
  },
  {
    name: "scan-on-hints-alone",
    what: "Without a hint the directory is never looked at",
    file: configWatch,
    from: "limits.rescanDelayMs : Math.max(this.pollingMs, (nowMs - startMs) * 5);",
    to: "limits.rescanDelayMs : 2 ** 30;",
    rules: ["entries-right", "endpoints-right"],
  },
];
