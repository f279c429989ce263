/**
 * The packages that scripts/package makes of the compiled executable: without a complaint of lintian and rpmlint, and
 * the program runs where Debian's package is installed. Needs dist/discovery-client (scripts/compile).
 */
import { assert, assertEquals } from "../../assert.ts";
import { version } from "../../../src/base/version.ts";
import { packageDirectory, root as project } from "../package_files.ts";
import { attempt, run } from "./command.ts";
import { DebianRoot } from "./debian_root.ts";

const output = await Deno.makeTempDir({ prefix: "packages-" });
const made = await run(`${project}scripts/package`, ["--output", output]);
addEventListener("unload", () => Deno.removeSync(output, { recursive: true }));
const file = (end: string) => made.split("\n").find((line) => line.endsWith(end)) ?? "";

Deno.test("deb: lintian has nothing to say but what is excepted with a reason", async () => {
  // As root, as packages are tried here.
  const { code, text } = await attempt("lintian", [
    "--allow-root",
    "--display-info",
    "--fail-on",
    "error,warning,info",
    file(".deb"),
  ]);
  assertEquals([code, text.split("\n").filter((line) => /^[A-Z]: [^N]/.test(line))], [0, []], text);
});

Deno.test("rpm: rpmlint has nothing to say but what is excepted with a reason", async () => {
  const { code, text } = await attempt("rpmlint", [
    "-c",
    `${packageDirectory}/rpm/rpmlint.toml`,
    file(".rpm"),
  ]);
  assert(code === 0 && /; 0 errors, 0 warnings,/.test(text), text);
});

Deno.test("deb: needs what a small Debian has, and the program runs there", async () => {
  const root = await DebianRoot.make();
  try {
    await root.dpkg("--install", file(".deb"));
    assert((await root.run("discovery-client", "--version")).startsWith(version));
    assertEquals((await root.run("discovery-client", "config", "check")).includes("error"), false);
    assert((await root.run("discovery-client", "--licenses")).length > 10_000, "licences are in it");
    assert(
      await root.has("usr/share/doc/discovery-client/discovery-client.cdx.json.gz"),
      "bill of materials",
    );
    await root.run("dpkg", "--purge", "discovery-client");
    await root.assertUntouchedControllers();
  } finally {
    await root.remove();
  }
});
