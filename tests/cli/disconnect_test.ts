/** `disconnect` and `disconnect-all` on hosts in a directory: what goes, what stays and why, and who is asked. */
import { assert, assertEquals } from "../assert.ts";
import { HostTree } from "./host_tree.ts";
import { type CliResult, runIn } from "./memory_environment.ts";

const volumes = "nqn.2016-01.com.example:volumes";
const other = "nqn.2016-01.com.example:other";

interface JsonRow {
  readonly Device: string;
  readonly Result: string;
  readonly Reason?: string;
}

/** Two paths to volumes, of which nvme0n1 is mounted; one to another subsystem; a disk of the host's own. */
async function makeHost(): Promise<HostTree> {
  const tree = await HostTree.make();
  await tree.addController({ name: "nvme0", subsysnqn: volumes, paths: { nvme0c0n1: "optimized" } });
  await tree.addController({
    name: "nvme1",
    subsysnqn: volumes,
    traddr: "10.0.0.2",
    paths: { nvme0c1n1: "optimized" },
  });
  await tree.addController({ name: "nvme2", subsysnqn: other, paths: { nvme2c2n1: null } });
  await tree.addController({
    name: "nvme3",
    subsysnqn: "nqn.pci",
    transport: "pcie",
    paths: { nvme3n1: null },
  });
  for (const [name, number] of [["nvme0n1", "259:0"], ["nvme2n1", "259:1"], ["nvme3n1", "259:2"]] as const) {
    await tree.addDevice(name, number);
  }
  await tree.write("proc/self/mountinfo", "36 1 259:0 / /mnt/a rw - ext4 /dev/nvme0n1 rw\n");
  return tree;
}

async function run(tree: HostTree, ...args: string[]): Promise<CliResult & { rows: [string, string][] }> {
  const result = await runIn(args, {}, { hostRoot: tree.root });
  const rows = result.stdout === "" ? [] : JSON.parse(result.stdout) as JsonRow[];
  return { ...result, rows: rows.map(({ Device, Result }) => [Device.replace("/dev/", ""), Result]) };
}

Deno.test("disconnect takes one path away while another serves the mounted device", async () => {
  for (const device of ["nvme0", "/dev/nvme0"]) {
    await using tree = await makeHost();
    const { status, stdout, stderr } = await run(tree, "disconnect", "-d", device);
    assertEquals([status, stderr], [0, ""]);
    assertEquals(JSON.parse(stdout), [{
      Device: "/dev/nvme0",
      Transport: "tcp",
      Traddr: "10.0.0.1",
      Trsvcid: 4420,
      Subsysnqn: volumes,
      Result: "disconnected",
    }]);
    assertEquals(await tree.deleted(), ["nvme0"]);
  }
});

Deno.test("disconnect by NQN keeps what holds a mounted device and says why, unless --force", async () => {
  await using tree = await makeHost();
  const kept = await run(tree, "disconnect", "-n", volumes);
  assertEquals([kept.status, kept.rows], [1, [["nvme0", "kept"], ["nvme1", "kept"]]]);
  assert(
    kept.stderr.includes(`Kept nvme0 of ${volumes}: it serves nvme0n1 (mounted at /mnt/a)`),
    kept.stderr,
  );
  assertEquals(await tree.deleted(), []);
  const forced = await run(tree, "disconnect", `-n=${volumes}`, "--force");
  assertEquals([forced.status, forced.stderr], [0, ""]);
  assertEquals(await tree.deleted(), ["nvme0", "nvme1"]);
});

Deno.test("disconnect leaves PCIe alone, even with --force, and names what is not there", async () => {
  await using tree = await makeHost();
  const pcie = await run(tree, "disconnect", "-d", "nvme3", "--force");
  assertEquals([pcie.status, pcie.stdout], [1, ""]);
  assert(
    pcie.stderr.startsWith("discovery-client: Cannot disconnect nvme3: its transport is pcie"),
    pcie.stderr,
  );
  const byNqn = await run(tree, "disconnect", "-n", "nqn.2016-01.com.example:none");
  assertEquals([byNqn.status, byNqn.stdout], [0, "[]\n"]);
  assert(byNqn.stderr.includes("No controller is connected to nqn.2016-01.com.example:none"), byNqn.stderr);
  const missing = await run(tree, "disconnect", "-d", "nvme2,nvme7");
  assertEquals([missing.status, missing.stderr], [
    1,
    "discovery-client: Cannot disconnect nvme7: there is no such controller\n",
  ]);
  assertEquals(await tree.deleted(), []);
});

