import { ConfigWatch } from "../../src/agent/config_watch.ts";
import { FactStore } from "../../src/agent/fact_store.ts";
import { limits } from "../../src/base/limits.ts";
import type { Entry } from "../../src/model/entry.ts";
import { assert, assertEquals } from "../assert.ts";
import { MemoryWorld } from "../sim/memory_world.ts";

const line = (address: string) =>
  `-t tcp -a ${address} -s 8009 -q nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff ` +
  "-n nqn.2024-01.io.example:cluster\n";

async function setUp(prepare: (world: MemoryWorld) => unknown = () => {}) {
  const world = new MemoryWorld({ seed: 1 });
  await prepare(world);
  let changes = 0;
  const facts = new FactStore({
    policy: { dryRun: false, connectDefaults: {}, hostid: null },
    reconnectIntervalMs: 5_000,
    random: () => 0.5,
    onChange: () => changes++,
  });
  const { clock, configDir, log, network: dialer, kernel, store, notifier } = world;
  const it = { clock, configDir, log, dialer, resolver: dialer, kernel, store, notifier, random: () => 0.5 };
  const watch = new ConfigWatch(it, facts);
  const startMs = clock.nowMs();
  let started = false;
  watch.start().then(() => started = true);
  await clock.runUntil(() => started, 10_000, "The start");
  return {
    startedMs: clock.nowMs() - startMs,
    ...world,
    clock,
    configDir,
    log,
    watch,
    facts,
    addresses: () => facts.entries?.map(({ traddr }) => traddr) ?? null,
    changes: () => changes,
  };
}

Deno.test("ConfigWatch knows the files when it has started", async () => {
  const { watch, addresses } = await setUp(({ configDir }) => configDir.write("a", line("10.0.0.1")));
  assertEquals([watch.read, addresses()], [true, ["10.0.0.1"]]);
  watch.stop();
});

Deno.test("ConfigWatch takes changes in soon after the hint, and without any hint in a second", async () => {
  for (const [dropHints, withinMs] of [[false, 150], [true, 1_100]] as const) {
    const { clock, configDir, addresses, watch } = await setUp();
    assertEquals(addresses(), []);
    await clock.advance(300);
    configDir.dropHints = dropHints;
    configDir.write("a", line("10.0.0.1"));
    await clock.advance(withinMs);
    assertEquals(addresses(), ["10.0.0.1"], `hints lost: ${dropHints}`);
    watch.stop();
  }
});

Deno.test("ConfigWatch scans under hints without end", async () => {
  const { clock, configDir, addresses, watch } = await setUp();
  for (let n = 0; n < 200; n++) {
    if (n === 10) configDir.write("a", line("10.0.0.1"));
    configDir.sendHint();
    await clock.advance(20);
    if (n === 30) assertEquals(addresses(), ["10.0.0.1"], "Taken in within 400 ms");
  }
  assert(configDir.scans < 200 * 20 / limits.rescanDelayMs + 5, `${configDir.scans} scans in 4 s`);
  watch.stop();
});

Deno.test("ConfigWatch scans again for a hint that came during a scan", async () => {
  const { clock, configDir, addresses, watch } = await setUp(({ configDir }) => configDir.scanMs = 0);
  configDir.scanMs = 50;
  configDir.write("a", line("10.0.0.1"));
  await clock.advance(limits.rescanDelayMs + 20);
  configDir.write("a", line("10.0.0.2"));
  await clock.advance(30 + limits.rescanDelayMs + 60);
  assertEquals(addresses(), ["10.0.0.2"]);
  watch.stop();
});

Deno.test("ConfigWatch keeps the entries when the directory goes, and takes new ones when it is back", async () => {
  const { clock, configDir, addresses, log, watch } = await setUp(({ configDir }) =>
    configDir.write("a", line("10.0.0.1"))
  );
  configDir.removeDirectory();
  await clock.advance(5_000);
  assertEquals(addresses(), ["10.0.0.1"]);
  assertEquals(log.find("ENOENT").length, 1, "Told once");
  configDir.createDirectory();
  configDir.write("b", line("10.0.0.2"));
  await clock.advance(200);
  assertEquals(
    addresses(),
    ["10.0.0.1", "10.0.0.2"],
    "The new file counts at once, the loss of the old one soon",
  );
  await clock.advance(limits.fileSettleMs);
  assertEquals(addresses(), ["10.0.0.2"]);
  watch.stop();
});

Deno.test("ConfigWatch never acts on a file that is being copied", async () => {
  const { clock, configDir, addresses, watch } = await setUp(({ configDir }) =>
    configDir.write("a", line("10.0.0.1"))
  );
  const content = line("10.0.0.17") + line("10.0.0.18");
  const half = content.indexOf("10.0.0.18") + "10.0.0.1".length;
  for (const part of ["", content.slice(0, half), content.slice(0, half + 1)]) {
    configDir.write("a", part);
    await clock.advance(200);
    assertEquals(addresses(), ["10.0.0.1"], `While it holds ${part.length} bytes`);
  }
  configDir.write("a", content);
  await clock.advance(limits.fileSettleMs + limits.rescanDelayMs * 2);
  assertEquals(addresses(), ["10.0.0.17", "10.0.0.18"]);
  watch.stop();
});

