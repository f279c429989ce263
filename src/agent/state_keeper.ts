/**
 * Keeps internal.json equal to the endpoint list: saves after every change, one save at a time, and tries again
 * when the disk refuses. On start it gives back what was remembered.
 */
import { ConfigError, errorText } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Timer } from "../base/clock.ts";
import { formatState, type ParsedState, parseState } from "../config/state_file.ts";
import type { StateStore, World } from "../model/world.ts";
import type { EndpointList } from "../plan/facts.ts";
import { listToEntries } from "../plan/remembered_list.ts";
import { ToldFailures } from "./told_failures.ts";

export class StateKeeper {
  readonly #world: Pick<World, "store" | "clock" | "log">;
  #wanted: { key: string; text: string } | null = null;
  #savedKey = "";
  #saving: Promise<void> | null = null;
  #seen: { list: EndpointList; digest: string; hostidOwner: string | null } | null = null;
  readonly #failures = new ToldFailures();
  #retry: Timer | null = null;
  #stopped = false;

  constructor(world: Pick<World, "store" | "clock" | "log">) {
    this.#world = world;
  }

  /** What was remembered; null when there is nothing usable. A corrupt file is set aside and told. */
  async load(): Promise<ParsedState | null> {
    const { store, log } = this.#world;
    try {
      const bytes = await store.load();
      if (bytes === null) return null;
      const state = parseState(bytes);
      for (const problem of state.problems) log.warn(`Part of ${store.path} is ignored: ${problem}`);
      return state;
    } catch (error) {
      const text = errorText(error);
      const whole = text.includes(store.path) ? text : `Cannot use ${store.path}: ${text}`;
      log.error(`${whole}; the configuration files are used instead`);
      if (error instanceof ConfigError) await this.#setAside(store);
      return null;
    }
  }

  async #setAside(store: StateStore): Promise<void> {
    try {
      this.#world.log.warn(`The unusable state file was set aside as ${await store.setAside()}`);
    } catch (error) {
      this.#world.log.error(`Cannot set ${store.path} aside: ${errorText(error)}`);
    }
  }

  /** The list as it is now; saved if it differs from what was saved last. */
  keep(list: EndpointList, digest: string, hostidOwner: string | null = null): void {
    const seen = this.#seen;
    if (seen?.list === list && seen.digest === digest && seen.hostidOwner === hostidOwner) return;
    this.#seen = { list, digest, hostidOwner };
    const state = {
      entries: listToEntries(list),
      configDigest: digest,
      ...(hostidOwner === null ? {} : { hostidOwner }),
    };
    // Compared without the time of writing, which is no change.
    const key = formatState({ ...state, createdAtMs: 0 });
    if (key === (this.#wanted?.key ?? this.#savedKey)) return;
    this.#wanted = { key, text: formatState({ ...state, createdAtMs: this.#world.clock.wallMs() }) };
    if (this.#saving === null && this.#retry === null) this.#saving = this.#save();
  }

  async #save(): Promise<void> {
    while (this.#wanted !== null) {
      const { key, text } = this.#wanted;
      try {
        await this.#world.store.save(text);
        this.#savedKey = key;
        if (this.#failures.clear("save") > 0) {
          this.#world.log.info(`The state is saved again to ${this.#world.store.path}`);
        }
        if (this.#wanted?.key === key) this.#wanted = null;
      } catch (error) {
        this.#handleFailure(errorText(error));
        break;
      }
    }
    this.#saving = null;
  }

  #handleFailure(text: string): void {
    const { clock, log } = this.#world;
    const telling = this.#failures.take("save", text, clock.nowMs());
    if (telling !== null) log.error(`Cannot save the state, going on without: ${text}`, { ...telling });
    if (this.#stopped) return;
    this.#retry = clock.setTimer(limits.saveRetryMs, () => {
      this.#retry = null;
      this.#saving ??= this.#save();
    });
  }

  /** Waits for the save under way and tries once more when one is outstanding; no longer than `limits` allow. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#retry = null;
    const { clock, log, store } = this.#world;
    return new Promise((resolve) => {
      const deadline = clock.setTimer(limits.stopTimeoutMs, () => {
        log.error(`Cannot wait for ${store.path} any longer: it may lack the latest change`);
        resolve();
      });
      this.#saveLast().then(() => {
        deadline.cancel();
        resolve();
      });
    });
  }

  async #saveLast(): Promise<void> {
    await this.#saving;
    if (this.#wanted !== null) await this.#save();
  }
}
