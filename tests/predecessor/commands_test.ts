/** Commands as scripts of a host with the predecessor call them: same words, same answers, same effects. */
import { RealClock } from "../../src/io/real_clock.ts";
import { assert, assertEquals } from "../assert.ts";
import { HostTree } from "../cli/host_tree.ts";
import { cluster, host, runIn, withDirectory } from "../cli/memory_environment.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { MemoryKernel } from "../sim/memory_kernel.ts";

const noFiles = "--nvmeHostIDPath=/nonexistent/hostid";

async function withKernel(action: (kernel: MemoryKernel) => Promise<void>): Promise<void> {
  const reachability = { connect: () => "accepted" as const };
  const kernel = new MemoryKernel({ clock: new RealClock(), reachability, connectMs: 1, firstInstance: 7 });
  try {
    await action(kernel);
  } finally {
    kernel.close();
  }
}

/** Two nodes that refer to each other, a subsystem at both. */
async function withFabric(action: (port: number) => Promise<void>): Promise<void> {
  const fabric = Fabric.build({
    nodes: 2,
    traddr: (index) => `127.0.0.${index}`,
    discoveryPort: 0,
    ioPort: 0,
  });
  fabric.addSubsystem("nqn.2024-01.org.example:volume");
  const server = new FabricServer(fabric);
  try {
    await action(fabric.node("n1").discovery[0]!.trsvcid);
  } finally {
    await server.close();
  }
}

Deno.test("connect and connect-all print the device as a path, and never give a controller up unless told so", async () => {
  await withKernel(async (kernel) => {
    const args = ["connect", "-a", "10.0.0.1", "-s", "4420", "-t", "tcp", "-n", cluster, "-q", host, noFiles];
    const { status, stdout } = await runIn(args, {}, { kernel });
    assertEquals([status, stdout], [0, '{\n  "Instance": 7,\n  "Cntlid": 1,\n  "Device": "/dev/nvme7"\n}\n']);
    const told = () => kernel.connects.at(-1)?.options?.given.get("ctrl_loss_tmo");
    assertEquals(told(), "-1");
    await runIn(
      ["connect", "-a", "10.0.0.2", "-n", cluster, "-q", host, "--ctrl-loss-tmo", "60", noFiles],
      {},
      {
        kernel,
      },
    );
    assertEquals(told(), "60");
  });
  await withFabric((port) =>
    withKernel(async (kernel) => {
      const args = ["connect-all", "-a", "127.0.0.1", "-s", String(port), "-t", "tcp", "-q", host, noFiles];
      const { status, stdout, stderr } = await runIn(args, {}, { kernel });
      assertEquals([status, stderr], [0, ""]);
      const rows = JSON.parse(stdout) as { Instance: number; Cntlid: number; Device: string }[];
      assertEquals(rows.length, 2);
      for (const { Instance, Cntlid, Device } of rows) {
        assertEquals([Device, Cntlid > 0], [`/dev/nvme${Instance}`, true]);
      }
      const timeouts = kernel.connects.map(({ options }) => options?.given.get("ctrl_loss_tmo"));
      assertEquals(timeouts, ["-1", "-1"]);
      const given = ["-m", "3", "-k", "7", "--ctrl-loss-tmo", "5", "-p"];
      for (const { name } of kernel.list()) kernel.deleteController(name);
      await runIn([...args, ...given], {}, { kernel });
      const text = kernel.connects.at(-1)?.text ?? "";
      for (const token of ["nr_io_queues=3", "keep_alive_tmo=7", "ctrl_loss_tmo=5"]) {
        assert(text.split(",").includes(token), text);
      }
    })
  );
});

Deno.test("discover prints the records with the predecessor's names, its numbers as numbers", async () => {
  await withFabric(async (port) => {
    for (const flag of [[], ["-w", "127.0.0.1"], ["-I", "aaaaaaaa-0000-4000-8000-000000000001"]]) {
      const { status, stdout, stderr } = await runIn(
        ["discover", "-a", "127.0.0.1", "-s", String(port), "-t", "tcp", "-q", host, ...flag, noFiles],
      );
      assertEquals([status, stderr], [0, ""]);
      assert(stdout.startsWith("[\n  {\n"), "Two blanks a level, as Go indents it");
      const records = JSON.parse(stdout) as Record<string, unknown>[];
      assert(records.length >= 2);
      for (const record of records) {
        for (const name of ["portid", "cntlid", "trsvcid", "subtype"]) {
          assertEquals(typeof record[name], "number", `${name} of ${stdout}`);
        }
        for (const name of ["subnqn", "traddr"]) assertEquals(typeof record[name], "string", name);
      }
    }
  });
});

Deno.test("list ctrl has PCIe controllers too, and the predecessor's names for all", async () => {
  await using tree = await HostTree.make();
  await tree.addController({ name: "nvme0", subsysnqn: cluster });
  await tree.addController({ name: "nvme1", subsysnqn: "nqn.x", transport: "pcie" });
  const { status, stdout } = await runIn(["list", "ctrl"], {}, { hostRoot: tree.root });
  const found = JSON.parse(stdout) as Record<string, Record<string, unknown>>;
  assertEquals([status, Object.keys(found)], [0, ["nvme0", "nvme1"]]);
  const { State: _, ...own } = found.nvme0!;
  assertEquals(own, {
    Traddr: "10.0.0.1",
    Trsvcid: 4420,
    Transport: "tcp",
    Subsysnqn: cluster,
    HostTraddr: "",
    Device: "/dev/nvme0",
  });
  assertEquals([found.nvme1!.Transport, found.nvme1!.Trsvcid, found.nvme1!.Device], [
    "pcie",
    0,
    "/dev/nvme1",
  ]);
});

Deno.test("disconnect and disconnect-all ask nobody in a script, and end with 0 when all is gone", async () => {
  for (
    const args of [["disconnect", "-d", "/dev/nvme0"], ["disconnect", "-d", "nvme0"], ["disconnect-all"]]
  ) {
    await using tree = await HostTree.make();
    await tree.addController({ name: "nvme0", subsysnqn: cluster });
    await tree.addController({ name: "nvme1", subsysnqn: "nqn.x", transport: "pcie" });
    const { status, stderr } = await runIn(args, {}, { hostRoot: tree.root });
    assertEquals([status, stderr, await tree.deleted()], [0, "", ["nvme0"]]);
  }
});

Deno.test("remove-hostnqn of a file that is gone is well, and prints nothing", async () => {
  await withDirectory(async (root) => {
    const directory = ["--clientConfigDir", `${root}/d`];
    const add = [
      "add-hostnqn",
      "-a",
      "10.0.0.1:8009,10.0.0.2:8009",
      "--name",
      "v2",
      "-n",
      cluster,
      `-q=${host}`,
    ];
    const { status, stdout } = await runIn([...add, "-t", "tcp", ...directory]);
    assertEquals([status, stdout], [0, `{\n  "name": "${root}/d/v2"\n}\n`]);
    const text = await Deno.readTextFile(`${root}/d/v2`);
    assertEquals(text.match(/^-t tcp -a 10\.0\.0\.[12] -s 8009 -q \S+ -n \S+$/gm)?.length, 2, text);
    const remove = ["remove-hostnqn", "-n", "v2", ...directory];
    assertEquals(await runIn(remove), { status: 0, stdout, stderr: "" });
    const again = await runIn(remove);
    assertEquals([again.status, again.stdout], [0, ""]);
    const never = await runIn(["remove-hostnqn", "--name", "v2", "--clientConfigDir", `${root}/none`]);
    assertEquals([never.status, never.stdout], [0, ""]);
  });
});
