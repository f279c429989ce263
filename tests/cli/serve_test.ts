/** `serve` as a process of its own, without any kernel to connect in: start, lock, signals, temporary directories. */
import { assert, assertEquals } from "../assert.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { cluster, host, runIn, withDirectory } from "./memory_environment.ts";
import { ProgramProcess } from "./program_process.ts";

function serveArgs(root: string): string[] {
  const directories = ["--clientConfigDir", `${root}/d`, "--internalDir", `${root}/i`];
  return ["serve", ...directories, "-e=false", "--debug.endpoint=", "--control.socket="];
}

Deno.test("serve makes its directories, refuses a second agent, and ends on a signal with status 0", async () => {
  await withDirectory(async (root) => {
    await using first = new ProgramProcess(serveArgs(root));
    await first.waitFor(`discovery-client`);
    for (let waits = 0; !await exists(`${root}/i/internal.json`); waits++) {
      assert(waits < 500, `No internal.json:\n${first.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert(await exists(`${root}/d`));
    await using second = new ProgramProcess(serveArgs(root));
    assertEquals((await second.end()).status, 1);
    assert(second.stderr.includes(`another agent, process ${first.pid},`), second.stderr);
    first.kill("SIGHUP");
    await first.waitFor("SIGHUP");
    first.kill("SIGTERM");
    const { status, stdout } = await first.end();
    assertEquals([status, stdout], [0, ""]);
    await using third = new ProgramProcess(serveArgs(root));
    await third.waitFor("Resuming");
    third.kill("SIGINT");
    assertEquals((await third.end()).status, 0);
  });
});

Deno.test("serve goes on where its directories cannot be made, and says so", async () => {
  await withDirectory(async (root) => {
    await Deno.writeTextFile(`${root}/d`, "a file");
    await Deno.writeTextFile(`${root}/i`, "another");
    await using agent = new ProgramProcess(serveArgs(root));
    await agent.waitFor(`Cannot make the directory ${root}/d`);
    await agent.waitFor(`Cannot make the directory ${root}/i`);
    await agent.waitFor("going on");
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
  });
});

Deno.test("serve --dry-run --once prints what it would connect, and leaves nothing behind", async () => {
  const fabric = Fabric.build({
    nodes: 2,
    traddr: (index) => `127.0.0.${index}`,
    discoveryPort: 0,
    mesh: false,
  });
  for (const node of fabric.nodes.values()) for (const address of node.io) address.trsvcid = 0;
  const server = new FabricServer(fabric);
  try {
    fabric.addSubsystem("nqn.2024-01.org.example:a");
    fabric.addSubsystem("nqn.2024-01.org.example:b");
    fabric.refer();
    const [address] = fabric.node("n1").discovery;
    await withDirectory(async (root) => {
      const target = ["-a", `127.0.0.1:${address!.trsvcid}`, "-q", host, "-n", cluster];
      const env = { TMPDIR: root };
      await using table = new ProgramProcess(["serve", "--dry-run", "--once", ...target], { env });
      const { status, stdout } = await table.end();
      assertEquals(status, 0, stdout + table.stderr);
      assert(stdout.includes("2 of 2 endpoints reachable, 4 of 4 paths would be connected"), stdout);

      fabric.addReferral("n1", { traddr: "127.0.0.9", trsvcid: 1 });
      await using json = new ProgramProcess(["serve", "--dry-run", "--once", "-o", "json", ...target], {
        env,
      });
      const found = await json.end();
      assertEquals(found.status, 1, found.stdout + json.stderr);
      const { endpoints, paths } = JSON.parse(found.stdout) as Record<string, { state: string }[]>;
      assertEquals(endpoints!.map(({ state }) => state), ["reachable", "reachable", "unreachable"]);
      assertEquals(paths!.length, 4);
      assertEquals([...Deno.readDirSync(root)], []);
    });
  } finally {
    await server.close();
  }
});

Deno.test("serve --ephemeral without -a only reads the configured directory", async () => {
  await withDirectory(async (root) => {
    await Deno.mkdir(`${root}/tmp`);
    await using agent = new ProgramProcess([...serveArgs(root), "--ephemeral"], {
      env: { TMPDIR: `${root}/tmp` },
    });
    await agent.waitFor(`Entry files are read from ${root}/d`);
    await agent.waitFor("nvme-fabrics");
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["tmp"]);
    assertEquals([...Deno.readDirSync(`${root}/tmp`)], []);
  });
});

const usageErrors: readonly [args: string[], message: string][] = [
  [["-a", "10.0.0.1"], "Cannot use --addresses without --ephemeral or --dry-run"],
  [["--once"], "Cannot use --once without --dry-run"],
  [["-o", "json"], "Cannot use --output without --dry-run"],
  [["--ephemeral", "-a", "10.0.0.1"], "missing --hostnqn, --nqn"],
  [["--ephemeral", "-I", "aaaaaaaa-0000-4000-8000-000000000001"], "missing --addresses"],
  [["--dry-run", "-a", "10.0.0.1", "-q", host, "-n", "a b"], "Cannot use --nqn"],
  [["--ephemeral", "--kato", "soon"], "Cannot use --kato: expected "],
];

Deno.test("serve refuses options that do not go together, before it does anything", async () => {
  for (const [args, message] of usageErrors) {
    const { status, stdout, stderr } = await runIn(["serve", ...args]);
    assertEquals([status, stdout], [2, ""], stderr);
    assert(stderr.includes(message), stderr);
  }
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
