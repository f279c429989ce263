/** Files that hold one secret each. Never shows what is in them. */
import { KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

export interface SecretFile {
  /** The first line, without blanks around it: for the reader of the option alone. */
  readonly text: string;
  /** Users other than its owner may read it. */
  readonly isOpenToOthers: boolean;
}

/** Throws KernelError, also for a file that is missing, empty or too large. */
export async function readSecretFile(path: string): Promise<SecretFile> {
  try {
    const { isFile, size, mode } = await Deno.stat(path);
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
    return { text: line, isOpenToOthers: ((mode ?? 0) & 0o044) !== 0 };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      throw new KernelError("ENOENT", `Cannot read the secret in ${path}: there is no such file`, {
        cause: error,
      });
    }
    throw kernelError(`Cannot read the secret in ${path}`, error);
  }
}
