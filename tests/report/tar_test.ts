import { encodeTar } from "../../src/report/tar.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("encodeTar() writes what tar lists and unpacks", async () => {
  const root = await Deno.makeTempDir();
  try {
    const long = "y".repeat(1_025);
    const members = [
      { path: "bundle/empty.txt", bytes: new Uint8Array() },
      { path: "bundle/entries/one", bytes: bytesOf("exactly 512 bytes".padEnd(512, ".")) },
      { path: `bundle/${"n".repeat(93)}`, bytes: bytesOf(long) },
    ];
    await Deno.writeFile(`${root}/a.tar`, encodeTar(members, Date.UTC(2026, 0, 2, 3, 4, 5)));
    const tar = async (...args: string[]) => {
      const { success, stdout, stderr } = await new Deno.Command("tar", {
        args,
        cwd: root,
        env: { TZ: "UTC" },
      })
        .output();
      assert(success, new TextDecoder().decode(stderr));
      assertEquals(new TextDecoder().decode(stderr), "");
      return new TextDecoder().decode(stdout);
    };
    const listed = (await tar("--numeric-owner", "-tvf", "a.tar")).trim().split("\n");
    assertEquals(listed.length, 3);
    assertEquals(listed[1]!.replace(/\s+/g, " "), "-rw------- 0/0 512 2026-01-02 03:04 bundle/entries/one");
    await tar("-xf", "a.tar");
    for (const { path, bytes } of members) {
      assertEquals([...await Deno.readFile(`${root}/${path}`)], [...bytes], path);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("encodeTar() of nothing is an empty archive, two blocks of zeros", () => {
  const bytes = encodeTar([], 0);
  assertEquals([bytes.length, Math.max(...bytes)], [1_024, 0]);
});

Deno.test("encodeTar() refuses names that lead elsewhere, or do not fit", () => {
  for (const path of ["", "/etc/passwd", "a/../../b", "..", "n".repeat(101), "ü".repeat(51)]) {
    assertThrows(() => encodeTar([{ path, bytes: new Uint8Array() }], 0), Error);
  }
  assert(encodeTar([{ path: "a..b", bytes: new Uint8Array() }], 0).length > 0);
});
