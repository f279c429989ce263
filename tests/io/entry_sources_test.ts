import { EntrySources } from "../../src/io/entry_sources.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import type { ConfigFile } from "../../src/model/world.ts";
import { assert, assertEquals } from "../assert.ts";
import { eventually } from "./eventually.ts";

/** A clientConfigDir `d`, and a place for nvme-cli's files beside it that is not there yet. */
async function withHost(action: (root: string, sources: EntrySources) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/d`);
    await action(root, new EntrySources(new RealClock(), `${root}/d/`, `${root}/nvme/discovery.conf`));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function filesOf(sources: EntrySources): Promise<readonly ConfigFile[]> {
  const scan = await sources.scan();
  assert(scan.ok);
  return scan.files;
}

Deno.test("scan() shows nvme-cli's file by its whole path, and none while it is missing", async () => {
  await withHost(async (root, sources) => {
    assertEquals(sources.path, `${root}/d`);
    await Deno.writeTextFile(`${root}/d/a`, "in the directory");
    assertEquals((await filesOf(sources)).map(({ name }) => name), ["a"]);
    await Deno.mkdir(`${root}/nvme`);
    await Deno.writeTextFile(`${root}/nvme/hostnqn`, "not looked at");
    assertEquals((await filesOf(sources)).map(({ name }) => name), ["a"]);
    await Deno.writeTextFile(`${root}/nvme/discovery.conf`, "# nothing", { mode: 0o600 });
    const [a, file] = await filesOf(sources);
    assert(a !== undefined && "bytes" in a && file !== undefined && "bytes" in file);
    assertEquals([a.nvmeCli, file.nvmeCli, file.openToOthers], [undefined, true, undefined]);
    assertEquals([file.name, new TextDecoder().decode(file.bytes)], [
      `${root}/nvme/discovery.conf`,
      "# nothing",
    ]);
  });
});

Deno.test("scan() tells of nvme-cli's file where it cannot be read, and of its directory alone where that fails", async () => {
  await withHost(async (root, sources) => {
    await Deno.mkdir(`${root}/nvme`);
    await Deno.symlink(`${root}/gone`, `${root}/nvme/discovery.conf`);
    const [file] = await filesOf(sources);
    assert(file !== undefined && "error" in file && file.error.includes("/nvme/discovery.conf"));
    assertEquals(file.name, `${root}/nvme/discovery.conf`);
    await Deno.remove(`${root}/d`);
    assertEquals((await sources.scan()).ok, false);
  });
});

Deno.test("watch() hints when nvme-cli's file appears with its directory, and when an entry file does", async () => {
  await withHost(async (root, sources) => {
    let hints = 0;
    const watch = sources.watch(() => hints++);
    try {
      await Deno.mkdir(`${root}/nvme`);
      await Deno.writeTextFile(`${root}/nvme/discovery.conf`, "# nothing");
      await eventually("A hint", () => hints > 0);
      const before = hints;
      await Deno.writeTextFile(`${root}/d/a`, "");
      await eventually("Another hint", () => hints > before);
    } finally {
      watch.close();
    }
  });
});
