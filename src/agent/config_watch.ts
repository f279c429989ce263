/**
 * Keeps the entries known: scans clientConfigDir at every hint and periodically, parses what changed, and reports
 * bad lines once. One scan at a time; hints during one bring another.
 */
import { limits } from "../base/limits.ts";
import type { Timer } from "../base/clock.ts";
import { configDigest, type FileState, isUnknown, uniteEntries, updateFiles } from "../config/entries.ts";
import { type Held, settleFiles } from "../config/settling.ts";
import { holdsSecret } from "../model/connect_options.ts";
import { endpointKey } from "../model/endpoint.ts";
import type { Entry, LineError } from "../model/entry.ts";
import type { Closer, ConfigDirScan, Log, World } from "../model/world.ts";
import { type Meter, noMeter } from "../report/meter.ts";
import type { FactStore } from "./fact_store.ts";

export interface ConfigWatchOptions {
  /** NQN that lines of nvme-cli's own file mean where they name none; null where nothing tells it. */
  readonly hostnqn?: string | null;
  readonly meter?: Meter;
  /** Is told what is wrong with files, and which changed; the world's when left out. */
  readonly log?: Log;
}

export class ConfigWatch {
  readonly #world: World;
  readonly #facts: FactStore;
  #files: ReadonlyMap<string, FileState> = new Map();
  #held: ReadonlyMap<string, Held> = new Map();
  #errors: readonly LineError[] = [];
  #entries: readonly Entry[] = [];
  #digest = "";
  #closer: Closer | null = null;
  #scanning = false;
  #again = false;
  #timer: { readonly atMs: number; readonly timer: Timer } | null = null;
  #stopped = false;
  #read = false;
  #modifiedMs: number | undefined;
  #told: ReadonlySet<string> = new Set<string>();
  readonly #toldOpen = new Set<string>();
  #onScan: (() => void) | null = null;
  /** What the last run knew of files that this one could not read yet. */
  #standIns: readonly Entry[] = [];
  #incomplete = false;
  readonly #hostnqn: string | null;
  readonly #meter: Meter;
  readonly #log: Log;
  /** Longest pause between two scans that nothing asked for, ms; scans that take long have longer ones. */
  pollingMs: number = limits.rescanIntervalMs;

  constructor(world: World, facts: FactStore, options: ConfigWatchOptions = {}) {
    const { hostnqn = null, meter = noMeter, log = world.log } = options;
    this.#world = world;
    this.#facts = facts;
    this.#hostnqn = hostnqn;
    this.#meter = meter;
    this.#log = log;
  }

