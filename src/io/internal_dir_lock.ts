/** The lock of internalDir: one agent at a time remembers there. */
import { ConfigError } from "../base/errors.ts";
import { lockFile } from "./libc.ts";

/**
 * Makes this process the only agent of an internalDir. Throws ConfigError `locked`, naming the other's pid, or
 * KernelError. The lock ends with the process, also by kill -9; the file stays.
 */
export async function lockInternalDir(internalDir: string): Promise<{ unlock(): void }> {
  const path = `${internalDir.replace(/(?<=.)\/+$/, "")}/lock`;
  const lock = lockFile(path);
  if (lock === null) {
    const pid = await readPid(path);
    const who = pid === null ? "another agent" : `another agent, process ${pid},`;
    throw new ConfigError("locked", `Cannot use ${internalDir}: ${who} is using it`, { file: path });
  }
  try {
    await Deno.writeTextFile(path, `${Deno.pid}\n`);
  } catch {
    // The disk may be full. The lock holds all the same; the other agent just does not learn our number.
  }
  return lock;
}

/** Null in the instant between the lock and the number's being written. */
async function readPid(path: string): Promise<string | null> {
  try {
    return /^\d{1,10}(?=\n)/.exec(await Deno.readTextFile(path))?.[0] ?? null;
  } catch {
    return null;
  }
}
