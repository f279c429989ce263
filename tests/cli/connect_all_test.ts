/** `connect-all` against targets on loopback sockets and a kernel in memory; its progress on a virtual clock. */
import { ConnectAllRun } from "../../src/cli/connect_all_run.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import {
  emptySnapshot,
  type EndpointSnapshot,
  type PathSnapshot,
  type Snapshot,
} from "../../src/report/snapshot.ts";
import { assert, assertEquals } from "../assert.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { MemoryKernel } from "../sim/memory_kernel.ts";
import type { ConnectAnswer } from "../sim/reachability.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { type CliResult, host, runIn, withDirectory } from "./memory_environment.ts";

const subsystems = ["a", "b", "c", "d"].map((name) => `nqn.2024-01.org.example:${name}`);

interface Place {
  readonly fabric: Fabric;
  readonly kernel: MemoryKernel;
  /** Paths, by NQN and address, that the kernel's targets answer otherwise. */
  readonly answers: Map<string, ConnectAnswer>;
  /** `connect-all` at the first node. */
  readonly run: (...args: string[]) => Promise<CliResult>;
}

/** Three nodes of a full mesh, four subsystems: twelve paths. */
async function withPlace(action: (place: Place) => Promise<void>): Promise<void> {
  const fabric = Fabric.build({ nodes: 3, traddr: (index) => `127.0.0.${index}`, discoveryPort: 0 });
  for (const node of fabric.nodes.values()) node.io.forEach((address) => address.trsvcid = 0);
  for (const nqn of subsystems) fabric.addSubsystem(nqn);
  const server = new FabricServer(fabric);
  const answers = new Map<string, ConnectAnswer>();
  const connect = ({ subsysnqn, traddr }: { subsysnqn: string; traddr: string }) =>
    answers.get(`${subsysnqn} ${traddr}`) ?? "accepted";
  const kernel = new MemoryKernel({ clock: new RealClock(), reachability: { connect }, connectMs: 1 });
  try {
    const port = fabric.node("n1").discovery[0]!.trsvcid;
    const base = [
      "connect-all",
      "-a",
      `127.0.0.1:${port}`,
      "-q",
      host,
      "--nvmeHostIDPath=/nonexistent/hostid",
    ];
    await action({ fabric, kernel, answers, run: (...args) => runIn([...base, ...args], {}, { kernel }) });
  } finally {
    kernel.close();
    await server.close();
  }
}

Deno.test("connect-all follows the referrals, connects every path and prints the controllers", async () => {
  await withPlace(async ({ kernel, run }) => {
    const { status, stdout, stderr } = await run("-m", "4", "-k=7", "--ctrl-loss-tmo", "-1");
    assertEquals([status, stderr], [0, ""]);
    const rows = JSON.parse(stdout) as Record<string, unknown>[];
    const keys = ["Instance", "Cntlid", "Device", "Traddr", "Trsvcid", "Subsysnqn", "State", "Already"];
    for (const row of rows) {
      assertEquals(Object.keys(row), keys);
      assertEquals([row.Device, row.State, row.Already], [`/dev/nvme${row.Instance}`, "live", false]);
    }
    const paths = rows.map(({ Subsysnqn, Traddr }) => `${Subsysnqn} ${Traddr}`).sort();
    const wanted = subsystems.flatMap((nqn) => [1, 2, 3].map((node) => `${nqn} 127.0.0.${node}`));
    assertEquals(paths, wanted);
    assertEquals(kernel.connects.length, 12);
    for (const { text } of kernel.connects) {
      for (const option of ["nr_io_queues=4", "keep_alive_tmo=7", "ctrl_loss_tmo=-1"]) {
        assert(text.split(",").includes(option), text);
      }
    }
    const again = await run();
    assertEquals([again.status, again.stderr, kernel.connects.length], [0, "", 12]);
    const repeated = JSON.parse(again.stdout) as Record<string, unknown>[];
    assertEquals(repeated.map(({ Device }) => Device), rows.map(({ Device }) => Device));
    assert(repeated.every(({ Already }) => Already === true), again.stdout);
  });
});

