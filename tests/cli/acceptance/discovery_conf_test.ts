/** The real process with nvme-cli's discovery.conf, against a fabric on loopback. A dry run: it asks no kernel. */
import { assert, assertEquals } from "../../assert.ts";
import { Fabric } from "../../fabric/fabric.ts";
import { FabricServer } from "../../fabric/tcp_server.ts";
import { cluster, host, withDirectory } from "../memory_environment.ts";
import { agentArgs, eventually, ProgramProcess, runProgramProcess } from "../program_process.ts";

const subsystem = "nqn.2024-01.org.example:sub";

Deno.test("serve shows in a dry run what nvme-cli's file leads to, on a host that has no other", async () => {
  const fabric = new Fabric();
  const address = () => [{ traddr: "127.0.0.1", trsvcid: 0 }];
  fabric.addNode({ id: "n1", discovery: address(), io: address(), kind: "spdk" });
  const server = new FabricServer(fabric);
  try {
    fabric.addSubsystem(subsystem);
    await withDirectory(async (root) => {
      const { trsvcid } = fabric.node("n1").discovery[0]!;
      await Deno.writeTextFile(`${root}/discovery.conf`, `-t tcp -a 127.0.0.1 -s ${trsvcid} -q ${host}\n`);
      const args = agentArgs(root, "--dry-run", "--once", "--nvmeDiscoveryConf", `${root}/discovery.conf`);
      const { status, stdout } = await runProgramProcess(args, { env: { TMPDIR: root } });
      assertEquals(status, 0);
      assert(stdout.includes("1 of 1 endpoints reachable, 1 of 1 paths would be connected"), stdout);
      assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["discovery.conf"]);
    });
  } finally {
    await server.close();
  }
});

Deno.test("serve takes endpoints of nvme-cli's discovery.conf, also one that is made and removed while it runs", async () => {
  const fabric = new Fabric();
  for (const id of ["n1", "n2"]) {
    const address = () => [{ traddr: "127.0.0.1", trsvcid: 0 }];
    fabric.addNode({ id, discovery: address(), io: address(), kind: "spdk" });
  }
  const server = new FabricServer(fabric);
  try {
    fabric.addSubsystem(subsystem);
    fabric.refer();
    const port = (id: string) => fabric.node(id).discovery[0]!.trsvcid;
    await withDirectory(async (root) => {
      await Deno.mkdir(`${root}/d`);
      await Deno.mkdir(`${root}/nvme`);
      await Deno.writeTextFile(`${root}/nvme/hostnqn`, `${host}\n`);
      const path = `${root}/nvme/discovery.conf`;
      await Deno.writeTextFile(path, `-t rdma -a 10.0.0.1\n-t tcp -a 127.0.0.1 -s ${port("n1")}\n`);
      const env = { DC_NVMEHOSTIDPATH: `${root}/nvme/hostid`, DC_NVMEDISCOVERYCONF: path, TMPDIR: root };
      await using agent = new ProgramProcess(agentArgs(root, "--dry-run", "--logging.level", "debug"), {
        env,
      });
      for (const id of ["n1", "n2"]) {
        const line = await agent.waitFor(
          new RegExp(`Endpoint added: .*endpoint=127.0.0.1:${port(id)} `),
        );
        assert(line.includes(`cluster=nqn.2014-08.org.nvmexpress.discovery hostnqn=${host}`), line);
      }
      await agent.waitFor("Path would be connected");
      assertEquals(agent.lines("Passed over line").length, 1);
      assert(agent.lines("Passed over line")[0]!.includes(`${path}:1: `));

      await Deno.writeTextFile(
        `${root}/d/cluster`,
        `-t tcp -a 127.0.0.1 -s ${port("n1")} -q ${host} -n ${cluster}\n`,
      );
      await agent.waitFor(new RegExp(`Endpoint added: .*endpoint=127.0.0.1:${port("n2")} .*${cluster}`));
      await Deno.remove(`${root}/d/cluster`);
      await eventually("Both on their own again", () => agent.lines("Endpoint added").length === 6);
      await Deno.remove(path);
      await eventually("The end of both", () => agent.lines("Endpoint removed").length === 6);
      await Deno.writeTextFile(path, `-t tcp -a 127.0.0.1 -s ${port("n2")}\n`);
      await eventually("Both once more", () => agent.lines("Endpoint added").length === 8);
      agent.kill("SIGTERM");
      const { status } = await agent.end();
      assertEquals([status, agent.lines("This is a bug")], [0, []]);
    });
  } finally {
    await server.close();
  }
});
