/** Files that hold one secret each. Never shows what is in them. */
import { KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

export interface SecretFile {
  /** The first line, without blanks around it: for the reader of the option alone. */
  readonly text: string;
  /** Users other than root and ourselves may read it, or may let themselves. */
  readonly isOpenToOthers: boolean;
}

/** Throws KernelError, also for a file that is missing, empty or too large. */
export async function readSecretFile(path: string): Promise<SecretFile> {
  try {
    const info = await Deno.stat(path);
    const { isFile, size } = info;
    if (!isFile) {
      throw new KernelError("EINVAL", `Cannot read the secret in ${path}: it is not a regular file`);
    }
    if (size > limits.secretFileBytesMax) {
      throw new KernelError("EFBIG", `Cannot read the secret in ${path}: it has ${size} bytes`);
    }
    const line = (await Deno.readTextFile(path)).split("\n", 1)[0]?.trim() ?? "";
    if (line === "") {
      throw new KernelError("EINVAL", `Cannot read the secret in ${path}: its first line is empty`);
    }
    return { text: line, isOpenToOthers: isOpen(info) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      throw new KernelError("ENOENT", `Cannot read the secret in ${path}: there is no such file`, {
        cause: error,
      });
    }
    throw kernelError(`Cannot read the secret in ${path}`, error);
  }
}

/** Whether users other than root and ourselves may read a file, or may let themselves; false when it cannot be seen. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  try {
    return isOpen(await Deno.stat(path));
  } catch {
    return false;
  }
}

/** The same, from what stat says. */
export function isOpen({ mode, uid }: Deno.FileInfo): boolean {
  return ((mode ?? 0) & 0o077) !== 0 || (uid !== null && uid !== 0 && uid !== Deno.uid());
}
