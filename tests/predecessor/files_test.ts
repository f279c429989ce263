/** Defects of the predecessor with entry files: what crashed it, what it never noticed, what it read that was none. */
import { entryOptions } from "../../src/config/entry_options.ts";
import { limits } from "../../src/base/limits.ts";
import { EntryDirectory } from "../../src/io/entry_directory.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";
import { cluster, FabricWorld, hostnqn } from "../sim/fabric_world.ts";

const ids = `-q ${hostnqn} -n ${cluster.subsysnqn}`;
const good = `-t tcp -a 10.0.0.1 -s 8009 ${ids}\n`;

/** An agent that has taken in this file is well, and has the endpoint of its good line alone. */
async function checkFile(text: string, badLines: number, what: string): Promise<void> {
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.memory.configDir.write("file", text);
  await world.start();
  await world.untilLive(1, 5_000);
  assertEquals(world.endpoints(), ["10.0.0.1:8009"], what);
  const told = world.memory.log.find("file:", "warn").map(({ message }) => message);
  const lines = new Set(told.map((message) => /^file:(\d+):/.exec(message)?.[1]));
  assertEquals(lines.size, Math.min(badLines, limits.lineErrorsPerFileMax), told.join("\n"));
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
  world.memory.assertClean();
}

Deno.test("a flag without its value, last in its line, costs the line and nothing else", async () => {
  const valued = entryOptions.filter(({ read }) => read !== undefined);
  assert(valued.length > 15, "Precondition: these are the options");
  const words = valued.flatMap(({ names, short }) => [
    ...short === undefined ? [] : [`-${short}`],
    ...names.map((name) => `--${name}`),
  ]);
  for (const word of words) {
    // Alone, at the end of an otherwise good line, and followed by another flag.
    const bad = `${word}\n-a 10.0.0.2 ${ids} ${word}\n-a 10.0.0.3 ${ids} ${word} --hdr-digest\n`;
    await checkFile(`${bad}${good}`, 3, word);
  }
});

Deno.test("an invalid host identifier costs its line and nothing else", async () => {
  const invalid = [
    "x",
    "1234",
    "00112233-4455-6677-8899-aabbccddee",
    "00112233-4455-6677-8899-aabbccddeefg",
    "00112233445566778899aabbccddeeff0",
    "00000000-0000-0000-0000-000000000000",
    "-".repeat(36),
    "ü".repeat(36),
  ];
  const lines = invalid.map((text) => `-a 10.0.0.2 ${ids} -I "${text}"\n`).join("");
  await checkFile(`${lines}${good}`, invalid.length, "invalid identifiers");
});

Deno.test("edited and deleted files take effect, and volumes stay", async () => {
  const world = new FabricWorld({ nodes: 3, subsystems: 1, mesh: false });
  const { clock, configDir, network, kernel } = world.memory;
  const until = (addresses: string[], what: string) =>
    clock.runUntil(() => world.endpoints().join() === addresses.join(), 1_500, what);
  world.dropFile("one", ["n1"]);
  world.dropFile("two", ["n2"]);
  await world.start();
  await world.untilLive(2, 5_000);
  world.dropFile("one", ["n3"]);
  await until(["10.0.0.2:8009", "10.0.0.3:8009"], "The edited file");
  await world.untilLive(3, 5_000);
  configDir.remove("two");
  await until(["10.0.0.3:8009"], "The deleted file");
  configDir.remove("one");
  await until([], "The last file's deletion");
  await clock.advance(limits.stopTimeoutMs);
  assertEquals(network.openSockets, 0, "No session is left");
  assertEquals([world.livePaths().length, kernel.losses], [3, []]);
  await world.stop();
});

Deno.test("the directory is watched before it is first read: what comes in between is not lost", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  const { clock, configDir } = world.memory;
  world.dropFile("one", ["n1"]);
  const scan = configDir.scan.bind(configDir);
  let scans = 0;
  configDir.scan = async () => {
    const found = await scan();
    if (++scans > 1) return found;
    // It has read the directory, and takes its time to say so: whoever watches only then has missed the hint.
    world.dropFile("two", ["n2"]);
    await new Promise<void>((resolve) => clock.setTimer(50, resolve));
    return found;
  };
  // So that no look without a reason finds it.
  await world.start({ pollingMs: 3_600_000 });
  assertEquals([scans > 0, configDir.names], [true, ["one", "two"]], "Precondition: it came meanwhile");
  await clock.runUntil(() => world.endpoints().length === 2, 1_000, "The file that came meanwhile");
  await world.untilLive(2, 5_000);
  await world.stop();
});

/** What editors and writers leave beside the file `cluster`: vim, emacs, nano, kate, and ourselves. */
const notEntries = [
  "tmp.dc.123456",
  "tmp.dc.",
  ".cluster.swp",
  ".cluster.swx",
  ".#cluster",
  "#cluster#",
  "cluster~",
  ".cluster.kate-swp",
  ".nfs0000000000000001",
];

Deno.test("reserved and editor files are ignored, at the start as later", async () => {
  await withDirectory(async (root) => {
    const directory = new EntryDirectory(new RealClock(), root);
    const names = async () => {
      const scan = await directory.scan();
      assert(scan.ok);
      return scan.files.map(({ name }) => name);
    };
    await Deno.writeTextFile(`${root}/cluster`, good);
    for (const name of notEntries) await Deno.writeTextFile(`${root}/${name}`, good);
    assertEquals(await names(), ["cluster"]);
  });
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  const { clock, configDir } = world.memory;
  const dropAll = () => {
    for (const name of notEntries) world.dropFile(name, ["n2"]);
  };
  dropAll();
  world.dropFile("cluster", ["n1"]);
  await world.start();
  await world.untilLive(1, 5_000);
  dropAll();
  await clock.advance(5_000);
  assertEquals([world.endpoints(), world.livePaths().length], [["10.0.0.1:8009"], 1]);
  configDir.rename("tmp.dc.123456", "other");
  await world.untilLive(2, 5_000);
  await world.stop();
});
