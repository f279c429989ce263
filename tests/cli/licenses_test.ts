import { embeddedLicenses } from "../../src/cli/embedded_licenses.ts";
import { licensesText } from "../../src/cli/licenses.ts";
import { assert, assertEquals } from "../assert.ts";
import { runIn } from "./memory_environment.ts";

Deno.test("licensesText() gives out what was embedded, and says so when nothing was", () => {
  assertEquals(licensesText("all of them\n"), "all of them\n");
  assert(licensesText("").includes("run from source"), licensesText(""));
});

Deno.test("runCli() prints the licences, and in the source there are none to print", async () => {
  assertEquals(embeddedLicenses, "");
  assertEquals(await runIn(["--licenses"]), { status: 0, stdout: licensesText(), stderr: "" });
});