Deno.test("ConfigWatch starts with what a file says once its last line has had its time", async () => {
  const { configDir, addresses, watch, startedMs } = await setUp(({ configDir }) =>
    configDir.write("a", line("10.0.0.1").trimEnd())
  );
  assertEquals(configDir.names, ["a"]);
  assertEquals([addresses(), startedMs], [["10.0.0.1"], limits.unfinishedFileSettleMs]);
  watch.stop();
});

Deno.test("ConfigWatch does not wait at its start when nobody has touched the directory of late", async () => {
  const { addresses, watch, startedMs } = await setUp(async ({ configDir, clock }) => {
    configDir.write("a", line("10.0.0.1").trimEnd());
    await clock.advance(limits.unfinishedFileSettleMs + 1);
  });
  assertEquals([addresses(), startedMs], [["10.0.0.1"], 0]);
  watch.stop();
});

Deno.test("ConfigWatch has read nothing until a scan succeeds", async () => {
  const { clock, configDir, addresses, watch } = await setUp(({ configDir }) => configDir.scanError = "EIO");
  assertEquals([watch.read, addresses()], [false, null]);
  configDir.scanError = null;
  await clock.advance(limits.rescanIntervalMs);
  assertEquals([watch.read, addresses()], [true, []]);
  watch.stop();
});

Deno.test("ConfigWatch says nothing and changes nothing while the files stay as they are", async () => {
  const { clock, configDir, log, changes, watch } = await setUp(({ configDir }) =>
    configDir.write("a", `${line("10.0.0.1")}nonsense\n`)
  );
  const { digest } = watch;
  const lines = log.lines.length;
  assert(lines > 0, "Precondition: the bad line was told");
  await clock.advance(30_000);
  configDir.sendHint();
  await clock.advance(1_000);
  assertEquals([log.lines.length, changes(), watch.digest], [lines, 1, digest]);
  watch.stop();
});

Deno.test("ConfigWatch.stop() ends it: no timer, no watcher, no scan", async () => {
  const { clock, configDir, watch } = await setUp();
  watch.stop();
  const { scans } = configDir;
  configDir.write("a", line("10.0.0.1"));
  await clock.advance(10_000);
  assertEquals([configDir.scans, configDir.watchers, clock.liveTimers("agent")], [scans, 0, 0]);
});

Deno.test("ConfigWatch has what is remembered stand in for a file that could never be read, and for nothing else", async () => {
  const { configDir, clock, addresses, watch } = await setUp(({ configDir }) => {
    configDir.write("a", line("10.0.0.1"));
    configDir.write("b", line("10.0.0.2"));
    configDir.setReadError("b", "EACCES");
  });
  assertEquals([watch.incomplete, addresses()], [true, ["10.0.0.1"]]);
  const remembered = (traddr: string): Entry => ({
    cluster: {
      hostnqn: "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff",
      subsysnqn: "nqn.2024-01.io.example:cluster",
    },
    transport: "tcp",
    traddr,
    trsvcid: 8009,
    persistent: true,
    options: {},
    origin: { file: "internal.json", line: 0 },
  });
  watch.standIn([remembered("10.0.0.1"), remembered("10.0.0.2"), remembered("10.0.0.3")]);
  assertEquals(addresses(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  // A file that names one and goes takes it along.
  configDir.remove("a");
  await clock.advance(limits.fileSettleMs + limits.rescanIntervalMs);
  assertEquals(addresses(), ["10.0.0.2", "10.0.0.3"]);
  configDir.setReadError("b", null);
  await clock.advance(limits.fileSettleMs + limits.rescanIntervalMs);
  assertEquals([watch.incomplete, addresses()], [false, ["10.0.0.2"]]);
  watch.stop();
});

Deno.test("ConfigWatch tells once of a file with secrets that others can read, and of no other", async () => {
  const secret = `DHHC-1:00:${btoa("s".repeat(36))}:`;
  const { clock, configDir, log, watch } = await setUp(({ configDir }) => {
    const scan = configDir.scan.bind(configDir);
    configDir.scan = async () => {
      const found = await scan();
      if (!found.ok) return found;
      const files = found.files.map((file) =>
        "bytes" in file && file.name !== "private" ? { ...file, openToOthers: true as const } : file
      );
      return { ...found, files };
    };
  });
  log.forbid(secret);
  configDir.write("plain", line("10.0.0.1"));
  configDir.write("private", `${line("10.0.0.2").trimEnd()} -S ${secret}\n`);
  await clock.advance(2_000);
  assertEquals(log.find("can read").length, 0);
  for (const address of ["10.0.0.3", "10.0.0.4"]) {
    configDir.write("open", `${line(address).trimEnd()} -S ${secret}\n`);
    await clock.advance(2_000);
  }
  assertEquals(log.find(`Other users can read the secrets in ${configDir.path}/open`, "warn").length, 1);
  assertEquals([log.find("can read").length, log.violations], [1, []]);
  watch.stop();
});