Deno.test("connect-all --no-referrals reads the logs of the endpoints given alone", async () => {
  await withPlace(async ({ kernel, run }) => {
    const { status, stdout, stderr } = await run("--no-referrals", "-o", "table");
    assertEquals([status, stderr], [0, ""]);
    const [heading = "", ...rows] = stdout.trimEnd().split("\n");
    assert(/^DEVICE +INSTANCE +CNTLID +STATE +TRADDR +TRSVCID +SUBSYSNQN$/.test(heading), heading);
    assertEquals(rows.length, 4);
    assert(rows.every((row) => row.includes(" 127.0.0.1 ")), stdout);
    assertEquals(kernel.connects.length, 4);
  });
});

Deno.test("connect-all names each path that failed and why, prints the others, and ends with status 1", async () => {
  await withPlace(async ({ answers, run }) => {
    answers.set(`${subsystems[0]} 127.0.0.2`, "denied");
    const { status, stdout, stderr } = await run();
    assertEquals([status, JSON.parse(stdout).length], [1, 11], stderr);
    assert(stderr.startsWith(`discovery-client: Cannot connect ${subsystems[0]} at 127.0.0.2:`), stderr);
    assert(stderr.includes("EIO") && stderr.trimEnd().split("\n").length === 1, stderr);
  });
});

Deno.test("connect-all connects what the living name while another endpoint is dead, and names that one", async () => {
  await withPlace(async ({ fabric, run }) => {
    fabric.setNodeDown("n3");
    const dead = fabric.node("n3").discovery[0]!;
    const { status, stdout, stderr } = await run();
    // The dead node's paths are in no log that can be read.
    assertEquals([status, JSON.parse(stdout).length], [0, 8], stderr);
    assert(
      stderr.startsWith(`discovery-client: Cannot discover at ${dead.traddr}:${dead.trsvcid}: `),
      stderr,
    );
  });
});

Deno.test("connect-all fails when nothing answers, when time is up, and when the kernel's device is missing", async () => {
  await withPlace(async ({ kernel, run }) => {
    const nothing = await runIn(["connect-all", "-a", "127.0.0.9", "-s=1", "-q", host], {}, { kernel });
    assertEquals([nothing.status, nothing.stdout], [1, "[]\n"]);
    assert(nothing.stderr.includes("Cannot discover at 127.0.0.9:1: "), nothing.stderr);
    kernel.extraMs = 60_000;
    const late = await run("--timeout", "300ms");
    assertEquals(late.status, 1);
    assert(
      late.stderr.endsWith("Time was up before everything had been tried: see --timeout\n"),
      late.stderr,
    );
    kernel.loaded = false;
    const missing = await run();
    assertEquals([missing.status, missing.stdout], [1, ""]);
    assert(missing.stderr.includes("/dev/nvme-fabrics"), missing.stderr);
  });
});

Deno.test("connect-all shows no secret, and says that it keeps nothing", async () => {
  await withPlace(async ({ kernel, run }) => {
    const secret = `DHHC-1:00:${"A".repeat(48)}:`;
    const { status, stdout, stderr } = await run("-S", secret, "--no-referrals", "--persistant");
    assertEquals(status, 0);
    assert(!`${stdout}${stderr}`.includes("AAAA"), stderr);
    assert(stderr.includes("--persistent keeps nothing here"), stderr);
    assert(kernel.connects.every(({ text }) => text.includes(`dhchap_secret=${secret}`)));
  });
});

Deno.test("connect-all takes the secrets of the settings by subsystem, else those of all", async () => {
  await withDirectory(async (directory) => {
    await withPlace(async ({ kernel, run }) => {
      const [all, own] = ["B", "C"].map((letter) => `DHHC-1:00:${letter.repeat(48)}:`) as [string, string];
      const config = `${directory}/settings.yaml`;
      const yaml = `dhChapSecret: "${all}"\nclusterSecrets:\n  "${
        subsystems[0]
      }":\n    "${host}": { dhChapSecret: "${own}" }\n`;
      await Deno.writeTextFile(config, yaml, { mode: 0o600 });
      const { status, stderr } = await run("--config", config);
      assertEquals([status, stderr], [0, ""]);
      assertEquals(kernel.connects.length, 12);
      for (const { text } of kernel.connects) {
        const expected = text.includes(`nqn=${subsystems[0]},`) ? own : all;
        assert(text.includes(`,dhchap_secret=${expected}`), text);
      }
    });
  });
});

