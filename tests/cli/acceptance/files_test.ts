/**
 * The real process among files and directories of every bad kind: each is told clearly, and costs nothing else. The
 * endpoints are ports of a target without volumes, so that no kernel is asked for anything.
 */
import { assert, assertEquals } from "../../assert.ts";
import { Fabric } from "../../fabric/fabric.ts";
import { FabricServer } from "../../fabric/tcp_server.ts";
import { cluster, host, withDirectory } from "../memory_environment.ts";
import { agentArgs, ProgramProcess } from "../program_process.ts";

/** One line of an entry file. */
function line(port: number, options = ""): string {
  return `-t tcp -a 127.0.0.1 -s ${port} -q ${host} -n ${cluster} ${options}\n`;
}

/** Ports of discovery controllers that name nothing. */
async function withTargets(count: number, action: (ports: number[], root: string) => Promise<void>) {
  const traddr = () => "127.0.0.1";
  const fabric = Fabric.build({
    nodes: count,
    kind: "spdk",
    traddr,
    discoveryPort: 0,
    ioPort: 0,
    mesh: false,
  });
  const server = new FabricServer(fabric);
  try {
    const ports = [...fabric.nodes.values()].map(({ discovery }) => discovery[0]!.trsvcid);
    await withDirectory((root) => action(ports, root));
  } finally {
    await server.close();
  }
}

const secret = "DHHC-1:00:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0:";

/** Bad lines; what is told of each, after file and line. */
const badLines: readonly [text: string, told: string][] = [
  [`-t rdma -a 10.0.0.1 -q ${host} -n ${cluster}`, '1:1: Cannot use -t "rdma": expected tcp'],
  [`-a 10.0.0.1 -s 0 -q ${host} -n ${cluster}`, '2:13: Cannot use -s "0": expected a port from 1 to 65535'],
  [`-a 10.0.0.1:70000 -q ${host} -n ${cluster}`, "3:1: Cannot use -a "],
  [`-a 10.0.0.1 --hostnq ${host} -n ${cluster}`, '4:13: Unknown option "--hostnq"; did you mean --hostnqn?'],
  ["-a 10.0.0.1", "5:1: Cannot use line: missing --hostnqn, --subsysnqn"],
  [`-a 10.0.0.1 -q x,hostid=1 -n ${cluster}`, "6:13: Cannot use -q "],
  [`-a 10.0.0.1 -q ${host} -n ${cluster} -S nonsense`, "7:120: Cannot use -S [secret]: expected DHHC-1"],
  [`-a 10.0.0.1 -q ${host} -n "${cluster}`, "8:88: Cannot use line: a quote is not closed"],
  [
    `-a 10.0.0.1 -q ${host} -n ${cluster} \x1b[2J`,
    "9:120: Cannot use line: it holds a byte that is not text",
  ],
  [`connect-all`, "10:1: Cannot use line: a value stands here without an option before it"],
];

Deno.test("serve takes the good lines of a directory full of bad files, and tells of each bad one once", async () => {
  await withTargets(3, async ([first = 0, second = 0, third = 0], root) => {
    const dir = `${root}/d`;
    await Deno.mkdir(`${dir}/directory`, { recursive: true });
    await Deno.writeTextFile(`${dir}/good`, `# a comment\n\n${line(first, `-S ${secret}`)}`, { mode: 0o600 });
    await Deno.writeTextFile(
      `${dir}/twice`,
      line(second) + line(second) + line(second, "-l 5") + line(first),
    );
    await Deno.writeTextFile(`${dir}/huge`, line(first).repeat(60_000).padEnd(10 * 1024 * 1024, "#"));
    const garbage = Uint8Array.from({ length: 65_536 }, (_, at) => (at * 7_919) % 251);
    await Deno.writeFile(`${dir}/garbage`, garbage);
    await Deno.symlink("/nowhere", `${dir}/dangling`);
    await Deno.symlink("loop", `${dir}/loop`);
    await Deno.writeTextFile(
      `${dir}/bad-lines`,
      badLines.map(([text]) => `${text}\n`).join("") + line(third),
    );
    await Deno.writeTextFile(`${dir}/tmp.dc.half`, "-a half a line");
    await Deno.writeTextFile(`${dir}/.hidden`, "-a half a line");
    // Root reads it all the same, and finds an endpoint that it knows.
    const isRoot = Deno.uid() === 0;
    await Deno.writeTextFile(`${dir}/locked`, line(first, `-S ${secret}`), { mode: 0o000 });

    await using agent = new ProgramProcess(agentArgs(root));
    for (const port of [first, second, third]) {
      await agent.waitFor(new RegExp(`Discovery log read: .*endpoint=127.0.0.1:${port} `));
    }
    // Its last line has no end: it is given a moment longer.
    await agent.waitFor('Cannot use entry file "garbage": it is not text');
    const warnings = agent.lines(" WARN ").map((text) => text.replace(/^\S+ WARN /, ""));
    const expected = [
      ...badLines.map(([, told]) => `bad-lines:${told}`),
      `Cannot read ${dir}/dangling: ENOENT (no such file or directory)`,
      'Cannot use entry file "garbage": it is not text',
      `Cannot read ${dir}/huge: it has more than 1048576 bytes`,
      ...isRoot ? [] : [`Cannot read ${dir}/locked: EACCES (permission denied)`],
      `Cannot read ${dir}/loop: ELOOP (too many symbolic links)`,
      "twice:2:1: Cannot use line: line 1 names the same endpoint of the same cluster",
      "twice:3:1: Cannot use line: line 1 names the same endpoint of the same cluster",
      "twice:4: Ignored options: good line 3 names the same endpoint with other options",
    ];
    assertEquals(warnings.length, expected.length, warnings.join("\n"));
    for (const text of expected) {
      assertEquals(warnings.filter((line) => line.startsWith(text)).length, 1, text);
    }
    assert(
      !agent.stderr.includes("c2VjcmV0") && !agent.stderr.includes("\x1b"),
      "No secret, no control character",
    );

    // A bad file that is mended counts at once; one that is spoilt keeps what it said.
    await Deno.writeFile(`${dir}/good`, garbage);
    await agent.waitFor('Cannot use entry file "good": it is not text');
    await Deno.remove(`${dir}/twice`);
    await agent.waitFor(new RegExp(`Endpoint removed: .*endpoint=127.0.0.1:${second} `));
    assertEquals(agent.lines("Endpoint removed").length, 1);
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
  });
});

