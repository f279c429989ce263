/**
 * Looks after the settings file and the files with secrets that it names, at every hint and periodically, and says
 * when they have changed and come to rest: half a file is not acted on. What a change means is somebody else's matter.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { type Held, settleFiles } from "../config/settling.ts";
import type { Closer, ConfigFile } from "../model/world.ts";

export interface SettingsFiles {
  read(paths: readonly string[]): Promise<readonly ConfigFile[]>;
  watch(path: string, onHint: () => void): Closer;
}

/** Content of the settings file: text, null where there is none, or words why it cannot be read. */
export type SettingsText = { readonly text: string | null } | { readonly error: string };

export interface SettingsWatchOptions {
  readonly clock: Clock;
  readonly files: SettingsFiles;
  /** The settings file. */
  readonly path: string;
  /** Takes a change; answers the files with secrets to look after from now on. Never rejects. */
  readonly onChange: (settings: SettingsText) => Promise<readonly string[]>;
  /** Longest pause between two looks, ms. */
  readonly pollingMs: () => number;
}

const missing = "missing";

export class SettingsWatch {
  readonly #options: SettingsWatchOptions;
  #secretFiles: readonly string[] = [];
  #text: SettingsText = { text: null };
  /** As acted on. */
  #inForce: ReadonlyMap<string, { readonly version: string }> = new Map();
  #held: ReadonlyMap<string, Held> = new Map();
  #closer: Closer | null = null;
  #timer: { readonly atMs: number; readonly timer: Timer } | null = null;
  /** One look at a time. */
  #looks: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: SettingsWatchOptions) {
    this.#options = options;
  }

  /** `text`: what the settings in force were made of; if the file says something else by now, it has changed. */
  async start(text: string | null, secretFiles: readonly string[]): Promise<void> {
    const { files, path } = this.#options;
    this.#secretFiles = secretFiles;
    this.#closer = files.watch(path, () => this.#schedule(limits.rescanDelayMs));
    const found = await files.read([path, ...secretFiles]);
    const versions = this.#versionsOf(found);
    const now = textOf(found.find(({ name }) => name === path));
    this.#text = { text };
    if ("error" in now || now.text !== text) versions.set(path, { version: "another" });
    this.#inForce = versions;
    this.#schedule(this.#options.pollingMs());
  }

  stop(): void {
    this.#stopped = true;
    this.#closer?.close();
    this.#timer?.timer.cancel();
  }

  /** Acts on the files as they are, changed or not. Resolves when that is done. */
  reload(): Promise<void> {
    return this.#queue(() => this.#look(true));
  }

  #queue(look: () => Promise<void>): Promise<void> {
    this.#looks = this.#looks.then(() => this.#stopped ? undefined : look());
    return this.#looks;
  }

  /** The earliest time asked for counts. */
  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const atMs = clock.nowMs() + delayMs;
    if (this.#timer !== null && this.#timer.atMs <= atMs) return;
    this.#timer?.timer.cancel();
    const timer = clock.setTimer(delayMs, () => {
      this.#timer = null;
      void this.#queue(() => this.#look(false));
    });
    this.#timer = { atMs, timer };
  }

  async #look(isForced: boolean): Promise<void> {
    const { clock, files, path, onChange, pollingMs } = this.#options;
    const found = await files.read([path, ...this.#secretFiles]);
    if (this.#stopped) return;
    const nowMs = clock.nowMs();
    const settled = settleFiles(this.#present(found), this.#held, { ok: true, files: found }, nowMs);
    this.#held = isForced ? new Map() : settled.held;
    const counted = isForced ? found : settled.scan.ok ? settled.scan.files : [];
    const versions = this.#versionsOf(counted);
    if (
      isForced || [...versions].some(([name, { version }]) => this.#inForce.get(name)?.version !== version)
    ) {
      if (isForced || versions.get(path)?.version !== this.#inForce.get(path)?.version) {
        this.#text = textOf(counted.find(({ name }) => name === path));
      }
      this.#secretFiles = await onChange(this.#text);
      if (this.#stopped) return;
      // Files named for the first time count as they were just read.
      const added = this.#secretFiles.filter((name) => !versions.has(name));
      const all = new Map([
        ...versions,
        ...this.#versionsOf(await files.read([path, ...this.#secretFiles]), added),
      ]);
      this.#inForce = new Map([...all].filter(([name]) => name === path || this.#secretFiles.includes(name)));
    }
    this.#schedule(Math.min(pollingMs(), Math.max(limits.rescanDelayMs, settled.againAtMs - nowMs)));
  }

  /** What is in force, but for files that are still missing: nothing is on its way there. */
  #present(found: readonly ConfigFile[]): ReadonlyMap<string, { readonly version: string }> {
    const names = new Set(found.map(({ name }) => name));
    return new Map(
      [...this.#inForce].filter(([name, { version }]) => version !== missing || names.has(name)),
    );
  }

  #versionsOf(
    files: readonly ConfigFile[],
    names: readonly string[] = [this.#options.path, ...this.#secretFiles],
  ): Map<string, { readonly version: string }> {
    const versions = new Map(files.map(({ name, version }) => [name, { version }]));
    return new Map(names.map((name) => [name, versions.get(name) ?? { version: missing }]));
  }
}

function textOf(file: ConfigFile | undefined): SettingsText {
  if (file === undefined) return { text: null };
  return "error" in file ? { error: file.error } : { text: new TextDecoder().decode(file.bytes) };
}
