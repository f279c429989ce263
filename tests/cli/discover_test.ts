/** `discover` against targets on loopback sockets, and its run against a network in memory. */
import { readDiscoveryLog } from "../../src/cli/discovery_run.ts";
import { logObject, logTable } from "../../src/cli/log_output.ts";
import { TransportError } from "../../src/base/errors.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { TcpDialer } from "../../src/io/tcp.ts";
import type { DiscoveryLog } from "../../src/protocol/log_reader.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { cluster, host, runIn, withDirectory } from "./memory_environment.ts";

/** One node on a free port, two subsystems, one of them for `host` alone, and a referral to 10.9.9.9. */
async function withFabric(
  action: (port: number, fabric: Fabric, server: FabricServer) => Promise<void>,
): Promise<void> {
  const fabric = Fabric.build({ nodes: 1, traddr: () => "127.0.0.1", discoveryPort: 0, ioPort: 4420 });
  fabric.node("n1").io.forEach((address) => address.trsvcid = 0);
  const server = new FabricServer(fabric);
  try {
    fabric.addSubsystem("nqn.2024-01.org.example:open");
    fabric.addSubsystem("nqn.2024-01.org.example:closed", { hosts: [host] });
    fabric.addReferral("n1", { traddr: "10.9.9.9", trsvcid: 8010 });
    await action(fabric.node("n1").discovery[0]!.trsvcid, fabric, server);
  } finally {
    await server.close();
  }
}

interface JsonRecord {
  readonly trsvcid: number;
  readonly subnqn: string;
  readonly traddr: string;
  readonly subtype: number;
}

Deno.test("discover prints all records of the log in the predecessor's shape", async () => {
  await withFabric(async (port) => {
    for (const address of [["-a", `127.0.0.1:${port}`], ["-a=127.0.0.1", `-s${port}`]]) {
      const { status, stdout, stderr } = await runIn(["discover", ...address, "-q", host]);
      assertEquals([status, stderr], [0, ""]);
      const records = JSON.parse(stdout) as JsonRecord[];
      for (const record of records) {
        assertEquals(Object.keys(record), ["portid", "cntlid", "trsvcid", "subnqn", "traddr", "subtype"]);
        assertEquals([typeof record.trsvcid, typeof record.subtype], ["number", "number"]);
      }
      const subsystems = records.filter(({ subtype }) => subtype === 2).map(({ subnqn }) => subnqn).sort();
      assertEquals(subsystems, ["nqn.2024-01.org.example:closed", "nqn.2024-01.org.example:open"]);
      const referral = records.find(({ subtype }) => subtype === 1);
      assertEquals([referral?.traddr, referral?.trsvcid], ["10.9.9.9", 8010]);
    }
  });
});

Deno.test("discover shows what this host may see, and can print a table", async () => {
  await withFabric(async (port) => {
    const { stdout } = await runIn([
      "discover",
      "-a",
      `127.0.0.1:${port}`,
      "-q",
      `${cluster}-other`,
      "-o",
      "table",
    ]);
    assert(stdout.startsWith("TYPE "), stdout);
    assert(stdout.includes("example:open") && !stdout.includes("example:closed"), stdout);
  });
});

