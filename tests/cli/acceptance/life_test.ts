/** The real process through its life: a second one beside it, kill -9, restarts, signals, and a run without root. */
import { assert, assertEquals } from "../../assert.ts";
import { Fabric } from "../../fabric/fabric.ts";
import { FabricServer } from "../../fabric/tcp_server.ts";
import { cluster, host, withDirectory } from "../memory_environment.ts";
import { agentArgs, eventually, ProgramProcess, runProgramProcess } from "../program_process.ts";
import { withoutRoot } from "../without_root.ts";

interface Home {
  readonly root: string;
  readonly fabric: Fabric;
  readonly server: FabricServer;
  readonly port: (nodeId: string) => number;
  /** Addresses in internal.json. */
  readonly remembered: () => string[];
}

/** Three nodes without volumes that refer to each other, and a file that names the first. */
async function withHome(action: (home: Home) => Promise<void>): Promise<void> {
  const traddr = (index: number) => `127.0.0.${index}`;
  const options = { nodes: 3, kind: "spdk" as const, traddr, discoveryPort: 0, ioPort: 0, mesh: false };
  const fabric = Fabric.build(options);
  const server = new FabricServer(fabric);
  fabric.refer();
  const port = (id: string) => fabric.node(id).discovery[0]!.trsvcid;
  try {
    await withDirectory(async (root) => {
      await Deno.mkdir(`${root}/d`);
      const line = `-t tcp -a 127.0.0.1 -s ${port("n1")} -q ${host} -n ${cluster}\n`;
      await Deno.writeTextFile(`${root}/d/cluster`, line);
      const remembered = () => {
        const text = readOr(`${root}/i/internal.json`, '{"entries": []}');
        const { entries } = JSON.parse(text) as { entries: { Traddr: string }[] };
        return entries.map(({ Traddr }) => Traddr).sort();
      };
      await action({ root, fabric, server, port, remembered });
    });
  } finally {
    await server.close();
  }
}

function readOr(path: string, absent: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return absent;
    throw error;
  }
}

const all = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

Deno.test("serve refuses a second agent in its directory, and stops on SIGTERM within seconds with status 0", async () => {
  await withHome(async ({ root, server, remembered }) => {
    await using first = new ProgramProcess(agentArgs(root));
    await eventually("The whole list", () => remembered().length === 3);
    const second = await runProgramProcess(agentArgs(root));
    const refusal = `Cannot use ${root}/i: another agent, process ${first.pid}, is using it`;
    assertEquals([second.status, second.stdout], [1, ""]);
    assert(second.stderr.endsWith(`discovery-client: ${refusal}\n`), second.stderr);
    assertEquals(remembered(), all, "The first one's memory is as it was");
    await eventually("Three sessions", () => first.lines("Discovery log read").length >= 3);

    server.setSwallowed("n2", true);
    const startMs = performance.now();
    first.kill("SIGTERM");
    const { status, stdout } = await first.end();
    const tookMs = performance.now() - startMs;
    assertEquals([status, stdout], [0, ""]);
    assert(tookMs < 6_000, `The stop took ${tookMs} ms beside a target that is silent`);
    assertEquals(first.lines("Stopped").length, 1);
    assertEquals([server.connectionCount("n1"), server.connectionCount("n3")], [0, 0]);
  });
});

Deno.test("serve goes on after kill -9 with the list it had, and takes the files when they changed meanwhile", async () => {
  await withHome(async ({ root, fabric, port, remembered }) => {
    await using first = new ProgramProcess(agentArgs(root));
    await eventually("The whole list", () => remembered().length === 3);
    first.kill("SIGKILL");
    assert((await first.end()).status !== 0, "Precondition: it was killed");
    assertEquals(remembered(), all);

    // Its reporter is down: only the memory can know of the others.
    fabric.setNodeDown("n1");
    await using second = new ProgramProcess(agentArgs(root));
    await second.waitFor("Resuming with 3 remembered endpoints");
    for (const id of ["n2", "n3"]) {
      const address = `127.0.0.${id[1]}:${port(id)}`;
      await second.waitFor(new RegExp(`Discovery log read: .*endpoint=${address} `));
    }
    second.kill("SIGKILL");
    await second.end();

    const line = `-t tcp -a 127.0.0.3 -s ${port("n3")} -q ${host} -n ${cluster}\n`;
    fabric.removeReferral("n3", "n1");
    fabric.removeReferral("n3", "n2");
    await Deno.writeTextFile(`${root}/d/cluster`, line);
    await using third = new ProgramProcess(agentArgs(root));
    await third.waitFor("The configuration directory changed meanwhile: the endpoints are taken from it");
    await eventually("The list of the files", () => remembered().join() === "127.0.0.3");
    third.kill("SIGINT");
    assertEquals((await third.end()).status, 0);
  });
});

