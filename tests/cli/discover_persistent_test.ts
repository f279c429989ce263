/** `discover --persistent`: a line at each change, reconnects, and an orderly end, against targets on loopback. */
import { type AgentError, errorCode } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { DiscoveryFollower, type SessionFailure } from "../../src/cli/discovery_follow.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { TcpDialer } from "../../src/io/tcp.ts";
import type { DiscoveryLog } from "../../src/protocol/log_reader.ts";
import { assert, assertEquals } from "../assert.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { host, runIn } from "./memory_environment.ts";
import { eventually, ProgramProcess } from "./program_process.ts";

async function withFabric(
  action: (port: number, fabric: Fabric, server: FabricServer) => Promise<void>,
): Promise<void> {
  const fabric = Fabric.build({ nodes: 1, traddr: () => "127.0.0.1", discoveryPort: 0, ioPort: 4420 });
  fabric.node("n1").io.forEach((address) => address.trsvcid = 0);
  const server = new FabricServer(fabric);
  try {
    fabric.addSubsystem("nqn.2024-01.org.example:a");
    await action(fabric.node("n1").discovery[0]!.trsvcid, fabric, server);
  } finally {
    await server.close();
  }
}

function subsystems(line: string): string[] {
  const records = JSON.parse(line) as { subtype: number; subnqn: string }[];
  return records.filter(({ subtype }) => subtype === 2).map(({ subnqn }) => subnqn.replace(/.*:/, "")).sort();
}

function lines(program: ProgramProcess): string[] {
  return program.stdout.split("\n").slice(0, -1);
}

const endings = [["-p", "SIGINT"], ["--persistent", "SIGTERM"], ["--persistant", "SIGHUP"]] as const;

for (const [flag, signal] of endings) {
  Deno.test(`discover ${flag} prints a line at each change, and ends orderly on ${signal}`, async () => {
    await withFabric(async (port, fabric, server) => {
      const args = ["discover", flag, "-a", `127.0.0.1:${port}`, "-q", host];
      await using program = new ProgramProcess([...args, "--reconnectInterval", "50ms"]);
      await eventually("the first line", () => lines(program).length === 1);
      fabric.addSubsystem("nqn.2024-01.org.example:b");
      await eventually("a second line", () => lines(program).length === 2);
      // A change of the generation alone is none of the records.
      fabric.touch("n1");
      fabric.setNodeDown("n1");
      await program.waitFor("Cannot hold a session to 127.0.0.1:");
      fabric.removeSubsystem("nqn.2024-01.org.example:a");
      fabric.setNodeUp("n1");
      await program.waitFor(`The session to 127.0.0.1:${port} is up again`);
      await eventually("a third line", () => lines(program).length === 3);
      program.kill(signal);
      const { status, stdout } = await program.end();
      assertEquals([status, stdout.split("\n").slice(0, -1).map(subsystems)], [0, [["a"], ["a", "b"], [
        "b",
      ]]]);
      await eventually("no connection", () => server.connectionCount() === 0);
    });
  });
}

Deno.test("discover -p goes on trying from the start, tells a failure once, and can be interrupted then", async () => {
  const args = ["discover", "-p", "-a", "127.0.0.9:1", "-q", host, "--reconnectInterval=10ms"];
  await using program = new ProgramProcess(args);
  await program.waitFor("Cannot hold a session to 127.0.0.9:1: ");
  await new Promise((resolve) => setTimeout(resolve, 100));
  program.kill("SIGINT");
  const { status, stdout } = await program.end();
  assertEquals([status, stdout, program.lines("Cannot hold").length], [0, "", 1]);
});

Deno.test("discover -p -o table prints a table for each change", async () => {
  await withFabric(async (port, fabric) => {
    const args = ["discover", "-p", "-o", "table", "-a", `127.0.0.1:${port}`, "-q", host];
    await using program = new ProgramProcess(args);
    await eventually("the first table", () => program.stdout.includes("example:a"));
    fabric.addSubsystem("nqn.2024-01.org.example:b");
    await eventually("the second table", () => program.stdout.includes("example:b"));
    program.kill("SIGINT");
    const { status, stdout } = await program.end();
    assertEquals([status, stdout.match(/^TYPE /gm)?.length], [0, 2]);
  });
});

