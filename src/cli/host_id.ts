/** The host identifier of this machine, as its file tells it. */
import { errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { parseHostIdFile } from "../config/host_identity.ts";
import { readTextFile } from "../io/host_files.ts";

export interface HostIdReading {
  /** UUID text in lower case; null when the file tells none. */
  readonly hostid: string | null;
  /** Why, in words, unless there is no file: that is a host that never had one. */
  readonly problem?: string;
}

export async function readHostId(path: string): Promise<HostIdReading> {
  try {
    const text = await readTextFile(path, limits.hostIdFileBytesMax);
    if (text === null) return { hostid: null };
    const { value, problem } = parseHostIdFile(text);
    return value === undefined
      ? { hostid: null, problem: `Cannot use the host identifier in ${path}: ${problem}` }
      : { hostid: value };
  } catch (error) {
    return { hostid: null, problem: errorText(error) };
  }
}
