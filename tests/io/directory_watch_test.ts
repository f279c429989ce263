import { limits } from "../../src/base/limits.ts";
import type { Clock } from "../../src/base/clock.ts";
import { DirectoryWatch } from "../../src/io/directory_watch.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { assert, assertEquals } from "../assert.ts";
import { eventually } from "./eventually.ts";

/** Real time for the hints; the periodic check waits for the test to call it. */
class TestClock extends RealClock implements Clock {
  #check = () => {};
  /** Every event makes a hint of its own. */
  settlesAtOnce = false;
  /** While an array: the hints that would come in a moment are kept here instead. */
  held: (() => void)[] | null = null;

  override setTimer(delayMs: number, callback: () => void) {
    if (delayMs === limits.watchSettleMs && (this.settlesAtOnce || this.held !== null)) {
      if (this.held === null) queueMicrotask(callback);
      else this.held.push(callback);
      return { cancel: () => {} };
    }
    if (delayMs !== limits.rescanIntervalMs) return super.setTimer(delayMs, callback);
    this.#check = callback;
    return { cancel: () => this.#check = () => {} };
  }

  check(): void {
    this.#check();
  }
}

interface Watched {
  readonly base: string;
  readonly path: string;
  readonly clock: TestClock;
  readonly watch: DirectoryWatch;
  hints: number;
  /** Does something and waits for the hint it gives. */
  expectHint(what: string, action: () => unknown): Promise<void>;
}

async function withWatch(action: (watched: Watched) => Promise<void>, exists = true): Promise<void> {
  const base = await Deno.makeTempDir();
  const path = `${base}/parent/d`;
  await Deno.mkdir(exists ? path : `${base}/parent`, { recursive: true });
  const clock = new TestClock();
  const watched: Watched = {
    base,
    path,
    clock,
    hints: 0,
    watch: new DirectoryWatch(clock, path, () => watched.hints++),
    async expectHint(what, change) {
      const before = this.hints;
      await change();
      await eventually(`a hint after: ${what}`, () => this.hints > before);
      await this.quiet();
    },
    async quiet() {
      // A few turns of the settling time without another event.
      for (let last = -1; last !== this.hints;) {
        last = this.hints;
        await new Promise<void>((resolve) => void clock.setTimer(4 * limits.watchSettleMs, resolve));
      }
    },
  } as Watched & { quiet(): Promise<void> };
  try {
    await action(watched);
  } finally {
    watched.watch.close();
    await Deno.remove(base, { recursive: true });
  }
}

Deno.test("DirectoryWatch hints at files created, edited, renamed, linked and removed", async () => {
  await withWatch(async (watched) => {
    const { path, base } = watched;
    await watched.expectHint("create", () => Deno.writeTextFile(`${path}/a`, "one"));
    await watched.expectHint("edit in place", () => Deno.writeTextFile(`${path}/a`, "two"));
    await watched.expectHint("rename within", () => Deno.rename(`${path}/a`, `${path}/b`));
    await Deno.writeTextFile(`${base}/c`, "three");
    await watched.expectHint("rename in", () => Deno.rename(`${base}/c`, `${path}/c`));
    await watched.expectHint("symlink", () => Deno.symlink(`${path}/c`, `${path}/l`));
    await watched.expectHint("chmod", () => Deno.chmod(`${path}/c`, 0o600));
    await watched.expectHint("remove", () => Deno.remove(`${path}/c`));
    await watched.expectHint("rename out", () => Deno.rename(`${path}/b`, `${base}/b`));
  });
});

Deno.test("DirectoryWatch goes on when the directory is removed and made again", async () => {
  await withWatch(async (watched) => {
    const { path } = watched;
    for (let round = 0; round < 3; round++) {
      await watched.expectHint("remove", () => Deno.remove(path, { recursive: true }));
      await watched.expectHint("make again", () => Deno.mkdir(path));
      await watched.expectHint("a file in the new one", () => Deno.writeTextFile(`${path}/a`, "one"));
    }
    await watched.expectHint("another in its place", async () => {
      await Deno.mkdir(`${path}.new`);
      await Deno.remove(path, { recursive: true });
      await Deno.rename(`${path}.new`, path);
    });
    await watched.expectHint("a file in that", () => Deno.writeTextFile(`${path}/b`, "one"));
  });
});

Deno.test("DirectoryWatch goes on when the directory is replaced in one go", async () => {
  await withWatch(async (watched) => {
    const { path } = watched;
    for (let round = 0; round < 3; round++) {
      await watched.expectHint("remove and make again", () => {
        Deno.removeSync(path, { recursive: true });
        Deno.mkdirSync(path);
      });
      await watched.expectHint("a file in the new one", () => Deno.writeTextFile(`${path}/a`, "one"));
    }
  });
});

Deno.test("DirectoryWatch waits for a directory that does not exist yet", async () => {
  await withWatch(async (watched) => {
    await watched.expectHint("make", () => Deno.mkdir(watched.path));
    await watched.expectHint("a file in it", () => Deno.writeTextFile(`${watched.path}/a`, "one"));
  }, false);
});

Deno.test("DirectoryWatch finds the directory again after its parent was removed", async () => {
  await withWatch(async (watched) => {
    const { base, path, clock } = watched;
    await watched.expectHint("remove all", () => Deno.remove(`${base}/parent`, { recursive: true }));
    clock.check();
    await Deno.mkdir(path, { recursive: true });
    // Nobody watches any more: the periodic check finds it.
    await watched.expectHint("make all again", () => clock.check());
    await watched.expectHint("a file in it", () => Deno.writeTextFile(`${path}/a`, "one"));
  });
});

Deno.test("DirectoryWatch makes one hint of a burst, and another of what follows", async () => {
  await withWatch(async (watched) => {
    const { path, clock } = watched;
    const held: (() => void)[] = clock.held = [];
    for (let at = 0; at < 500; at++) Deno.writeTextFileSync(`${path}/${at}`, "x");
    await eventually("a hint is due", () => held.length > 0);
    let turns = 0;
    await eventually("the other events have had their chance", () => ++turns > 20);
    assertEquals(held.length, 1);
    assertEquals(watched.hints, 0);
    held.shift()?.();
    assertEquals(watched.hints, 1);
    await Deno.writeTextFile(`${path}/after`, "x");
    await eventually("another hint is due", () => held.length > 0);
  });
});

Deno.test("DirectoryWatch makes no hints of reading", async () => {
  await withWatch(async (watched) => {
    const { path, clock } = watched;
    await watched.expectHint("create", () => Deno.writeTextFile(`${path}/a`, "x"));
    clock.settlesAtOnce = true;
    const before = watched.hints;
    for (let times = 0; times < 50; times++) {
      for (const { name } of Deno.readDirSync(path)) Deno.readTextFileSync(`${path}/${name}`);
    }
    // Events come in order: once this one's are here, those of the reading would have been.
    await watched.expectHint("one more", () => Deno.writeTextFile(`${path}/last`, "x"));
    assert(watched.hints - before < 10, `${watched.hints - before} hints`);
  });
});

Deno.test("DirectoryWatch says nothing after close, and survives closing twice", async () => {
  await withWatch(async (watched) => {
    await Deno.writeTextFile(`${watched.path}/a`, "one");
    watched.watch.close();
    watched.watch.close();
    const hints = watched.hints;
    await Deno.remove(watched.path, { recursive: true });
    await new Promise<void>((resolve) => void watched.clock.setTimer(5 * limits.watchSettleMs, resolve));
    watched.clock.check();
    assertEquals(watched.hints, hints);
  });
});
