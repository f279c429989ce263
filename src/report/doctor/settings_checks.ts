/** What `doctor` says of what was written for the agent: settings, directories, secrets, entry files. */
import type { LineError } from "../../model/entry.ts";
import type { Finding } from "./finding.ts";

export interface DirectoryReading {
  readonly path: string;
  readonly kind: "missing" | "unreadable" | "no-directory" | "directory";
  /** Permission bits. */
  readonly mode?: number;
  readonly uid?: number;
  readonly isReadable?: boolean;
}

/** `problems` and `warnings` in words, as `config check` has them; `file` is where they were looked for. */
export function checkSettings(
  { file, isThere, problems, warnings }: {
    readonly file: string;
    readonly isThere: boolean;
    readonly problems: readonly string[];
    readonly warnings: readonly string[];
  },
): Finding[] {
  const base = { group: "settings", check: "settings file" } as const;
  if (problems.length > 0) {
    const advice = `discovery-client config check ${file} shows all that is wrong`;
    return problems.map((message) => ({ ...base, verdict: "failure", message, advice }));
  }
  const wrong = warnings.map((message): Finding => ({ ...base, verdict: "warning", message }));
  const message = isThere ? `${file} can be used` : `There is no ${file}: defaults count`;
  return [{ ...base, verdict: "ok", message }, ...wrong];
}

/** clientConfigDir: read by the agent, and by nobody else's leave changed. */
export function checkConfigDir({ path, kind, mode = 0, isReadable }: DirectoryReading): Finding {
  const base = { group: "settings", check: "clientConfigDir" } as const;
  if (kind === "missing") {
    return {
      ...base,
      verdict: "failure",
      message: `${path} is not there: nothing is configured`,
      advice: `mkdir -p ${path}, or set clientConfigDir to where the entry files are`,
    };
  }
  if (kind === "no-directory") {
    return {
      ...base,
      verdict: "failure",
      message: `${path} is no directory`,
      advice: "Set clientConfigDir to a directory",
    };
  }
  if (kind === "unreadable" || isReadable === false) {
    return { ...base, verdict: "skipped", message: `${path} cannot be read by this user: root can` };
  }
  if ((mode & 0o002) !== 0) {
    return {
      ...base,
      verdict: "warning",
      message: `${path} can be written by everybody (mode ${
        mode.toString(8)
      }): whoever writes there connects this host`,
      advice: `chmod 755 ${path}`,
    };
  }
  return { ...base, verdict: "ok", message: path };
}

/** internalDir: made by the agent when it is missing. */
export function checkInternalDir({ path, kind, mode = 0 }: DirectoryReading): Finding {
  const base = { group: "settings", check: "internalDir" } as const;
  if (kind === "missing") {
    return { ...base, verdict: "ok", message: `${path} is not there yet: the agent makes it` };
  }
  if (kind === "no-directory") {
    return {
      ...base,
      verdict: "failure",
      message: `${path} is no directory: nothing is remembered over a restart`,
      advice: "Set internalDir to a directory",
    };
  }
  if (kind === "directory" && (mode & 0o002) !== 0) {
    return {
      ...base,
      verdict: "warning",
      message: `${path} can be written by everybody (mode ${mode.toString(8)})`,
      advice: `chmod 755 ${path}`,
    };
  }
  return { ...base, verdict: "ok", message: path };
}

export interface EntriesReading {
  readonly path: string;
  /** Entries that are good. */
  readonly count: number;
  readonly files: number;
  readonly problems: readonly LineError[];
  /** Files with secrets that other users can read. */
  readonly openFiles: readonly string[];
}

export function checkEntries({ path, count, files, problems, openFiles }: EntriesReading): Finding[] {
  const base = { group: "settings", check: "entry files" } as const;
  const findings: Finding[] = problems.map(({ file, line, column, message }) => {
    const at = [file, line || "", column || ""].filter((part) => part !== "").join(":");
    return {
      ...base,
      verdict: "failure",
      message: at === "" ? message : `${at}: ${message}`,
      // Without a file it is the whole directory.
      advice: file === ""
        ? `Have ${path} as a directory that can be read`
        : `Mend that ${line === 0 ? "file" : "line"}; the others count all the same`,
    };
  });
  for (const file of openFiles) {
    findings.push({
      ...base,
      verdict: "warning",
      message: `Other users can read the secrets in ${file}`,
      advice: `chmod 600 ${file.startsWith("/") ? file : `${path}/${file}`}`,
    });
  }
  const many = (number: number, noun: string) =>
    `${number} ${number === 1 ? noun : noun.replace(/y$/, "ie") + "s"}`;
  findings.push(
    count > 0 ? { ...base, verdict: "ok", message: `${many(count, "entry")} in ${many(files, "file")}` } : {
      ...base,
      verdict: "warning",
      message: `No entry in ${path}: there is nothing to connect`,
      advice: `discovery-client add-hostnqn writes one, or whoever provisions volumes drops a file there`,
    },
  );
  return findings;
}
