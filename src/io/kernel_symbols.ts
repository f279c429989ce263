/**
 * Whether the running kernel has a function, by its name in /proc/kallsyms: for abilities that it tells nowhere else.
 * Says nothing about where it is; addresses are not looked at.
 */
import { limits } from "../base/limits.ts";

/** Null when the kernel does not tell its symbols. Reads until the name is found, or all: some megabytes. */
export async function hasKernelSymbol(name: string, path = "/proc/kallsyms"): Promise<boolean | null> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch {
    return null;
  }
  try {
    return await holdsSymbol(file, name);
  } catch {
    return null;
  } finally {
    file.close();
  }
}

/** Lines are `ffffffffc0412340 t nvme_auth_negotiate\t[nvme_core]`; without the module for what is built in. */
async function holdsSymbol(file: Deno.FsFile, name: string): Promise<boolean | null> {
  const buffer = new Uint8Array(limits.kernelSymbolsReadBytes);
  const decoder = new TextDecoder();
  const line = new RegExp(` ${name}[\\t\\n]`);
  let rest = "";
  let any = false;
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    const text = rest + decoder.decode(buffer.subarray(0, count), { stream: true });
    if (line.test(text)) return true;
    rest = text.slice(text.lastIndexOf("\n") + 1).slice(-limits.kernelSymbolsReadBytes);
    any ||= count > 0;
  }
  return any ? false : null;
}
