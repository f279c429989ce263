/** Consumers of entry files, each exactly as it behaves: CSI drivers, OpenStack, and whoever follows them. */
import { limits } from "../../src/base/limits.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, host, withDirectory } from "../cli/memory_environment.ts";
import { agentArgs, eventually, ProgramProcess } from "../cli/program_process.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { FabricWorld } from "../sim/fabric_world.ts";

/** Discovery controllers that name nothing, so that no kernel is asked for anything. */
async function withPorts(count: number, action: (ports: number[], root: string) => Promise<void>) {
  const traddr = () => "127.0.0.1";
  const options = { nodes: count, kind: "spdk" as const, traddr, discoveryPort: 0, ioPort: 0, mesh: false };
  const fabric = Fabric.build(options);
  const server = new FabricServer(fabric);
  try {
    const ports = [...fabric.nodes.values()].map(({ discovery }) => discovery[0]!.trsvcid);
    await withDirectory((root) => action(ports, root));
  } finally {
    await server.close();
  }
}

const line = (port: number) => `-t tcp -a 127.0.0.1 -s ${port} -q ${host} -n ${cluster}\n`;

/** A directory on another file system than `path`, or null where there is none. */
async function elsewhere(path: string): Promise<string | null> {
  const here = (await Deno.stat(path)).dev;
  for (const dir of ["/dev/shm", "/run", "/var/tmp"]) {
    try {
      const made = await Deno.makeTempDir({ dir });
      if ((await Deno.stat(made)).dev !== here) return made;
      await Deno.remove(made);
    } catch {
      // Not here, or not ours to write to.
    }
  }
  return null;
}

/** What `mv` does between file systems: a new file, then its content, then mode and times, then the old one goes. */
async function moveAcross(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("mv", { args: [from, to] }).output();
  assert(success, `mv ${from} ${to}`);
}

Deno.test("files with and without suffix, moved across file systems, a comment first, mode 0600: read, and never written", async () => {
  await withPorts(3, async ([first = 0, second = 0, third = 0], root) => {
    const dir = `${root}/d`;
    await Deno.mkdir(dir);
    const temporary = await elsewhere(root) ?? await Deno.makeTempDir();
    try {
      await using agent = new ProgramProcess(agentArgs(root));
      await agent.waitFor("discovery-client ");
      const files: readonly [name: string, text: string][] = [
        ["lightos-csi", `# Written by a CSI driver, do not edit\n${line(first)}`],
        ["openstack.conf", `#\n# discovery-client\n#\n\n${line(second)}${line(first)}`],
        // No end to its last line.
        ["by-hand.conf", line(third).trimEnd()],
      ];
      for (const [name, text] of files) {
        await Deno.writeTextFile(`${temporary}/${name}`, text, { mode: 0o600 });
        await moveAcross(`${temporary}/${name}`, `${dir}/${name}`);
      }
      const stats = () => Promise.all(files.map(([name]) => Deno.stat(`${dir}/${name}`)));
      const before = await stats();
      assertEquals(before.map(({ mode }) => (mode ?? 0) & 0o777), [0o600, 0o600, 0o600]);
      for (const port of [first, second, third]) {
        await agent.waitFor(new RegExp(`Discovery log read: .*endpoint=127.0.0.1:${port} `));
      }
      agent.kill("SIGTERM");
      assertEquals((await agent.end()).status, 0);
      assertEquals(
        agent.lines(" WARN ").filter((text) => text.includes(dir)),
        [],
        "Nothing is wrong with them",
      );
      for (const [at, { ino, mtime, ctime, mode }] of (await stats()).entries()) {
        const was = before[at]!;
        assertEquals([ino, mtime, ctime, mode], [was.ino, was.mtime, was.ctime, was.mode], files[at]![0]);
        assertEquals(await Deno.readTextFile(`${dir}/${files[at]![0]}`), files[at]![1]);
      }
      assertEquals([...Deno.readDirSync(dir)].length, files.length, "No file of ours among them");
    } finally {
      await Deno.remove(temporary, { recursive: true });
    }
  });
});

