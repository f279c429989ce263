/** Files with a secret: what is read of them, and what is refused without a word of what they hold. */
import { KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { readSecretFile } from "../../src/io/secret_file.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";

Deno.test("readSecretFile() reads the first line, and tells a file that others can read", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/secret`;
    await Deno.writeTextFile(path, "  DHHC-1:00:abc: \r\nsecond\n", { mode: 0o600 });
    assertEquals(await readSecretFile(path), { text: "DHHC-1:00:abc:", isOpenToOthers: false });
    for (const mode of [0o640, 0o604, 0o644]) {
      await Deno.chmod(path, mode);
      assertEquals((await readSecretFile(path)).isOpenToOthers, true, mode.toString(8));
    }
    await Deno.chmod(path, 0o400);
    assertEquals((await readSecretFile(path)).isOpenToOthers, false);
  });
});

Deno.test("readSecretFile() refuses what is missing, empty, too large or no file, and shows nothing of it", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/secret`;
    const refused = async (message: string) => {
      const error = await assertRejects(() => readSecretFile(path), KernelError, message);
      assert(!error.message.includes("hush"), error.message);
    };
    await refused(`Cannot read the secret in ${path}: there is no such file`);
    await Deno.writeTextFile(path, "\nhush\n");
    await refused("its first line is empty");
    await Deno.writeTextFile(path, "hush".repeat(limits.secretFileBytesMax / 4) + "!");
    await refused(`it has ${limits.secretFileBytesMax + 1} bytes`);
    await Deno.remove(path);
    await Deno.mkdir(path);
    await refused("it is not a regular file");
  });
});
