/** The settings file that packages bring: changes nothing as it is, and shows every setting with its default. */
import { loadSettings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";
import { packageDirectory } from "./package_files.ts";

const text = await Deno.readTextFile(`${packageDirectory}/discovery-client.yaml`);

Deno.test("package's settings file says nothing as it is", () => {
  const { warnings, sources } = loadSettings({ yaml: { text, file: "discovery-client.yaml" } });
  assertEquals(warnings, []);
  assertEquals([...sources.values()].filter(({ from }) => from === "file"), []);
});

Deno.test("package's settings file shows every setting with its default, and whether it takes a restart", () => {
  const shown = text.replace(/^#(?=\S| {2}\S)/gm, "");
  const { warnings, sources, settings } = loadSettings({
    yaml: { text: shown, file: "discovery-client.yaml" },
  });
  assertEquals(warnings, []);
  for (const { path } of settingKeys) assertEquals(sources.get(path)?.from, "file", path);
  assertEquals(settings, loadSettings({}).settings);
  for (const { path, setting } of settingKeys) {
    const [group = "", key] = path.split(".");
    const line = text.split("\n").find((line) => line.startsWith(`#${group}:`)) ?? "";
    assert(line !== "" && (key === undefined || text.includes(`#  ${key}:`)), path);
    assertEquals(line.includes("restart"), setting.live !== true, path);
  }
});