Deno.test("a file that is created first and written later never counts half", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 1, mesh: false });
  const { clock, configDir, network } = world.memory;
  await world.start();
  const text = "# a comment\n" +
    ["10.0.0.1", "10.0.0.2"].map((address) => `-t tcp -a ${address} -q ${host} -n ${cluster}\n`).join("");
  let isWritten = false;
  configDir.writeSlowly("cluster", text, 20, 100).then(() => isWritten = true);
  await clock.runUntil(() => isWritten, 10_000, "The copy");
  await clock.runUntil(() => world.livePaths(host).length === 2, 5_000, "Both paths");
  assertEquals(world.endpoints(), ["10.0.0.1:8009", "10.0.0.2:8009"]);
  const strangers = [...network.counts.dialsTo.keys()].filter((to) =>
    !/^10\.0\.0\.[12]:(8009|4420)$/.test(to)
  );
  assertEquals(strangers, [], "No address was read half");
  assertEquals(world.memory.log.find("cluster", "warn").map(({ message }) => message), []);
  await world.stop();
});

/** A world whose file is gone for so long, so often, every ten seconds. */
async function withGaps(gapMs: number, count: number): Promise<FabricWorld> {
  const world = new FabricWorld({ nodes: 3, subsystems: 2 });
  const { clock, configDir } = world.memory;
  world.dropFile("volumes", ["n1"]);
  const text = configDir.read("volumes")!;
  await world.start();
  await world.untilLive(6, 5_000);
  await clock.advance(2_000);
  for (let n = 0; n < count; n++) {
    configDir.remove("volumes");
    await clock.advance(gapMs);
    configDir.write("volumes", text);
    await clock.advance(10_000 - gapMs);
  }
  return world;
}

const sessions = ["10.0.0.1:8009", "10.0.0.2:8009", "10.0.0.3:8009"];

Deno.test("a file that is missed and made again at once costs not even a session", async () => {
  const gapMs = limits.fileSettleMs - 2 * limits.rescanDelayMs;
  const world = await withGaps(gapMs, 10);
  const { kernel, network } = world.memory;
  assertEquals(sessions.map((address) => network.counts.dialsTo.get(address)), [1, 1, 1]);
  assertEquals([kernel.losses, kernel.connects.length, world.endpoints()], [[], 6, sessions]);
  await world.stop();
});

Deno.test("a file whose owner makes it again every second costs a session each time, and no controller", async () => {
  const count = 10;
  const world = await withGaps(1_000, count);
  const { kernel, network, log } = world.memory;
  assertEquals(
    [kernel.losses, kernel.connects.length],
    [[], 6],
    "No controller is touched, none is asked for",
  );
  assertEquals(world.livePaths(), world.offeredPaths());
  assertEquals([world.endpoints(), world.agent.summary().sessionsLive], [sessions, 3]);
  for (const address of sessions) {
    const dials = network.counts.dialsTo.get(address)!;
    assert(dials <= 1 + count, `${dials} sessions to ${address} for ${count} times`);
  }
  // Shut down in order: no target has to find out by itself.
  assertEquals(log.find("", "warn").map(({ message }) => message), []);
  assertEquals(await world.stop(), { timers: 0, sockets: 0, watchers: 0 });
});

