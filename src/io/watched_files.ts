/**
 * A few files by their paths: what is in them now, told apart by versions, and a hint when one may have changed. Reads
 * regular files and symlinks to such; parses nothing.
 */
import { errorText } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { Closer, ConfigFile } from "../model/world.ts";
import { parentOf } from "./atomic_file.ts";
import { DirectoryWatch } from "./directory_watch.ts";
import { readTextFile } from "./host_files.ts";

export class WatchedFiles {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly text: string; readonly version: string }>();
  #edits = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Named by their paths; missing ones are left out. The content counts, whatever time stamps say. */
  async read(paths: readonly string[]): Promise<ConfigFile[]> {
    const files = await Promise.all(paths.map((path) => this.#read(path)));
    for (const path of this.#known.keys()) if (!paths.includes(path)) this.#known.delete(path);
    return files.filter((file) => file !== null);
  }

  async #read(path: string): Promise<ConfigFile | null> {
    try {
      const text = await readTextFile(path, limits.settingsBytesMax);
      if (text === null) return null;
      let known = this.#known.get(path);
      if (known?.text !== text) {
        known = { text, version: `edit ${++this.#edits}` };
        this.#known.set(path, known);
      }
      return { name: path, version: known.version, bytes: new TextEncoder().encode(text) };
    } catch (error) {
      const message = errorText(error);
      return { name: path, version: `unreadable: ${message}`, error: message };
    }
  }

  /** Hints about the directory of `path`, also when it is replaced; they may be lost or too many. */
  watch(path: string, onHint: () => void): Closer {
    return new DirectoryWatch(this.#clock, parentOf(path), onHint);
  }
}
