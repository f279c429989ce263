/**
 * `--trace` of the real program on loopback, read by our own strict reader and, where it is installed, by tshark
 * (Debian's package `tshark`; scripts/test wants it, and with --all fails without).
 */
import { RealClock } from "../../src/io/real_clock.ts";
import { assert, assertEquals } from "../assert.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { readStreams, readTrace } from "../report/pcapng_reader.ts";
import { MemoryKernel } from "../sim/memory_kernel.ts";
import { cluster, host, runIn, withDirectory } from "./memory_environment.ts";
import { agentArgs, eventually, ProgramProcess, runProgramProcess } from "./program_process.ts";
import { fields, tshark } from "./tshark.ts";

const discoveryNqn = "nqn.2014-08.org.nvmexpress.discovery";

interface Place {
  readonly directory: string;
  /** Of the trace. */
  readonly path: string;
  readonly port: number;
  readonly fabric: Fabric;
}

/** One node with one subsystem, and a directory. */
async function withPlace(action: (place: Place) => Promise<void>, traddr = "127.0.0.1"): Promise<void> {
  const fabric = Fabric.build({ nodes: 1, traddr: () => traddr, discoveryPort: 0 });
  fabric.node("n1").io.forEach((address) => address.trsvcid = 0);
  fabric.addSubsystem("nqn.2024-01.org.example:open");
  const server = new FabricServer(fabric);
  try {
    const port = fabric.node("n1").discovery[0]!.trsvcid;
    await withDirectory((directory) => action({ directory, path: `${directory}/t.pcapng`, port, fabric }));
  } finally {
    await server.close();
  }
}

/** Both streams of the only connection; the first is ours. */
async function streamsOf(path: string) {
  const { packets, end } = readTrace(await Deno.readFile(path));
  assertEquals([end?.received, end?.dropped], [packets.length, 0]);
  const streams = [...readStreams(packets.map(({ bytes }) => bytes)).values()];
  assertEquals(streams.length, 2);
  return { ours: streams[0]!, theirs: streams[1]! };
}

function holds(bytes: Uint8Array, text: string): boolean {
  return new TextDecoder("latin1").decode(bytes).includes(text);
}

for (const traddr of ["127.0.0.1", "::1"]) {
  Deno.test(`discover --trace over ${traddr} is what tshark reads as NVMe/TCP`, async () => {
    await withPlace(async ({ path, port }) => {
      const address = traddr === "::1" ? `[::1]:${port}` : `${traddr}:${port}`;
      const { status, stderr } = await runProgramProcess(
        ["discover", "-a", address, "-q", host, "--trace", path],
      );
      assertEquals([status, stderr], [0, ""]);
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
      const { ours, theirs } = await streamsOf(path);
      // ICReq and ICResp are the first PDUs of their directions (NVMe/TCP 1.0 §3.6.2.2, §3.6.2.3).
      assertEquals([...ours.bytes.subarray(0, 8)], [0, 0, 128, 0, 128, 0, 0, 0]);
      assertEquals([...theirs.bytes.subarray(0, 8)], [1, 0, 128, 0, 128, 0, 0, 0]);
      assertEquals([ours.isOpened, theirs.isOpened, ours.end], [true, true, "F"]);
      assert(holds(ours.bytes, discoveryNqn) && holds(ours.bytes, host), "The Connect is missing");
      assert(holds(theirs.bytes, "nqn.2024-01.org.example:open"), "The log is missing");

      const types = await tshark(path, port, "-Y", "nvme-tcp", ...fields("nvme-tcp.type"));
      if (types === null) return;
      assertEquals(types.slice(0, 2).map(Number), [0, 1]);
      const connects = ["-Y", "nvme.fabrics.cmd.connect.data.subnqn"];
      const subnqn = fields("nvme.fabrics.cmd.connect.data.subnqn", "nvme.fabrics.cmd.connect.data.hostnqn");
      assertEquals(await tshark(path, port, ...connects, ...subnqn), [`${discoveryNqn}\t${host}`]);
      const told = await tshark(path, port, "-Y", "nvme-tcp", "-T", "fields", "-e", "_ws.col.Info");
      assert(told!.some((line) => line.includes("Get Log Page")), told!.join("\n"));
      const wrong = "_ws.malformed or _ws.expert.severity >= Warning or tcp.analysis.flags";
      assertEquals(await tshark(path, port, "-Y", wrong), []);
      const good = await tshark(path, port, "-Y", "tcp.checksum.status == good", ...fields("frame.number"));
      const all = await tshark(path, port, ...fields("frame.number"));
      assertEquals(good, all);
    }, traddr);
  });
}

Deno.test("serve --trace records sessions while they go on, and its end is whole", async () => {
  await withPlace(async ({ directory, path, port }) => {
    await Deno.mkdir(`${directory}/d`);
    await Deno.writeTextFile(`${directory}/d/a`, `-t tcp -a 127.0.0.1 -s ${port} -q ${host} -n ${cluster}\n`);
    await using agent = new ProgramProcess(agentArgs(directory, "--trace", path));
    await agent.waitFor("Recording our connections to ");
    const hasLog = async () => holds(await Deno.readFile(path), "nqn.2024-01.org.example:open");
    await eventually("the log is in the file", hasLog);
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
    const { packets, end } = readTrace(await Deno.readFile(path));
    assertEquals(end?.received, packets.length);
    const streams = readStreams(packets.map(({ bytes }) => bytes));
    const session = [...streams].find(([key]) => key.endsWith(` > 127.0.0.1 ${port}`));
    assert(session !== undefined && session[1].end === "F", "The session has no end");
  });
});