Deno.test("discover leaves no connection behind", async () => {
  await withFabric(async (port, _fabric, server) => {
    const { status } = await runIn(["discover", "-a", `localhost:${port}`, "-q", host]);
    assertEquals(status, 0);
    for (let waits = 0; server.connectionCount() > 0; waits++) {
      assert(waits < 200, "The connection stays open");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});

Deno.test("discover fails in words", async () => {
  const closed = await runIn(["discover", "-a", "127.0.0.1:1", "-q", host]);
  assertEquals([closed.status, closed.stdout], [1, ""]);
  assert(closed.stderr.startsWith("discovery-client: Cannot discover at 127.0.0.1:1: "), closed.stderr);
  assert(closed.stderr.includes("ECONNREFUSED"), closed.stderr);
  await withFabric(async (port, _fabric, server) => {
    server.setSwallowed("n1", true);
    const silent = await runIn(["discover", "-a", `127.0.0.1:${port}`, "-q", host, "--timeout", "50ms"]);
    assertEquals([silent.status, silent.stdout], [1, ""]);
    assertEquals(
      silent.stderr,
      `discovery-client: Cannot discover at 127.0.0.1:${port}: no result within 50ms\n`,
    );
  });
});

Deno.test("discover refuses a senseless request with status 2", async () => {
  const requests: [string[], string][] = [
    [["-a", "127.0.0.1:8009", "-s", "8010", "-q", host], "two ports"],
    [["-a", "not an address", "-q", host], "--traddr"],
    [["-a", "127.0.0.1", "-q", "me too"], "--hostnqn"],
    [["-a", "127.0.0.1", "-q", host, "--timeout", "soon"], "--timeout"],
    [["-a", "127.0.0.1", "-q", host, "--kato", "-1"], "--kato"],
    [["-a", "127.0.0.1", "-q", host, "-I", "me"], "--hostid"],
  ];
  for (const [args, word] of requests) {
    const { status, stderr } = await runIn(["discover", ...args]);
    assertEquals(status, 2, stderr);
    assert(stderr.includes(word), stderr);
  }
});

Deno.test("discover tells when the host identifier's file is of no use, and goes on", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/hostid`, "nobody\n");
    await withFabric(async (port) => {
      const args = ["discover", "-a", `127.0.0.1:${port}`, "-q", host];
      const { status, stderr } = await runIn(args, { DC_NVMEHOSTIDPATH: `${directory}/hostid` });
      assertEquals(status, 0);
      assert(stderr.includes(`Cannot use the host identifier in ${directory}/hostid`), stderr);
    });
  });
});

Deno.test("readDiscoveryLog() tries all addresses of a name, and names each failure", async () => {
  const clock = new RealClock();
  const request = { hostnqn: host, hostid: host.slice(-36), katoMs: 10_000, timeoutMs: 5_000 };
  await withFabric(async (port) => {
    const address = { host: "node1", port };
    const worldWith = (addresses: string[]) => ({
      clock,
      dialer: new TcpDialer(clock),
      resolver: { resolve: () => Promise.resolve(addresses) },
    });
    const logs: DiscoveryLog[] = [];
    const keep = (log: DiscoveryLog) => void logs.push(log);
    await readDiscoveryLog(worldWith(["127.0.0.2", "127.0.0.3", "127.0.0.1"]), { ...request, address }, keep);
    assertEquals(logs.length, 1);
    const error = await assertRejects(
      () => readDiscoveryLog(worldWith(["127.0.0.2", "127.0.0.3"]), { ...request, address }, keep),
      TransportError,
      `Cannot discover at node1:${port}: `,
    );
    assert(error.message.includes(`127.0.0.2:${port}`) && error.message.includes(`127.0.0.3:${port}`));
    const resolver = { resolve: () => new Promise<string[]>(() => {}) };
    await assertRejects(
      () => readDiscoveryLog({ ...worldWith([]), resolver }, { ...request, timeoutMs: 20, address }, keep),
      TransportError,
      "no result within 20ms",
    );
    assertEquals(logs.length, 1);
  });
});

Deno.test("logObject() and logTable() show every record, hostile ones made harmless", () => {
  const plain = { adrfam: 1, treq: 0, portid: 1, cntlid: 65535, asqsz: 32, eflags: 0, sectype: 0 };
  const records = [
    {
      ...plain,
      trtype: 3,
      subtype: 2,
      trsvcid: "4420",
      subnqn: "nqn.2024-01.org.example:a",
      traddr: "10.0.0.1",
    },
    { ...plain, trtype: 9, subtype: 7, trsvcid: "x\x1b[2J", subnqn: "a", traddr: "b", problem: "no NQN" },
  ];
  assertEquals(logObject(records).map(({ trsvcid, subtype }) => [trsvcid, subtype]), [[4420, 2], [0, 7]]);
  const [, first = "", second = ""] = logTable(records).split("\n");
  assert(/^nvm +tcp +10\.0\.0\.1 +4420 /.test(first), first);
  assert(/^7 +9 +b +x\\x1b\[2J .*no NQN$/.test(second), second);
});
