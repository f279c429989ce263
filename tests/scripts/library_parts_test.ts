import {
  lockedSum,
  packagePlace,
  packagePlaces,
  readLibrary,
} from "../../scripts/executable/library_parts.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";

const cache = "/cache/npm/registry.example";

Deno.test("packagePlace() reads name and version from a path below the cache", () => {
  assertEquals(packagePlace(`${cache}/left/1.2.3-rc.1/dist/deep/index.js`), {
    name: "left",
    version: "1.2.3-rc.1",
    directory: `${cache}/left/1.2.3-rc.1`,
  });
  assertEquals(packagePlace(`${cache}/@scope/left/1.2.3/index.js`)?.name, "@scope/left");
  assertEquals(packagePlace("/home/me/discovery-client/entry.js"), null);
  assertEquals(packagePlace(`${cache}/left/README.md`), null);
});

Deno.test("packagePlaces() has each package once, by name", () => {
  const sources = ["/b/1.0.0/x.js", "/a/2.0.0/y.js", "/b/1.0.0/z.js"].map((path) => cache + path);
  assertEquals(packagePlaces([...sources, "/own.js"]).map(({ name }) => name), ["a", "b"]);
});

Deno.test("lockedSum() gives hexadecimal, also of a package locked with its peers", () => {
  const lock = { npm: { "left@1.0.0_right@2.0.0": { integrity: `sha512-${btoa("\x00\xff")}` } } };
  assertEquals(lockedSum(lock, "left", "1.0.0"), "00ff");
  assertThrows(() => lockedSum(lock, "left", "1.0"), Error);
  assertThrows(
    () => lockedSum({ npm: { "left@1.0.0": { integrity: "sha1-AA==" } } }, "left", "1.0.0"),
    Error,
  );
});

Deno.test("readLibrary() reads the licence and its texts, and refuses a package without", async () => {
  await withDirectory(async (directory) => {
    const lock = { npm: { "left@1.0.0": { integrity: `sha512-${btoa("\x01")}` } } };
    const place = { name: "left", version: "1.0.0", directory };
    await Deno.writeTextFile(`${directory}/package.json`, "{}");
    assert(messageOf(() => readLibrary(place, lock)).includes("its package.json has none"));
    await Deno.writeTextFile(`${directory}/package.json`, '{"license": "MIT"}');
    assert(messageOf(() => readLibrary(place, lock)).includes("has no text of it"));
    await Deno.writeTextFile(`${directory}/NOTICE.txt`, "Old.\n");
    await Deno.writeTextFile(`${directory}/License.md`, "Take it.\n");
    await Deno.writeTextFile(`${directory}/README.md`, "Left.\n");
    assertEquals(readLibrary(place, lock), {
      name: "left",
      version: "1.0.0",
      license: "MIT",
      texts: [{ file: "License.md", text: "Take it." }, { file: "NOTICE.txt", text: "Old." }],
      sha512: "01",
    });
  });
});

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
