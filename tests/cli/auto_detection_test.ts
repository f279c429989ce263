import { detectAtStart } from "../../src/cli/auto_detection.ts";
import { loadSettings, type Settings } from "../../src/config/settings.ts";
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { formatState } from "../../src/config/state_file.ts";
import type { Controller } from "../../src/model/controller.ts";
import type { ConfigDirScan } from "../../src/model/world.ts";
import { KernelError } from "../../src/base/errors.ts";
import { assert, assertEquals } from "../assert.ts";
import { MemoryLog } from "../sim/memory_log.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { host, runIn, withDirectory } from "./memory_environment.ts";

const controller: Controller = {
  name: "nvme12",
  instance: 12,
  transport: "tcp",
  state: "live",
  subsysnqn: "nqn.2016-01.com.lightbitslabs:uuid:x",
  address: { traddr: "10.0.0.1", trsvcid: "4420", srcAddr: "10.0.0.9" },
  hostnqn: host,
  hostid: "aaaaaaaa-0000-4000-8000-000000000001",
};

interface Start {
  readonly controllers: readonly Controller[] | Error;
  readonly scan: ConfigDirScan;
  readonly state: string | Error | null;
}

const emptyStart: Start = { controllers: [controller], scan: { ok: true, files: [] }, state: null };

/** The directory's content afterwards, by file name, and the log. */
async function detectAfter(start: Partial<Start>): Promise<{ files: Record<string, string>; log: string[] }> {
  const { controllers, scan, state } = { ...emptyStart, ...start };
  const log = new MemoryLog(new VirtualClock());
  const files: Record<string, string> = {};
  await withDirectory(async (directory) => {
    const settings: Settings = { ...loadSettings({}).settings, clientConfigDir: `${directory}/made` };
    await detectAtStart({
      kernel: {
        controllers: () => {
          return controllers instanceof Error
            ? Promise.reject(controllers)
            : Promise.resolve([...controllers]);
        },
      },
      configDir: { scan: () => Promise.resolve(scan) },
      store: {
        load: () => {
          if (state instanceof Error) return Promise.reject(state);
          return Promise.resolve(state === null ? null : new TextEncoder().encode(state));
        },
      },
      log,
    }, settings);
    const entries = await Array.fromAsync(Deno.readDir(`${directory}/made`)).catch(() => []);
    for (const { name } of entries) files[name] = await Deno.readTextFile(`${directory}/made/${name}`);
  });
  assertEquals(log.violations, []);
  return { files, log: log.lines.map(({ level, message }) => `${level} ${message}`) };
}

Deno.test("detectAtStart() writes entries where nothing is configured and nothing remembered", async () => {
  const { files, log } = await detectAfter({});
  assertEquals(Object.keys(files), ["detected-io-controllers"]);
  const [entry] = parseEntryFile("x", new TextEncoder().encode(files["detected-io-controllers"]!)).entries;
  assertEquals([entry?.traddr, entry?.trsvcid, entry?.cluster.hostnqn, entry?.hostid], [
    "10.0.0.1",
    8009,
    host,
    controller.hostid,
  ]);
  assertEquals(log, ["info Nothing is configured: 1 entries deduced from live controllers"]);
});

Deno.test("detectAtStart() takes an empty or unreadable memory for none", async () => {
  const states = [
    formatState({ entries: [], createdAtMs: 0 }),
    "not JSON",
    new KernelError("EIO", "Cannot read"),
  ];
  for (const state of states) {
    assertEquals(Object.keys((await detectAfter({ state })).files), ["detected-io-controllers"]);
  }
});

Deno.test("detectAtStart() writes nothing where something is known, or nothing can be", async () => {
  const entry = {
    cluster: { subsysnqn: controller.subsysnqn, hostnqn: host },
    transport: "tcp" as const,
    traddr: "10.0.0.1",
    trsvcid: 8009,
    persistent: false,
    source: "user" as const,
    namedBy: [],
    retired: false,
  };
  const known: Partial<Start>[] = [
    { scan: { ok: true, files: [{ name: "a", version: "1", bytes: new Uint8Array() }] } },
    { scan: { ok: false, error: "Cannot read the directory" } },
    { state: formatState({ entries: [entry], createdAtMs: 0 }) },
    { controllers: [] },
    { controllers: [{ ...controller, subsysnqn: "nqn.2016-01.org.other:x" }] },
    { controllers: new KernelError("EIO", "Cannot list /sys/class/nvme: EIO") },
  ];
  for (const start of known) assertEquals((await detectAfter(start)).files, {}, JSON.stringify(start));
  const { log } = await detectAfter({ controllers: new KernelError("EIO", "Cannot list it") });
  assertEquals(log, ["error Cannot deduce entries from live controllers: Cannot list it"]);
});

Deno.test("detectAtStart() tells which controllers say too little", async () => {
  const { files, log } = await detectAfter({ controllers: [{ ...controller, hostnqn: undefined }] });
  assertEquals(files, {});
  assert(log[0]?.startsWith("warn No entry is deduced from nvme12: "), log.join("\n"));
});

Deno.test("auto-detect writes nothing where no controller matches", async () => {
  await withDirectory(async (root) => {
    const match = "--autoDetectEntries.subsystemMatch=no.such.word,nor.this.one";
    const { status, stdout, stderr } = await runIn([
      "auto-detect",
      "--write",
      match,
      "--clientConfigDir",
      `${root}/d`,
    ]);
    assertEquals([status, stdout], [0, ""]);
    assert(stderr.includes("no.such.word or nor.this.one"), stderr);
    assertEquals([...Deno.readDirSync(root)], []);
  });
});
