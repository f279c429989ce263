/** Writes and removes single entry files in clientConfigDir, as consumers do. Never touches any other file. */
import { ConfigError } from "../base/errors.ts";
import { entryFileNameProblem, reservedNamePrefix } from "../model/entry_file_name.ts";
import { syncDirectory, writeFileAtomically } from "./atomic_file.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

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
  const temporaryPath = entryPath(file.directory, reservedNamePrefix + crypto.randomUUID());
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
