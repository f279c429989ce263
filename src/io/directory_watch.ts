/**
 * Hints that something in a directory may have changed, also when the directory itself comes, goes or is replaced.
 * Hints may be lost or too many; never throws.
 *
 * The runtime's watcher holds on to the directory it was given: once that is replaced it is silent for ever. So the
 * parent is watched as well, for speed, and the directory's identity is compared now and then, for certainty.
 *
 * A path must not be watched anew before its old watch has ended, which close() only begins: the runtime counts the
 * watches of a path, and one that is there (though its directory is gone) is not made again. Seen with Deno 2.9.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { Closer } from "../model/world.ts";
import { parentOf } from "./atomic_file.ts";

export class DirectoryWatch implements Closer {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #onHint: () => void;
  #directory: Follower | null = null;
  #parent: Follower | null = null;
  /** Which directory is watched; empty for none. */
  #identity = "";
  #isRenewing = false;
  #renewAgain = false;
  #hintTimer: Timer | null = null;
  #checkTimer: Timer | null = null;
  #closed = false;

  /** `path` without a trailing slash. */
  constructor(clock: Clock, path: string, onHint: () => void) {
    this.#clock = clock;
    this.#path = path;
    this.#onHint = onHint;
    this.#open();
    this.#checkLater();
  }

  close(): void {
    this.#closed = true;
    this.#hintTimer?.cancel();
    this.#checkTimer?.cancel();
    this.#parent?.close();
    this.#directory?.close();
  }

  #open(): void {
    // The parent first: whatever replaces the directory from now on shows there.
    const name = this.#path.slice(this.#path.lastIndexOf("/") + 1);
    this.#parent = Follower.open(parentOf(this.#path), ({ kind, paths }) => {
      if (kind !== "modify" && paths.some((path) => path.endsWith(`/${name}`))) void this.#renew();
    });
    this.#identity = identityOf(this.#path);
    this.#directory = Follower.open(this.#path, () => {
      this.#hint();
      this.#check();
    });
  }

  /** Watches what is there now, and hints, as something may have happened in between. */
  async #renew(): Promise<void> {
    this.#renewAgain = true;
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    while (this.#renewAgain && !this.#closed) {
      this.#renewAgain = false;
      await Promise.all([this.#parent?.close(), this.#directory?.close()]);
      if (!this.#closed) this.#open();
    }
    this.#isRenewing = false;
    this.#hint();
  }

  /** A burst of events makes one hint, a little later. */
  #hint(): void {
    if (this.#closed) return;
    this.#hintTimer ??= this.#clock.setTimer(limits.watchSettleMs, () => {
      this.#hintTimer = null;
      this.#onHint();
    });
  }

  #check(): void {
    const identity = identityOf(this.#path);
    const unwatched = identity !== "" && this.#directory === null;
    if (identity !== this.#identity || unwatched) void this.#renew();
  }

  #checkLater(): void {
    this.#checkTimer = this.#clock.setTimer(limits.rescanIntervalMs, () => {
      this.#check();
      this.#checkLater();
    });
  }
}

/** One watcher of the runtime, and the loop that takes its events. */
class Follower {
  readonly #watcher: Deno.FsWatcher;
  readonly #ended: Promise<void>;

  private constructor(watcher: Deno.FsWatcher, onEvent: (event: Deno.FsEvent) => void) {
    this.#watcher = watcher;
    this.#ended = this.#follow(onEvent);
  }

  /** Null when the path is missing, may not be read, or the kernel has no watches left. */
  static open(path: string, onEvent: (event: Deno.FsEvent) => void): Follower | null {
    try {
      return new Follower(Deno.watchFs(path, { recursive: false }), onEvent);
    } catch {
      return null;
    }
  }

  /** Resolves when the path may be watched anew. */
  close(): Promise<void> {
    try {
      this.#watcher.close();
    } catch {
      // It has ended by itself, or was closed.
    }
    return this.#ended;
  }

  async #follow(onEvent: (event: Deno.FsEvent) => void): Promise<void> {
    try {
      for await (const event of this.#watcher) {
        // Closing a file after writing makes an access event, and the write has made its own.
        if (event.kind !== "access") onEvent(event);
      }
    } catch {
      // The next check finds out what is left to watch.
    }
  }
}

/** Tells one directory from another under the same name; empty when there is none. */
function identityOf(path: string): string {
  try {
    const { dev, ino, birthtime } = Deno.statSync(path);
    return `${dev}:${ino}:${birthtime?.getTime()}`;
  } catch {
    return "";
  }
}