Deno.test("disconnect wants either a controller or an NQN", async () => {
  await using tree = await makeHost();
  const calls: readonly [args: string[], line: string][] = [
    [[], "Cannot tell what to disconnect: give either --device or --nqn"],
    [["-d", "nvme0", "-n", volumes], "Cannot tell what to disconnect"],
    [["-d", "nvme0n1"], 'Cannot use --device "nvme0n1": expected a controller such as nvme0 or /dev/nvme0'],
    [["-d", "../nvme0"], 'Cannot use --device "../nvme0"'],
    [["-n", "a b"], 'Cannot use --nqn "a b"'],
  ];
  for (const [args, line] of calls) {
    const { status, stdout, stderr } = await run(tree, "disconnect", ...args);
    assertEquals([status, stdout], [2, ""]);
    assert(stderr.startsWith(`discovery-client: ${line}`), stderr);
  }
  assertEquals(await tree.deleted(), []);
});

Deno.test("disconnect-all asks nobody where there is no terminal, as the predecessor did not", async () => {
  await using tree = await makeHost();
  const { status, rows } = await run(tree, "disconnect-all");
  assertEquals([status, rows], [1, [["nvme0", "kept"], ["nvme1", "kept"], ["nvme2", "disconnected"]]]);
  assertEquals(await tree.deleted(), ["nvme2"]);
});

Deno.test("disconnect-all --yes takes fabrics controllers away, keeps held ones and never names PCIe", async () => {
  await using tree = await makeHost();
  const { status, rows, stderr } = await runIn(["disconnect-all", "--yes"], {}, {
    hostRoot: tree.root,
    confirm: () => Promise.reject(new Error("Nobody is to be asked")),
  }).then((result) => ({
    ...result,
    rows: (JSON.parse(result.stdout) as JsonRow[]).map((
      { Device, Result },
    ) => [Device.slice("/dev/".length), Result]),
  }));
  assertEquals([status, rows], [1, [["nvme0", "kept"], ["nvme1", "kept"], ["nvme2", "disconnected"]]]);
  assert(!stderr.includes("nvme3"), stderr);
  assertEquals(await tree.deleted(), ["nvme2"]);
  const forced = await runIn(["disconnect-all", "-y", "--force", "-o", "table"], {}, { hostRoot: tree.root });
  assertEquals(forced.status, 0);
  assert(/^DEVICE +RESULT +TRANSPORT +TRADDR +TRSVCID +SUBSYSNQN\n/.test(forced.stdout), forced.stdout);
  assertEquals(await tree.deleted(), ["nvme0", "nvme1", "nvme2"]);
});

Deno.test("disconnect-all asks on a terminal, shows what stays, and takes only what it has shown", async () => {
  await using tree = await makeHost();
  const questions: string[] = [];
  const no = await runIn(["disconnect-all"], {}, {
    hostRoot: tree.root,
    confirm: (question) => Promise.resolve(questions.push(question) === 0),
  });
  assertEquals([no.status, no.stdout, questions], [1, "", ["Disconnect 1 controller?"]]);
  assert(
    no.stderr.includes("  nvme0  nqn.2016-01.com.example:volumes at 10.0.0.1: kept, it serves"),
    no.stderr,
  );
  assert(no.stderr.endsWith("discovery-client: Nothing was disconnected\n"), no.stderr);
  assertEquals(await tree.deleted(), []);
  const yes = await runIn(["disconnect-all"], {}, {
    hostRoot: tree.root,
    confirm: async () => {
      await tree.addController({ name: "nvme4", subsysnqn: other, traddr: "10.0.0.4" });
      return true;
    },
  });
  assertEquals(yes.status, 1);
  assertEquals(await tree.deleted(), ["nvme2"]);
});

Deno.test("disconnect-all of a host without connections prints an empty list", async () => {
  await using tree = await HostTree.make();
  assertEquals(await runIn(["disconnect-all", "--yes"], {}, { hostRoot: tree.root }), {
    status: 0,
    stdout: "[]\n",
    stderr: "discovery-client: No fabrics controller is connected\n",
  });
});
