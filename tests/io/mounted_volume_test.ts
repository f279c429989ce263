/** Entry files, settings and secrets where Kubernetes mounts them: all behind symlinks that are swapped at once. */
import { EntryDirectory } from "../../src/io/entry_directory.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { WatchedFiles } from "../../src/io/watched_files.ts";
import type { ConfigFile } from "../../src/model/world.ts";
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";
import { MountedVolume } from "../container/mounted_volume.ts";
import { eventually } from "./eventually.ts";

const textOf = (file: ConfigFile) => "bytes" in file ? new TextDecoder().decode(file.bytes) : file.error;

/** Nothing but a hint makes the test look again. */
Deno.test("EntryDirectory takes entry files through ..data, and every swap is noticed", async () => {
  await withDirectory(async (root) => {
    const volume = new MountedVolume(root);
    await volume.write({ one: "first", two: "second" });
    const directory = new EntryDirectory(new RealClock(), root);
    const read = async () => {
      const scan = await directory.scan();
      assert(scan.ok);
      return Object.fromEntries(scan.files.map((file) => [file.name, textOf(file)]));
    };
    const versions = async () => {
      const scan = await directory.scan();
      assert(scan.ok);
      return scan.files.map(({ version }) => version).join();
    };
    let hints = 0;
    const closer = directory.watch(() => hints++);
    try {
      assertEquals(await read(), { one: "first", two: "second" });
      const before = await versions();
      assertEquals(await versions(), before);
      const swaps: Record<string, string>[] = [
        // Of the same length, so that size and names tell nothing.
        { one: "FIRST", two: "second" },
        { one: "FIRST" },
        { one: "FIRST", three: "third" },
      ];
      for (const files of swaps) {
        const told = hints;
        await volume.write(files);
        await eventually("a hint at the swap", () => hints > told);
        await eventually(
          "the new content",
          async () => JSON.stringify(await read()) === JSON.stringify(files),
        );
      }
      assert(await versions() !== before);
    } finally {
      closer.close();
    }
  });
});

Deno.test("WatchedFiles takes a settings file through ..data, and a swap is noticed", async () => {
  await withDirectory(async (root) => {
    const volume = new MountedVolume(root);
    await volume.write({ "discovery-client.yaml": "kato: 10" });
    const files = new WatchedFiles(new RealClock());
    const path = `${root}/discovery-client.yaml`;
    let hints = 0;
    const closer = files.watch(path, () => hints++);
    try {
      const [before] = await files.read([path]);
      assertEquals(before && textOf(before), "kato: 10");
      await volume.write({ "discovery-client.yaml": "kato: 20" });
      await eventually("a hint at the swap", () => hints > 0);
      const [after] = await files.read([path]);
      assertEquals(after && textOf(after), "kato: 20");
      assert(after?.version !== before?.version);
    } finally {
      closer.close();
    }
  });
});