function snapshot(
  endpoints: readonly Partial<EndpointSnapshot>[],
  paths: readonly Partial<PathSnapshot>[] = [],
  notes: readonly string[] = [],
): Snapshot {
  return {
    ...emptySnapshot,
    clusters: [{
      subsysnqn: "nqn.s",
      hostnqn: host,
      notes,
      endpoints: endpoints.map((endpoint) => ({
        address: "10.0.0.1:8009",
        origins: [],
        namedBy: [],
        source: "user",
        reason: "configured",
        retired: false,
        state: "live",
        forMs: 0,
        logReads: 0,
        events: 0,
        failures: 0,
        ...endpoint,
      })),
    }],
    paths: paths.map((path) => ({
      cluster: "nqn.s",
      subsysnqn: "nqn.s",
      hostnqn: host,
      address: "10.0.0.1:4420",
      state: "live",
      reason: "connected",
      ...path,
    })),
    summary: { clusters: 1, endpoints: 0, sessionsLive: 0, pathsWanted: 0, pathsLive: 0 },
  };
}

/** A picture, and whether all has been tried in it. */
const pictures: readonly [what: string, picture: Snapshot, isThrough: boolean][] = [
  ["nothing known yet", snapshot([]), false],
  ["no endpoint, and a reason", snapshot([], [], ["Cannot resolve node1"]), true],
  ["opening", snapshot([{ state: "opening" }]), false],
  ["failed once", snapshot([{ state: "idle", failures: 1 }]), true],
  ["log read, no path", snapshot([{ records: 0 }]), true],
  ["one of two endpoints", snapshot([{ records: 0 }, { state: "opening" }]), false],
  ["a retired endpoint", snapshot([{ records: 0 }, { state: "idle", retired: true }]), true],
  ["a live path", snapshot([{ records: 1 }], [{ device: "nvme0" }]), true],
  ["one on its way back", snapshot([{ records: 1 }], [{ state: "recovering", device: "nvme0" }]), true],
  ["one not in sysfs yet", snapshot([{ records: 1 }], [{ state: "connected" }]), false],
  ["a probe", snapshot([{ records: 1 }], [{ state: "probing" }]), false],
  ["a connect", snapshot([{ records: 1 }], [{ device: "nvme0" }, { state: "connecting" }]), false],
  ["waiting for its turn", snapshot([{ records: 1 }], [{ state: "waiting" }]), false],
  ["failed, to be retried", snapshot([{ records: 1 }], [{ state: "failed", retryInMs: 900 }]), true],
  [
    "unreachable, to be retried",
    snapshot([{ records: 1 }], [{ state: "unreachable", retryInMs: 900 }]),
    true,
  ],
];

Deno.test("ConnectAllRun ends when every endpoint and every path was tried once, and not before", async () => {
  for (const [what, picture, isThrough] of pictures) {
    const clock = new VirtualClock();
    const run = new ConnectAllRun({
      clock,
      timeoutMs: 1_000,
      progress: { write: () => {}, isTerminal: false, columns: undefined },
    });
    run.handlePass(() => picture);
    await clock.advance(1_000);
    const ended = await run.ended;
    assertEquals([ended.isWhole, ended.snapshot], [isThrough, picture], what);
  }
});

Deno.test("ConnectAllRun shows progress on a terminal, in one line that is gone at the end", async () => {
  let text = "";
  const progress = { write: (part: string) => void (text += part), isTerminal: true, columns: 80 };
  const run = new ConnectAllRun({ clock: new VirtualClock(), timeoutMs: 1_000, progress });
  const picture = snapshot([{ records: 1 }, { state: "opening" }], [{ device: "nvme0" }, {
    state: "connecting",
  }]);
  run.handlePass(() => picture);
  run.handlePass(() => picture);
  assertEquals(text, "\r\x1b[K1 of 2 discovery controllers have answered, 1 of 2 paths are connected");
  run.handlePass(() => snapshot([{ records: 1 }], [{ device: "nvme0" }]));
  await run.ended;
  assert(text.endsWith("connected\r\x1b[K"), text);
});
