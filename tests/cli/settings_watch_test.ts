/** When changed settings are acted on: not half-way, not twice, and with the files that they name. */
import { limits } from "../../src/base/limits.ts";
import { type SettingsText, SettingsWatch } from "../../src/cli/settings_watch.ts";
import type { ConfigFile } from "../../src/model/world.ts";
import { assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const path = "/etc/settings.yaml";

/** Files in memory whose version is their content. */
class MemoryFiles {
  readonly texts = new Map<string, string | null>();
  onHint: () => void = () => {};
  watchers = 0;

  read(paths: readonly string[]): Promise<ConfigFile[]> {
    const found = paths.flatMap((name): ConfigFile[] => {
      const text = this.texts.get(name);
      if (text === undefined) return [];
      if (text === null) return [{ name, version: "unreadable", error: `Cannot read ${name}` }];
      return [{ name, version: `text ${text}`, bytes: new TextEncoder().encode(text) }];
    });
    return Promise.resolve(found);
  }

  watch(watched: string, onHint: () => void) {
    assertEquals(watched, path);
    this.onHint = onHint;
    this.watchers++;
    return { close: () => void this.watchers-- };
  }
}

async function setUp(text: string | null, secretFiles: readonly string[] = []) {
  const clock = new VirtualClock();
  const files = new MemoryFiles();
  if (text !== null) files.texts.set(path, text);
  for (const name of secretFiles) files.texts.set(name, "secret\n");
  const taken: SettingsText[] = [];
  const state = { secretFiles };
  const watch = new SettingsWatch({
    clock,
    files,
    path,
    onChange: (settings) => {
      taken.push(settings);
      return Promise.resolve(state.secretFiles);
    },
    pollingMs: () => 1_000,
  });
  await watch.start(text, secretFiles);
  return { clock, files, taken, watch, state };
}

Deno.test("SettingsWatch leaves alone what stays as it is", async () => {
  for (const text of ["kato: 1\n", null]) {
    const { clock, files, taken, watch } = await setUp(text);
    for (let n = 0; n < 20; n++) {
      files.onHint();
      await clock.advance(300);
    }
    assertEquals(taken, []);
    watch.stop();
    await clock.advance(5_000);
    assertEquals(files.watchers, 0);
  }
});

Deno.test("SettingsWatch acts on a change once, soon after a hint and within the pause without one", async () => {
  for (const hints of [true, false]) {
    const { clock, files, taken, watch } = await setUp("kato: 1\n");
    await clock.advance(500);
    files.texts.set(path, "kato: 2\n");
    if (hints) files.onHint();
    await clock.advance(limits.fileSettleMs + 100 + (hints ? 0 : 1_000));
    assertEquals(taken, [{ text: "kato: 2\n" }]);
    await clock.advance(10_000);
    assertEquals(taken.length, 1);
    watch.stop();
  }
});

Deno.test("SettingsWatch never acts on a file that is being written", async () => {
  const { clock, files, taken, watch } = await setUp("kato: 1\n");
  const text = "kato: 2\nmaxIOQueues: 3\nlogging:\n  level: debug\n";
  for (let length = 0; length <= text.length; length++) {
    files.texts.set(path, text.slice(0, length));
    files.onHint();
    await clock.advance(limits.fileSettleMs - limits.rescanDelayMs - 1);
  }
  await clock.advance(1_000);
  assertEquals(taken, [{ text }]);
  watch.stop();
});

Deno.test("SettingsWatch tells once that the file is gone or cannot be read, and takes it when it is back", async () => {
  const { clock, files, taken, watch } = await setUp("kato: 1\n");
  files.texts.delete(path);
  await clock.advance(5_000);
  assertEquals(taken, [{ text: null }]);
  files.texts.set(path, null);
  await clock.advance(5_000);
  assertEquals(taken.slice(1), [{ error: `Cannot read ${path}` }]);
  files.texts.set(path, "kato: 1\n");
  await clock.advance(5_000);
  assertEquals(taken.slice(2), [{ text: "kato: 1\n" }]);
  watch.stop();
});

Deno.test("SettingsWatch looks after the files with secrets, those named later too", async () => {
  const { clock, files, taken, watch, state } = await setUp("a\n", ["/s/one"]);
  files.texts.set("/s/one", "new\n");
  await clock.advance(2_000);
  assertEquals(taken, [{ text: "a\n" }], "The settings as they are");
  state.secretFiles = ["/s/two"];
  files.texts.set("/s/two", "two\n");
  files.texts.set(path, "b\n");
  await clock.advance(2_000);
  assertEquals(taken.slice(1), [{ text: "b\n" }]);
  files.texts.set("/s/one", "nobody cares\n");
  await clock.advance(5_000);
  assertEquals(taken.length, 2);
  files.texts.set("/s/two", "other\n");
  await clock.advance(2_000);
  files.texts.delete("/s/two");
  await clock.advance(2_000);
  assertEquals(taken.slice(2), [{ text: "b\n" }, { text: "b\n" }]);
  watch.stop();
});

Deno.test("SettingsWatch sees a change between the reading of the settings and its start", async () => {
  const { clock, files, taken, watch } = await setUp("kato: 1\n");
  watch.stop();
  const late = new SettingsWatch({
    clock,
    files,
    path,
    onChange: (settings) => {
      taken.push(settings);
      return Promise.resolve([]);
    },
    pollingMs: () => 1_000,
  });
  await late.start("kato: 0\n", []);
  await clock.advance(3_000);
  assertEquals(taken, [{ text: "kato: 1\n" }]);
  late.stop();
});

Deno.test("SettingsWatch.reload() acts at once, on an unfinished file and on one that has not changed", async () => {
  const { clock, files, taken, watch } = await setUp("kato: 1\n");
  await watch.reload();
  files.texts.set(path, "kato: 2");
  await watch.reload();
  assertEquals(taken, [{ text: "kato: 1\n" }, { text: "kato: 2" }]);
  await clock.advance(5_000);
  assertEquals(taken.length, 2);
  watch.stop();
});
