/** The settings that README shows are all there are, and load without a warning. */
import { loadSettings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("README shows every setting, and loads without a warning", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const text = /```yaml\n([^]*?)```/.exec(readme)?.[1] ?? "";
  assert(text.includes("clientConfigDir:"), "README holds the settings");
  const { warnings, sources } = loadSettings({ yaml: { text, file: "README.md" } });
  assertEquals(warnings, []);
  const missing = settingKeys.filter(({ path }) => sources.get(path)?.from !== "file").map(({ path }) =>
    path
  );
  assertEquals(missing, []);
});