Deno.test("connect-all --trace has the probes of paths, too", async () => {
  await withPlace(async ({ path, port, fabric }) => {
    const kernel = new MemoryKernel({
      clock: new RealClock(),
      reachability: { connect: () => "accepted" },
      connectMs: 1,
    });
    try {
      const args = ["connect-all", "-a", `127.0.0.1:${port}`, "-q", host, "--timeout", "5s", "--trace", path];
      const { status } = await runIn([...args, "--nvmeHostIDPath=/nonexistent/hostid"], {}, { kernel });
      assertEquals(status, 0);
    } finally {
      kernel.close();
    }
    const { packets } = readTrace(await Deno.readFile(path));
    const streams = [...readStreams(packets.map(({ bytes }) => bytes))];
    const ioPort = fabric.node("n1").io[0]!.trsvcid;
    const paths = streams.filter(([key]) => key.endsWith(` > 127.0.0.1 ${ioPort}`)).map(([, { bytes }]) =>
      bytes
    );
    assert(paths.some((bytes) => bytes.length === 128), "There is no probe: an ICReq alone");
    assert(streams.some(([key]) => key.endsWith(` > 127.0.0.1 ${port}`)), "There is no session");
  });
});

Deno.test("serve goes on without a trace that cannot be, and says so", async () => {
  await withPlace(async ({ directory }) => {
    await using agent = new ProgramProcess(agentArgs(directory, "--trace", "/nonexistent/t.pcapng"));
    const line = await agent.waitFor("going on without a trace");
    assert(line.includes("Cannot write the trace to /nonexistent/t.pcapng: "), line);
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
  });
});

Deno.test("serve goes on when the trace's disk is full, with one warning", async () => {
  await withPlace(async ({ directory, port }) => {
    await Deno.mkdir(`${directory}/d`);
    await Deno.writeTextFile(`${directory}/d/a`, `-t tcp -a 127.0.0.1 -s ${port} -q ${host} -n ${cluster}\n`);
    await using agent = new ProgramProcess(agentArgs(directory, "--trace", "/dev/full"));
    await agent.waitFor("the trace ends here");
    agent.kill("SIGTERM");
    const { status, stderr } = await agent.end();
    assertEquals(status, 0);
    assertEquals(stderr.match(/the trace/gi)?.length, 2, stderr);
  });
});

Deno.test("discover --trace says why it cannot, before it dials", async () => {
  const args = ["discover", "-a", "192.0.2.1", "-q", host, "--trace", "/nonexistent/t.pcapng"];
  const { status, stdout, stderr } = await runIn(args);
  assertEquals([status, stdout], [1, ""]);
  assert(stderr.startsWith("discovery-client: Cannot write the trace to /nonexistent/t.pcapng: "), stderr);
});

Deno.test("discover --trace has what led to a failure", async () => {
  await withPlace(async ({ path, port }) => {
    const args = ["discover", "-a", `127.0.0.1:${port}`, "-q", host, "--trace", path];
    const { status } = await runIn([...args, "--trace-endpoint", "127.0.0.2"]);
    assertEquals([status, readTrace(await Deno.readFile(path)).packets], [0, []]);
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    await withDirectory(async (directory) => {
      const path = `${directory}/t.pcapng`;
      const address = `127.0.0.1:${listener.addr.port}`;
      const failing = runIn(["discover", "-a", address, "-q", host, "--trace", path]);
      (await listener.accept()).close();
      assertEquals((await failing).status, 1);
      const { ours } = await streamsOf(path);
      assertEquals(ours.bytes[2], 128, "The ICReq is missing");
    });
  } finally {
    listener.close();
  }
});

const badOptions: readonly [args: string[], says: string][] = [
  [["--trace-limit", "5"], "Cannot use --trace-limit without --trace"],
  [["--trace-endpoint", "10.0.0.1"], "Cannot use --trace-endpoint without --trace"],
  [
    ["--trace", "/t", "--trace-limit", "0"],
    'Cannot use --trace-limit "0": expected megabytes from 1 to 1000000',
  ],
  [["--trace", "/t", "--trace-limit", "1.5"], 'Cannot use --trace-limit "1.5"'],
  [
    ["--trace", "/t", "--trace-endpoint", "node1"],
    'Cannot use --trace-endpoint "node1": expected an IP address',
  ],
  [["--trace", "/t", "--trace-endpoint", "10.0.0.1:0"], 'Cannot use --trace-endpoint "10.0.0.1:0"'],
  [["--trace="], "Cannot use --trace: it names no file"],
];

for (const [args, says] of badOptions) {
  Deno.test(`discover refuses ${args.join(" ")}`, async () => {
    const { status, stderr } = await runIn(["discover", "-a", "192.0.2.1", "-q", host, ...args]);
    assertEquals(status, 2, stderr);
    assert(stderr.includes(says), stderr);
  });
}
