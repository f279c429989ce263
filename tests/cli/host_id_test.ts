import { prepareHostId, readHostId } from "../../src/cli/host_id.ts";
import { formatState } from "../../src/config/state_file.ts";
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "./memory_environment.ts";

const uuid = "00112233-4455-6677-8899-aabbccddeeff";
const machine = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const nqn = `nqn.2014-08.org.nvmexpress:uuid:${machine}`;

async function modeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).mode! & 0o777;
}

Deno.test("prepareHostId() makes both files of the host once, and reads them from then on", async () => {
  await withDirectory(async (root) => {
    await Deno.mkdir(`${root}/nvme`);
    await Deno.writeTextFile(`${root}/product_uuid`, `${machine.toUpperCase()}\n`);
    const places = {
      path: `${root}/nvme/hostid`,
      internalDir: `${root}/`,
      makeHostFiles: true,
      productUuidPath: `${root}/product_uuid`,
    };
    const first = await prepareHostId(places);
    assertEquals([first.hostid, first.fallback, first.hostnqn], [machine, null, nqn]);
    assert(first.notes[0]?.includes("from the machine's UUID"), first.notes.join());
    assertEquals(first.notes.slice(1), [
      `Made ${root}/nvme/hostid: ${machine}`,
      `Made ${root}/nvme/hostnqn: ${nqn}`,
    ]);
    assertEquals(await Deno.readTextFile(`${root}/nvme/hostid`), `${machine}\n`);
    assertEquals(await Deno.readTextFile(`${root}/nvme/hostnqn`), `${nqn}\n`);
    assertEquals([await modeOf(`${root}/nvme/hostid`), await modeOf(`${root}/nvme/hostnqn`)], [0o644, 0o644]);
    assertEquals([...Deno.readDirSync(`${root}/nvme`)].length, 2, "Something else was left");
    await Deno.writeTextFile(`${root}/product_uuid`, uuid);
    const second = await prepareHostId(places);
    assertEquals(second, { hostid: machine, fallback: null, hostnqn: nqn, owner: null, notes: [] });
  });
});

Deno.test("prepareHostId() makes no directory, remembers what it drew, and is silent about it", async () => {
  await withDirectory(async (root) => {
    const places = {
      path: `${root}/nvme/hostid`,
      internalDir: root,
      makeHostFiles: true,
      productUuidPath: `${root}/none`,
    };
    // Whoever only looks draws none.
    assertEquals((await prepareHostId({ ...places, draw: false })).fallback, null);
    const first = await prepareHostId(places);
    assertEquals([first.hostid, first.problem], [null, undefined]);
    assert(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/.test(first.fallback ?? ""),
      first.fallback ?? "none",
    );
    assertEquals(first.notes.length, 1, first.notes.join());
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["remembered-hostid"]);
    assertEquals(await modeOf(`${root}/remembered-hostid`), 0o644);
    assertEquals((await prepareHostId(places)).fallback, first.fallback);
    assertEquals((await prepareHostId({ ...places, draw: false })).fallback, first.fallback);
  });
});

Deno.test("prepareHostId() says that what it drew could not be kept", async () => {
  await withDirectory(async (root) => {
    const { fallback, notes } = await prepareHostId({
      path: `${root}/nvme/hostid`,
      internalDir: `${root}/nowhere`,
      makeHostFiles: true,
      productUuidPath: `${root}/none`,
    });
    assertEquals(notes, [
      `The host's identifier is ${fallback}, from a random number`,
      "No directory could keep the host's identifier: it will be another one after a restart",
    ]);
    assertEquals([...Deno.readDirSync(root)], []);
  });
});

Deno.test("prepareHostId() lets the file count that somebody makes in between", async () => {
  await withDirectory(async (root) => {
    // A link that leads nowhere reads as no file, and cannot be made.
    await Deno.symlink(`${root}/nowhere`, `${root}/hostid`);
    const before = await prepareHostId({ path: `${root}/hostid`, internalDir: root, makeHostFiles: true });
    assertEquals([before.hostid, [...Deno.readDirSync(root)].length > 0], [null, true]);
    assertEquals(await Deno.readLink(`${root}/hostid`), `${root}/nowhere`);
  });
});

Deno.test("readHostId() knows whom an agent has given the identifier to, where it remembers that", async () => {
  await withDirectory(async (root) => {
    const owner = async () => (await readHostId(`${root}/hostid`, root)).owner;
    assertEquals(await owner(), null);
    for (
      const [text, expected] of [[formatState({ entries: [], createdAtMs: 0, hostidOwner: nqn }), nqn], [
        "{",
        null,
      ]] as const
    ) {
      await Deno.writeTextFile(`${root}/internal.json`, text);
      assertEquals(await owner(), expected);
    }
  });
});

Deno.test("readHostId() writes nothing, and goes on where files are of no use", async () => {
  await withDirectory(async (root) => {
    await Deno.writeTextFile(`${root}/hostid`, "nobody\n");
    const { hostid, problem } = await readHostId(`${root}/hostid`);
    assertEquals([hostid, problem], [
      null,
      `Cannot use the host identifier in ${root}/hostid: the first line is no UUID, or all zero`,
    ]);
    await Deno.remove(`${root}/hostid`);
    await Deno.writeTextFile(`${root}/hostnqn`, nqn);
    const derived = await prepareHostId({ path: `${root}/hostid`, productUuidPath: `${root}/none` });
    assertEquals([derived.hostid, derived.fallback, derived.hostnqn], [null, machine, nqn]);
    await Deno.remove(`${root}/hostnqn`);
    await Deno.mkdir(`${root}/hostnqn`);
    const blocked = await prepareHostId({ path: `${root}/hostid`, productUuidPath: `${root}/none` });
    assertEquals([blocked.hostid, blocked.fallback, blocked.hostnqn], [null, null, null]);
    assert(blocked.problem?.includes("not a regular file"), blocked.problem);
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["hostnqn"]);
  });
});
