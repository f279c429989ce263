/** Writes and removes single entry files in clientConfigDir, as consumers do. Never touches any other file. */
import { ConfigError } from "../base/errors.ts";
import { syncDirectory, writeFileAtomically } from "./atomic_file.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

/** Names that are being written; the directory's readers leave them out. */
export const temporaryPrefix = "tmp.dc.";

/** Words why this cannot be the name of an entry file, or null. */
export function entryFileNameProblem(name: string): string | null {
  if (name === "") return "it is empty";
  if (name.includes("/")) return "it holds a slash";
  if (name.startsWith(".")) return "it starts with a dot";
  if (name.startsWith(temporaryPrefix)) return `names that start with ${temporaryPrefix} are reserved`;
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(name)) return "it holds a control character";
  if (new TextEncoder().encode(name).length > 255) return "it is longer than 255 bytes";
  return null;
}

export interface EntryFile {
  readonly directory: string;
  readonly name: string;
  readonly text: string;
  /** False: ConfigError `exists` when there is such a file. */
  readonly replace: boolean;
}

/** Answers the full path. Readers see all of it or nothing. Throws ConfigError (`bad-name`, `exists`), KernelError. */
export async function writeEntryFile(file: EntryFile): Promise<string> {
  const path = entryFilePath(file.directory, file.name);
  const temporaryPath = entryPath(file.directory, temporaryPrefix + crypto.randomUUID());
  try {
    await writeFileAtomically({ path, temporaryPath, text: file.text, mode: 0o644, replace: file.replace });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST" || file.replace) throw error;
    throw new ConfigError("exists", `Cannot write ${path}: it exists`, { file: path }, { cause: error });
  }
  return path;
}

/** Answers the full path. Throws ConfigError (`bad-name`, `not-found`), KernelError. */
export async function removeEntryFile(directory: string, name: string): Promise<string> {
  const path = entryFilePath(directory, name);
  try {
    // The runtime would remove an empty directory, too.
    if ((await Deno.lstat(path)).isDirectory) {
      throw new ConfigError("bad-name", `Cannot remove ${path}: it is a directory`, { file: path });
    }
    await Deno.remove(path);
    await syncDirectory(directory);
    return path;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      throw new ConfigError("not-found", `Cannot remove ${path}: there is no such file`, { file: path }, {
        cause: error,
      });
    }
    throw kernelError(`Cannot remove ${path}`, error);
  }
}

function entryFilePath(directory: string, name: string): string {
  const problem = entryFileNameProblem(name);
  if (problem === null) return entryPath(directory, name);
  throw new ConfigError("bad-name", `Cannot use ${JSON.stringify(name)} as a file name: ${problem}`);
}

function entryPath(directory: string, name: string): string {
  return `${directory.replace(/(?<=.)\/+$/, "")}/${name}`.replace(/^\/\//, "/");
}