Deno.test("serve says that its directories are files, and goes on when they are directories", async () => {
  await withTargets(1, async ([port = 0], root) => {
    await Deno.writeTextFile(`${root}/d`, "a file");
    await Deno.writeTextFile(`${root}/i`, "another");
    await using agent = new ProgramProcess(agentArgs(root, "--internalDir", `${root}/i/below`));
    await agent.waitFor(`Cannot read the directory ${root}/d: ENOTDIR (not a directory)`);
    await agent.waitFor(`Cannot keep other agents out of ${root}/i/below, going on: `);
    await Deno.remove(`${root}/d`);
    await Deno.mkdir(`${root}/d`);
    await Deno.writeTextFile(`${root}/d/good`, line(port));
    await agent.waitFor("Discovery log read");
    await agent.waitFor(
      `Cannot save the state, going on without: Cannot write ${root}/i/below/internal.json: ENOTDIR`,
    );
    await Deno.remove(`${root}/i`);
    await Deno.mkdir(`${root}/i/below`, { recursive: true });
    await agent.waitFor(`The state is saved again to ${root}/i/below/internal.json`);
    const { entries } = JSON.parse(await Deno.readTextFile(`${root}/i/below/internal.json`));
    assertEquals(entries.map(({ Trsvcid }: { Trsvcid: number }) => Number(Trsvcid)), [port]);
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
  });
});

/** A disk that refuses writes until it is mended. */
interface BadDisk {
  /** What the agent has to say of it. */
  readonly errno: string;
  mend(): Promise<void>;
  remove(): Promise<void>;
}

async function isDone(command: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output();
  return success;
}

/** A tiny disk where this user can mount one; else a directory in the place of the file that is written first. */
async function badDisk(path: string, kind: "full" | "read-only"): Promise<BadDisk> {
  await Deno.mkdir(path);
  if (!await isDone("mount", "-t", "tmpfs", "-o", "size=16k", "none", path)) {
    await Deno.mkdir(`${path}/internal.json.tmp/in-the-way`, { recursive: true });
    const mend = () => Deno.remove(`${path}/internal.json.tmp`, { recursive: true });
    return { errno: "E", mend, remove: () => Promise.resolve() };
  }
  const remove = async () => assert(await isDone("umount", path));
  if (kind === "read-only") {
    const remount = async (mode: string) => assert(await isDone("mount", "-o", `remount,${mode}`, path));
    await remount("ro");
    return { errno: "EROFS (read-only file system)", mend: () => remount("rw"), remove };
  }
  const mend = () => Deno.remove(`${path}/filler`);
  await Deno.writeFile(`${path}/filler`, new Uint8Array(64 * 1024)).catch(() => {});
  return { errno: "ENOSPC (no space left on the device)", mend, remove };
}

Deno.test("serve goes on with a full or read-only disk, says so once, and saves when it is mended", async () => {
  await Promise.all(
    (["full", "read-only"] as const).map((kind) =>
      withTargets(1, async ([port = 0], root) => {
        await Deno.mkdir(`${root}/d`);
        await Deno.writeTextFile(`${root}/d/good`, line(port));
        const disk = await badDisk(`${root}/i`, kind);
        try {
          await using agent = new ProgramProcess(agentArgs(root));
          const complaint =
            `Cannot save the state, going on without: Cannot write ${root}/i/internal.json: ${disk.errno}`;
          await agent.waitFor(complaint);
          await agent.waitFor("Discovery log read");
          await disk.mend();
          await agent.waitFor(`The state is saved again to ${root}/i/internal.json`);
          assertEquals(agent.lines("Cannot save the state").length, 1);
          assert((await Deno.readTextFile(`${root}/i/internal.json`)).includes(String(port)));
          agent.kill("SIGTERM");
          assertEquals((await agent.end()).status, 0);
        } finally {
          await disk.remove();
        }
      })
    ),
  );
});
