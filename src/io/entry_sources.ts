/**
 * clientConfigDir, and beside it nvme-cli's discovery.conf, as one ConfigDir. Decides nothing: what the lines of either
 * mean is for whoever parses them.
 */
import type { Clock } from "../base/clock.ts";
import type { Closer, ConfigDir, ConfigDirScan } from "../model/world.ts";
import { parentOf } from "./atomic_file.ts";
import { EntryDirectory } from "./entry_directory.ts";
import { absolutePath } from "./host_files.ts";

export class EntrySources implements ConfigDir {
  readonly path: string;
  readonly #directory: EntryDirectory;
  readonly #beside: EntryDirectory;
  readonly #file: string;

  /** `file` is shown by its absolute path, which no file of the directory can have for a name. */
  constructor(clock: Clock, directory: string, file: string) {
    this.#file = absolutePath(file);
    this.#directory = new EntryDirectory(clock, directory);
    const only = this.#file.slice(this.#file.lastIndexOf("/") + 1);
    this.#beside = new EntryDirectory(clock, parentOf(this.#file), { only });
    this.path = this.#directory.path;
  }

  async scan(): Promise<ConfigDirScan> {
    const [inDirectory, beside] = await Promise.all([this.#directory.scan(), this.#beside.scan()]);
    if (!inDirectory.ok) return inDirectory;
    if (!beside.ok) return beside;
    const files = beside.files.map((file) =>
      "bytes" in file ? { ...file, name: this.#file, nvmeCli: true as const } : { ...file, name: this.#file }
    );
    return { ok: true, files: [...inDirectory.files, ...files] };
  }

  watch(onHint: () => void): Closer {
    const watches = [this.#directory.watch(onHint), this.#beside.watch(onHint)];
    return { close: () => watches.forEach((watch) => watch.close()) };
  }
}