Deno.test("serve sets a corrupt memory aside, says so, and takes the files", async () => {
  await withHome(async ({ root, remembered }) => {
    await Deno.mkdir(`${root}/i`);
    await Deno.writeTextFile(`${root}/i/internal.json`, '{"entries": [{');
    await using agent = new ProgramProcess(agentArgs(root));
    await agent.waitFor(`The unusable state file was set aside as ${root}/i/internal.json.corrupt-1`);
    await agent.waitFor("the configuration files are used instead");
    await eventually("The whole list", () => remembered().length === 3);
    assertEquals(await Deno.readTextFile(`${root}/i/internal.json.corrupt-1`), '{"entries": [{');
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
  });
});

Deno.test("serve looks at everything again on SIGHUP", async () => {
  await withHome(async ({ root, fabric, server, port }) => {
    fabric.setNodeDown("n1");
    await using agent = new ProgramProcess(agentArgs(root, "--reconnectInterval", "1h"));
    await agent.waitFor("Discovery session failed");
    fabric.setNodeUp("n1");
    assertEquals(server.acceptedMs("n1"), [], "Precondition: it waits for an hour");
    agent.kill("SIGHUP");
    await agent.waitFor("SIGHUP: ");
    await agent.waitFor(new RegExp(`Discovery log read: .*endpoint=127.0.0.1:${port("n1")} `));
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
  });
});

Deno.test("serve --ephemeral --dry-run --once needs no root, prints what it would connect, and leaves nothing", async () => {
  await withHome(async ({ root, fabric, port }) => {
    fabric.addSubsystem("nqn.2024-01.org.example:a");
    fabric.addSubsystem("nqn.2024-01.org.example:b", { hosts: ["nqn.2014-08.org.example:other"] });
    const options = await withoutRoot(root);
    const [command = "", ...idArgs] = [...options.wrapper, "id", "-u"];
    const { stdout: uid } = await new Deno.Command(command, { args: idArgs }).output();
    assert(Number(new TextDecoder().decode(uid)) > 0, "Precondition: it is not root");
    const address = `127.0.0.1:${port("n1")}`;
    const args = ["serve", "--ephemeral", "--dry-run", "--once", "-a", address, "-q", host, "-n", cluster];
    const [table, json, dead] = await Promise.all([
      runProgramProcess(args, options),
      runProgramProcess([...args, "-o", "json"], options),
      runProgramProcess(
        ["serve", "--dry-run", "--once", "-a", "127.0.0.9:1", "-q", host, "-n", cluster],
        options,
      ),
    ]);
    assertEquals(table.status, 0, table.stdout + table.stderr);
    for (const nodeId of ["n1", "n2", "n3"]) {
      const { traddr, trsvcid } = fabric.node(nodeId).io[0]!;
      const row = new RegExp(`^${traddr}:${trsvcid} +would connect +nqn.2024-01.org.example:a$`, "m");
      assert(row.test(table.stdout), table.stdout);
    }
    assert(!table.stdout.includes("example:b"), "Volumes of other hosts are not shown");
    assert(
      table.stdout.endsWith("3 of 3 endpoints reachable, 3 of 3 paths would be connected\n"),
      table.stdout,
    );
    const picture = JSON.parse(json.stdout) as Record<string, { state: string }[]>;
    assertEquals([json.status, picture.endpoints!.length, picture.paths!.length], [0, 3, 3]);
    assertEquals(dead.status, 1);
    assert(dead.stdout.includes("0 of 1 endpoints reachable"), dead.stdout);
    assertEquals([...Deno.readDirSync(`${root}/tmp`)].map(({ name }) => name), []);
  });
});