  /**
   * Watches first, then scans: what changes in between is not missed. Resolves after the first scan; when that shows
   * a file with an unfinished last line, after the time that such a file is given.
   */
  async start(): Promise<void> {
    const { clock, configDir } = this.#world;
    this.#closer = configDir.watch(() => this.#hint());
    const deadlineMs = clock.nowMs() + limits.unfinishedFileSettleMs;
    await this.#scan();
    while (this.#held.size > 0 && !this.#stopped && clock.nowMs() < deadlineMs) {
      await new Promise<void>((resolve) => this.#onScan = resolve);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#closer?.close();
    this.#timer?.timer.cancel();
    this.#onScan?.();
  }

  /** Scans now, or right after the scan under way. */
  rescan(): void {
    if (this.#scanning) this.#again = true;
    else this.#schedule(0);
  }

  /** The directory was read at least once. */
  get read(): boolean {
    return this.#read;
  }

  /** Some file could never be read: what it says is unknown, which is not nothing. */
  get incomplete(): boolean {
    return this.#incomplete;
  }

  /** These count, as far as no file has named them, until every file could be read. */
  standIn(entries: readonly Entry[]): void {
    this.#standIns = entries;
    if (this.#read) this.#record();
  }

  /** Changes with names and contents of the files. */
  get digest(): string {
    return this.#digest;
  }

  /** Newest change of the directory or a file in it, wall clock ms; undefined where it is unknown. */
  get modifiedMs(): number | undefined {
    return this.#modifiedMs;
  }

  /** Lets a burst of changes settle, but never waits for a later one. */
  #hint(): void {
    if (this.#scanning) this.#again = true;
    else this.#schedule(limits.rescanDelayMs);
  }

  /** The earliest time asked for counts: hints without end must not push the scan away for ever. */
  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.#world;
    const atMs = clock.nowMs() + delayMs;
    if (this.#timer !== null && this.#timer.atMs <= atMs) return;
    this.#timer?.timer.cancel();
    const timer = clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#scan();
    });
    this.#timer = { atMs, timer };
  }

  async #scan(): Promise<void> {
    if (this.#stopped || this.#scanning) return;
    this.#scanning = true;
    this.#again = false;
    const startMs = this.#world.clock.nowMs();
    const scan = await this.#world.configDir.scan();
    this.#scanning = false;
    if (this.#stopped) return;
    const nowMs = this.#world.clock.nowMs();
    const settled = this.#isCalm(scan) ? null : settleFiles(this.#files, this.#held, scan, nowMs);
    this.#held = settled?.held ?? new Map();
    this.#take(settled?.scan ?? scan);
    const pauseMs = this.#again ? limits.rescanDelayMs : Math.max(this.pollingMs, (nowMs - startMs) * 5);
    this.#schedule(
      Math.min(pauseMs, Math.max(limits.rescanDelayMs, (settled?.againAtMs ?? Infinity) - nowMs)),
    );
    this.#onScan?.();
  }

  /** At the start: nobody has touched the directory of late, so that nothing in it is on its way. */
  #isCalm(scan: ConfigDirScan): boolean {
    if (this.#read || !scan.ok || scan.modifiedMs === undefined) return false;
    return this.#world.clock.wallMs() - scan.modifiedMs > limits.unfinishedFileSettleMs;
  }

  #take(scan: ConfigDirScan): void {
    const { files, changed, problems } = updateFiles(this.#files, scan, { hostnqn: this.#hostnqn });
    if (changed) this.#tellFiles(this.#files, files);
    this.#files = files;
    if (changed) this.#tellOpenFiles(scan);
    // A scan that failed says nothing about the files; what was wrong with them still is.
    if (!scan.ok) return this.#tell([...problems, ...this.#errors]);
    const first = !this.#read;
    this.#read = true;
    this.#modifiedMs = scan.modifiedMs;
    if (!changed && !first && problems.length === 0) return this.#tell(this.#errors);
    const { entries, errors } = uniteEntries(files.values());
    this.#errors = errors;
    this.#tell(errors);
    const wasIncomplete = this.#incomplete;
    this.#incomplete = [...files.values()].some(isUnknown);
    if (!changed && !first && wasIncomplete === this.#incomplete) return;
    this.#digest = configDigest(files);
    this.#entries = entries;
    this.#record();
  }

  #record(): void {
    if (!this.#incomplete) this.#standIns = [];
    // Whoever was named by a file once is a matter of the files from then on.
    const named = new Set(this.#entries.map(endpointKey));
    this.#standIns = this.#standIns.filter((entry) => !named.has(endpointKey(entry)));
    this.#facts.recordEntries([...this.#entries, ...this.#standIns]);
  }

  /** The lines that they bring are told by what comes of them. */
  #tellFiles(before: ReadonlyMap<string, FileState>, after: ReadonlyMap<string, FileState>): void {
    let told = 0;
    const tell = (message: string, file: string) => {
      if (++told <= limits.entryFilesToldMax) this.#log.debug(message, { file });
    };
    for (const [name, { parsed }] of after) {
      const old = before.get(name)?.parsed;
      if (parsed === old) continue;
      const count = `${parsed.entries.length} ${parsed.entries.length === 1 ? "entry" : "entries"}`;
      tell(`Entry file ${old === undefined ? "read" : "changed"}: ${count}`, name);
    }
    for (const name of before.keys()) if (!after.has(name)) tell("Entry file is gone", name);
    const untold = told - limits.entryFilesToldMax;
    if (untold > 0) this.#log.debug(`Entry files changed: ${untold} more`);
  }

  /** What is wrong with files now, in words. */
  get problems(): ReadonlySet<string> {
    return this.#told;
  }

  /** Once a file: consumers write their files anew again and again. */
  #tellOpenFiles(scan: ConfigDirScan): void {
    for (const file of scan.ok ? scan.files : []) {
      if (!("bytes" in file) || !file.openToOthers || this.#toldOpen.has(file.name)) continue;
      if (!this.#files.get(file.name)?.parsed.entries.some(({ options }) => holdsSecret(options))) continue;
      if (this.#toldOpen.size >= limits.toldOnceMax) return;
      this.#toldOpen.add(file.name);
      const path = file.nvmeCli ? file.name : `${this.#world.configDir.path}/${file.name}`;
      this.#log.warn(`Other users can read the secrets in ${path}: only root should, with mode 0600`);
    }
  }

  /** Each problem is told when it appears; one that went away may be told again later. */
  #tell(problems: readonly LineError[]): void {
    const texts = new Set(problems.map(lineErrorText));
    for (const text of texts) if (!this.#told.has(text)) this.#log.warn(text);
    this.#told = texts;
    this.#meter.fileErrors(texts.size);
  }
}

function lineErrorText({ file, line, column, message }: LineError): string {
  if (file === "") return message;
  // What is about a file as a whole mostly names it, and where it is.
  if (line === 0) return message.includes(file) ? message : `${file}: ${message}`;
  return column === 0 ? `${file}:${line}: ${message}` : `${file}:${line}:${column}: ${message}`;
}
