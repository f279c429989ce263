/** The log of `serve` as files: the last line before an end, rotation from outside, a full disk, changes at run time. */
import { assert, assertEquals } from "../../assert.ts";
import { withDirectory } from "../memory_environment.ts";
import { agentArgs, eventually, ProgramProcess } from "../program_process.ts";

function lines(path: string): string[] {
  try {
    return Deno.readTextFileSync(path).split("\n").slice(0, -1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function stop(agent: ProgramProcess): Promise<void> {
  agent.kill("SIGTERM");
  assertEquals((await agent.end()).status, 0);
}

Deno.test("serve has on stderr what it has in its file, the last line before its end included", async () => {
  await withDirectory(async (root) => {
    const path = `${root}/logs/dc.log`;
    await using agent = new ProgramProcess(
      agentArgs(root, "--logging.filename", path, "--logging.reportcaller"),
    );
    await agent.waitFor("starts");
    await stop(agent);
    const source = lines(new URL("../../../src/cli/serve.ts", import.meta.url).pathname);
    const number = source.findIndex((line) => line.includes('.info("Stopped")')) + 1;
    const last = ` INFO Stopped caller=src/cli/serve.ts:${number}`;
    assert(number > 0 && lines(path).some((line) => line.endsWith(last)), agent.stderr);
    assertEquals(lines(path), agent.stderr.split("\n").slice(0, -1));
  });
});

Deno.test("serve that ends because of a failure has that in its file too", async () => {
  await withDirectory(async (root) => {
    await using first = new ProgramProcess(agentArgs(root));
    await eventually("internal.json", () => lines(`${root}/i/internal.json`).length > 0);
    const path = `${root}/second.log`;
    await using second = new ProgramProcess(agentArgs(root, "--logging.filename", path));
    assertEquals((await second.end()).status, 1);
    assert(/ ERROR The agent ends: .*another agent/.test(lines(path).at(-1) ?? ""), lines(path).join("\n"));
    assertEquals(second.lines("another agent").length, 1, "stderr is told once");
    await stop(first);
  });
});

Deno.test("serve writes a new file after SIGHUP, for who rotates logs from outside", async () => {
  await withDirectory(async (root) => {
    const path = `${root}/dc.log`;
    await using agent = new ProgramProcess(agentArgs(root, "--logging.filename", path));
    await eventually("a running agent", () => lines(`${root}/i/internal.json`).length > 0);
    Deno.renameSync(path, `${path}.1`);
    agent.kill("SIGHUP");
    await eventually("the new file", () => lines(path).some((line) => line.includes("SIGHUP: ")));
    await stop(agent);
    assertEquals([...lines(`${path}.1`), ...lines(path)], agent.stderr.split("\n").slice(0, -1));
  });
});

Deno.test("serve takes another file, form and caller while it runs", async () => {
  await withDirectory(async (root) => {
    const settings = `${root}/settings.yaml`;
    const put = (text: string) => Deno.writeTextFileSync(settings, text);
    put(`logging: {filename: ${root}/a.log}\n`);
    await using agent = new ProgramProcess(agentArgs(root, "--config", settings));
    await agent.waitFor("starts");
    put(`logging: {filename: ${root}/b.log, format: json, reportCaller: true}\n`);
    await agent.waitFor(
      "Settings changed, and count from now on: logging.filename, logging.format, logging.reportCaller",
    );
    await stop(agent);
    const before = lines(`${root}/a.log`);
    assert(before.at(-1)?.includes("Settings changed"), `${before.join("\n")}\n\n${agent.stderr}`);
    const last = JSON.parse(lines(`${root}/b.log`).at(-1) ?? "{}");
    assertEquals([last.level, last.message, Object.keys(last)], [
      "info",
      "Stopped",
      ["time", "level", "message", "caller"],
    ]);
    assertEquals(agent.stderr.trimEnd().split("\n").at(-1), lines(`${root}/b.log`).at(-1));
  });
});

Deno.test("serve --dry-run leaves the file of the settings alone", async () => {
  await withDirectory(async (root) => {
    const settings = `${root}/settings.yaml`;
    Deno.writeTextFileSync(settings, `logging: {filename: ${root}/a.log, level: debug}\n`);
    await using agent = new ProgramProcess([
      ...["serve", "--dry-run", "--once", "--config", settings],
      ...["--debug.endpoint=", "-a", "127.0.0.1:9", "-q", "nqn.2024-01.io.example:h"],
      ...["-n", "nqn.2024-01.io.example:c", "--logging.level", "debug"],
    ]);
    await agent.end();
    assert(agent.lines(" DEBUG ").length > 0, agent.stderr);
    assertEquals(lines(`${root}/a.log`), []);
  });
});

/** A file system of 16 KiB of its own, where this user may make one. */
const inSmallDisk = (place: string) => [
  ...["unshare", "-rm", "sh", "-c"],
  `mount -t tmpfs -o size=16k none ${place} && head -c 16384 /dev/zero >${place}/filler; exec "$@"`,
  "sh",
];

async function canMount(place: string): Promise<boolean> {
  const [command = "", ...args] = [...inSmallDisk(place), "true"];
  const run = new Deno.Command(command, { args, stderr: "null" });
  return await run.output().then(({ success }) => success, () => false);
}

/** Where no file system can be made, a directory that is a file is what the log cannot be written to. */
async function trouble(
  root: string,
): Promise<{ wrapper: string[]; errno: string; end(pid: number): string }> {
  const place = `${root}/logs`;
  Deno.mkdirSync(place);
  if (await canMount(place)) {
    return {
      wrapper: inSmallDisk(place),
      errno: "ENOSPC",
      end(pid) {
        const seen = `/proc/${pid}/root${place}`;
        Deno.removeSync(`${seen}/filler`);
        return `${seen}/dc.log`;
      },
    };
  }
  Deno.removeSync(place);
  Deno.writeTextFileSync(place, "");
  return {
    wrapper: [],
    errno: "ENOTDIR",
    end() {
      Deno.removeSync(place);
      return `${place}/dc.log`;
    },
  };
}

Deno.test("serve goes on while the disk of its log is full, tells it once, and has all lines when there is room", async () => {
  await withDirectory(async (root) => {
    const { wrapper, errno, end } = await trouble(root);
    const args = agentArgs(root, "--logging.filename", `${root}/logs/dc.log`);
    await using agent = new ProgramProcess(args, { wrapper });
    const line = await agent.waitFor("Cannot write the log file");
    assert(line.includes(" WARN ") && line.includes(errno), line);
    await agent.waitFor("nvme-fabrics");
    agent.kill("SIGHUP");
    await agent.waitFor("SIGHUP: ");
    const path = end(agent.pid);
    await agent.waitFor("is written again: no line was lost");
    const own = (line: string) => !line.includes("log file");
    assertEquals(agent.lines("Cannot write the log file").length, 1);
    await eventually(
      "all lines",
      () => lines(path).length === agent.stderr.split("\n").filter(own).length - 1,
    );
    assertEquals(lines(path), agent.stderr.split("\n").slice(0, -1).filter(own));
    await stop(agent);
  });
});
