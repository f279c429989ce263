/** The settings that README shows are all there are, and load without a warning. */
import { loadSettings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("README shows every setting, and loads without a warning", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const texts = [...readme.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = ""]) => text);
  assert(texts[0]?.includes("clientConfigDir:"), "README holds the settings");
  const shown = new Set<string>();
  let clusters = 0;
  for (const text of texts) {
    const { warnings, sources, settings } = loadSettings({ yaml: { text, file: "README.md" } });
    assertEquals(warnings, []);
    for (const [path, { from }] of sources) if (from === "file") shown.add(path);
    clusters += settings.clusterSecrets.length;
  }
  assertEquals(settingKeys.map(({ path }) => path).filter((path) => !shown.has(path)), []);
  assert(clusters > 0, "README shows clusterSecrets");
});

Deno.test("README names every setting that takes a restart, and no other", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const sentence = /These take a restart[^:]*:\s([^]*?)\.\n/.exec(readme)?.[1] ?? "";
  const named = [...sentence.matchAll(/`([\w.]+)`/g)].map(([, name = ""]) => name);
  assert(named.length > 5, "README has the sentence");
  const isNamed = (path: string) => named.some((name) => path === name || path.startsWith(`${name}.`));
  for (const { path, setting } of settingKeys) assertEquals(isNamed(path), setting.live !== true, path);
});
