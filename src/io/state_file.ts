/**
 * internalDir on disk as StateStore: one file. Knows nothing of what it says.
 */
import { ConfigError, KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { StateStore } from "../model/world.ts";
import { syncDirectory, writeFileAtomically } from "./atomic_file.ts";
import { errnoOf, kernelError } from "./io_errors.ts";

const fileName = "internal.json";

export class StateFile implements StateStore {
  readonly path: string;
  readonly #directory: string;
  #lastSave: Promise<unknown> = Promise.resolve();

  constructor(internalDir: string) {
    this.#directory = internalDir.replace(/(?<=.)\/+$/, "");
    this.path = `${this.#directory}/${fileName}`;
  }

  async load(): Promise<Uint8Array | null> {
    try {
      const { size, isFile } = await Deno.stat(this.path);
      if (!isFile) throw new KernelError("EISDIR", `Cannot read ${this.path}: it is not a regular file`);
      if (size > limits.stateBytesMax) throw tooLarge(this.path, size);
      const bytes = await Deno.readFile(this.path);
      if (bytes.length > limits.stateBytesMax) throw tooLarge(this.path, bytes.length);
      return bytes;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null;
      throw kernelError(`Cannot read ${this.path}`, error);
    }
  }

  /** Calls may overlap; the last one called is what stays. */
  save(text: string): Promise<void> {
    const saving = this.#lastSave.then(() =>
      writeFileAtomically({
        path: this.path,
        temporaryPath: `${this.path}.tmp`,
        text,
        // It names hosts and volumes.
        mode: 0o600,
        replace: true,
      })
    );
    this.#lastSave = saving.catch(() => {});
    return saving;
  }

  async setAside(): Promise<string> {
    const name = await this.#freeName();
    try {
      await Deno.rename(this.path, name);
      await syncDirectory(this.#directory);
      return name;
    } catch (error) {
      throw kernelError(`Cannot set ${this.path} aside`, error);
    }
  }

  /** The first number that is free, else that of the oldest file. */
  async #freeName(): Promise<string> {
    let oldest = { name: "", atMs: Infinity };
    for (let number = 1; number <= limits.corruptFilesKeptMax; number++) {
      const name = `${this.path}.corrupt-${number}`;
      try {
        const atMs = (await Deno.lstat(name)).mtime?.getTime() ?? 0;
        if (atMs < oldest.atMs) oldest = { name, atMs };
      } catch {
        return name;
      }
    }
    return oldest.name;
  }
}

function tooLarge(path: string, bytes: number): ConfigError {
  const message = `Cannot read ${path}: it has ${bytes} bytes, at most ${limits.stateBytesMax} are read`;
  return new ConfigError("too-large", message, { file: path });
}