Deno.test("a file that is deleted on detach leaves the volume's controller, and what is detached stays so", async () => {
  const world = new FabricWorld({ nodes: 2, subsystems: 2 });
  const { clock, configDir, kernel, network } = world.memory;
  world.dropFile("volume", ["n1"]);
  await world.start();
  await world.untilLive(4, 5_000);
  configDir.remove("volume");
  await clock.runUntil(() => world.endpoints().length === 0, 1_500, "The end of the list");
  await clock.advance(60_000);
  assertEquals([world.livePaths().length, kernel.losses, network.openSockets], [4, [], 0]);
  // The consumer takes away what it does not need any more.
  for (const { name } of kernel.list()) kernel.deleteController(name);
  world.fabric.addSubsystem("nqn.2024-01.org.example:later");
  await clock.advance(600_000);
  assertEquals([kernel.list(), kernel.connects.length], [[], 4], "Nobody brings it back");
  // After a restart neither: the memory knows that nothing is left.
  await world.stop();
  await world.start();
  await clock.advance(60_000);
  assertEquals([kernel.list(), world.endpoints()], [[], []]);
  await world.stop();
});

const recorded = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--allow-all",
  "--cached-only",
  new URL("../cli/recorded_program.ts", import.meta.url).pathname,
];

/** Nothing but /dev, the entry files and the program's own tree; all of it read-only, the output of the test aside. */
const containerScript = `
set -e
mount --make-rprivate /
mount --bind "$1/out" "$1/out"
mount -t tmpfs none /etc
mkdir -p /etc/discovery-client/discovery.d
mount --bind "$1/d" /etc/discovery-client/discovery.d
mount -o remount,ro /etc
mount -o remount,ro,bind /
if mountpoint -q /tmp; then mount -o remount,ro,bind /tmp; fi
shift
exec "$@"
`;

async function canUnshare(): Promise<boolean> {
  try {
    const args = ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"];
    return (await new Deno.Command("unshare", { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

Deno.test("a container with /dev and discovery.d alone, DC_MAXIOQUEUES set: it starts, says what it lacks, and works", async () => {
  const fabric = Fabric.build({ nodes: 1, traddr: () => "127.0.0.1", discoveryPort: 0, ioPort: 0 });
  fabric.addSubsystem("nqn.2024-01.org.example:volume");
  const server = new FabricServer(fabric);
  try {
    await withDirectory(async (root) => {
      for (const name of ["d", "out"]) await Deno.mkdir(`${root}/${name}`);
      await Deno.writeTextFile(`${root}/d/volumes`, line(fabric.node("n1").discovery[0]!.trsvcid));
      const isContainer = await canUnshare();
      // Elsewhere the same by directories that nobody can make.
      const args = isContainer ? ["serve"] : [
        "serve",
        "--clientConfigDir",
        `${root}/d`,
        "--internalDir",
        "/proc/nothing/internal",
      ];
      await using agent = new ProgramProcess(args, {
        program: recorded,
        wrapper: isContainer ? ["unshare", "--mount", "sh", "-c", containerScript, "sh", root] : [],
        env: {
          RECORDED_CONNECTS: `${root}/out/connects`,
          DC_MAXIOQUEUES: "3",
          DC_NVMEHOSTIDPATH: isContainer ? "/etc/nvme/hostid" : "/proc/nothing/hostid",
          DC_DEBUG_ENDPOINT: "",
          NOTIFY_SOCKET: "",
        },
      });
      const told = await agent.waitFor(/internal: /);
      assert(/ (?:WARN|ERROR) .*(?:EROFS|ENOENT|EACCES)/.test(told), told);
      await agent.waitFor("Discovery log read");
      const connects = async () => await Deno.readTextFile(`${root}/out/connects`).catch(() => "");
      await eventually("A connect", async () => (await connects()).includes(",nr_io_queues=3"));
      agent.kill("SIGTERM");
      assertEquals((await agent.end()).status, 0);
      assertEquals(agent.lines("This is a bug"), []);
      // One line for each thing that is not there, and nothing repeated.
      const complaints = agent.stderr.split("\n").filter((text) => / (?:WARN|ERROR) /.test(text));
      const words = complaints.map((text) => text.replace(/^\S+ /, "").replace(/ caller=.*/, ""));
      assertEquals(new Set(words).size, words.length, complaints.join("\n"));
      assert(words.length <= 5, complaints.join("\n"));
    });
  } finally {
    await server.close();
  }
});