Deno.test("discover -p refuses a time limit", async () => {
  const { status, stderr } = await runIn(["discover", "-p", "-a", "10.0.0.1", "-q", host, "--timeout", "5s"]);
  assertEquals(status, 2);
  assert(stderr.includes("Cannot use --timeout with --persistent"), stderr);
});

Deno.test("discover --host-traddr leaves by that address, or says that it cannot", async () => {
  await withFabric(async (port) => {
    const args = ["discover", "-a", `127.0.0.1:${port}`, "-q", host];
    const { status, stderr } = await runIn([...args, "-w", "127.0.0.7"]);
    // A runtime before Deno 2.9 goes on by the routes, with a warning.
    assertEquals([status, stderr === "" || stderr.includes("not by 127.0.0.7")], [0, true], stderr);
    const foreign = await runIn([...args, "-w", "192.0.2.1"]);
    if (stderr === "") {
      assertEquals(foreign.status, 1);
      assert(foreign.stderr.includes("192.0.2.1"), foreign.stderr);
    }
    const refused = await runIn([...args, "-w", "eth0"]);
    assertEquals(refused.status, 2);
    assert(refused.stderr.includes("--host-traddr"), refused.stderr);
  });
});

interface Following {
  readonly logs: DiscoveryLog[];
  readonly failures: SessionFailure[];
  readonly follower: DiscoveryFollower;
}

function follow(port: number, resolve: () => Promise<string[]>, stopAtLog = true): Following {
  const clock = new RealClock();
  const world = { clock, dialer: new TcpDialer(clock), resolver: { resolve }, random: seededRandom(1) };
  const logs: DiscoveryLog[] = [];
  const failures: SessionFailure[] = [];
  const request = {
    address: { host: "node1", port },
    hostnqn: host,
    hostid: () => Promise.resolve(host.slice(-36)),
    katoMs: 10_000,
    reconnectIntervalMs: 1,
  };
  const follower = new DiscoveryFollower(world, request, {
    onLog: (log) => {
      logs.push(log);
      if (stopAtLog) follower.stop();
    },
    onFailure: (failure) => void failures.push(failure),
  });
  return { logs, failures, follower };
}

Deno.test("DiscoveryFollower tries all addresses of a name, and looks it up again", async () => {
  await withFabric(async (port) => {
    const answers = [["127.0.0.2", "127.0.0.3"], ["127.0.0.2", "127.0.0.1"]];
    const { follower, logs, failures } = follow(port, () => Promise.resolve(answers.shift() ?? []));
    await follower.run();
    assertEquals([logs.length, failures.length, answers.length], [1, 1, 0]);
    const { error, text } = failures[0]!;
    assertEquals(errorCode(error as AgentError), "ECONNREFUSED");
    assert(text.includes(`127.0.0.2:${port}`) && text.includes(`127.0.0.3:${port}`), text);
  });
});

Deno.test("DiscoveryFollower ends whatever it waits for", async () => {
  // A look-up that never answers, a controller that never answers, a pause.
  const lookUp = follow(1, () => new Promise(() => {}));
  const ended = lookUp.follower.run();
  lookUp.follower.stop();
  await ended;
  await withFabric(async (port, _fabric, server) => {
    server.setSwallowed("n1", true);
    const silent = follow(port, () => Promise.resolve(["127.0.0.1"]));
    const running = silent.follower.run();
    await eventually("a connection", () => server.acceptedMs("n1").length === 1);
    silent.follower.stop();
    await running;
    assertEquals([silent.logs.length, silent.failures.length], [0, 0]);
  });
  const before = follow(1, () => Promise.resolve(["127.0.0.9"]));
  before.follower.stop();
  await before.follower.run();
});
