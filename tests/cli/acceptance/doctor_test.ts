/** The real `doctor` beside a real agent on a fabric of three nodes, and as somebody who is not root. */
import { assert, assertEquals } from "../../assert.ts";
import { denoWords } from "../../faults/child_process.ts";
import { ControlledAgent } from "../controlled_agent.ts";
import { cluster, host, withDirectory } from "../memory_environment.ts";
import { eventually, type ProcessOptions, runProgramProcess } from "../program_process.ts";
import { nobody, withoutRoot } from "../without_root.ts";

interface Found {
  readonly group: string;
  readonly check: string;
  readonly verdict: string;
  readonly message: string;
}

Deno.test("doctor finds sessions, paths and controllers well beside an agent that runs, then controllers that no log names, then no agent", async () => {
  await withDirectory(async (root) => {
    await using it = await ControlledAgent.create(root);
    const socket = `${root}/run/control.sock`;
    await using agent = it.serve("--control.socket", socket);
    await eventually(
      "All paths live",
      async () => (await runProgramProcess(["status", "--socket", socket])).status === 0,
    );
    const settings = await writeSettings(it, socket);
    const look = async (...more: string[]) => {
      const program = denoWords("agent_process.ts");
      // That program says everything on one stream.
      const { stderr } = await runProgramProcess(["doctor", "-o", "json", "--config", settings, ...more], {
        program,
        env: { FAULT_KERNEL: it.kernelSocket },
      });
      const report = stderr.replace(/^discovery-client: Wrote .*\n/m, "");
      return (JSON.parse(report) as { findings: Found[] }).findings;
    };
    const verdicts = (findings: readonly Found[], group: string) =>
      findings.filter((finding) => finding.group === group).map(({ verdict, message }) =>
        `${verdict} ${message}`
      );

    const bundle = `${root}/ticket.tar.gz`;
    const well = await look("--bundle", bundle);
    const { summary } = JSON.parse(await packed(bundle, "status.json"));
    assertEquals([summary.pathsWanted, summary.pathsLive], [6, 6], "the running agent's status");
    const events = (await packed(bundle, "events.jsonl")).trimEnd().split("\n").map((it) => JSON.parse(it));
    assert(events.some(({ kind }) => kind === "connect"), "what has happened in it");
    assert(
      /^ok It runs \(pid \d+\): 6 of 6 paths live/.test(verdicts(well, "agent")[0]!),
      verdicts(well, "agent")[0],
    );
    assertEquals(verdicts(well, "endpoints").map((text) => text.slice(0, 6)), ["ok log", "ok log", "ok log"]);
    const paths = verdicts(well, "paths");
    assertEquals(
      paths.slice(0, 6).map((text) => text.replace(/\d+/, "N")),
      new Array(6).fill("ok live as nvmeN"),
    );
    assertEquals(paths.slice(6), ["ok 6 over TCP, each named by a log"]);

    // The agent keeps what is connected; no log names it any more.
    it.fabric.removeSubsystem("nqn.2024-01.org.example:sub2");
    const gone = verdicts(await look(), "paths").slice(3);
    assertEquals(gone.length, 3, gone.join("\n"));
    for (const text of gone) {
      assert(/^(ok live as|warning) nvme\d+.*named by no log|no log names it/.test(text), text);
    }

    agent.kill("SIGKILL");
    await agent.end();
    const dead = verdicts(await look(), "agent");
    // Where another agent runs on this machine, it says so.
    assert(/^failure (It does not run|A process of its name runs) .*ECONNREFUSED/.test(dead[0]!), dead[0]);
  });
});

Deno.test("doctor works without root: it names what is for root, and its bundle is the user's own", async () => {
  await withDirectory(async (root) => {
    await using it = await ControlledAgent.create(root);
    const socket = `${root}/run/control.sock`;
    it.serve("--control.socket", socket);
    await eventually(
      "It answers",
      async () => (await runProgramProcess(["status", "--socket", socket])).status < 2,
    );
    const settings = await writeSettings(it, socket);
    const options: ProcessOptions = Deno.uid() === 0 ? await withoutRoot(root, nobody - 1) : {};
    const file = `${root}/tmp/ticket.tar.gz`;
    await Deno.mkdir(`${root}/tmp`, { recursive: true });
    const args = ["doctor", "-o", "json", "--config", settings, "--bundle", file];
    const { status, stdout, stderr } = await runProgramProcess(args, options);
    assert(status <= 1 && /Wrote .*ticket\.tar\.gz/.test(stderr), `${status} ${stderr}`);
    const { findings } = JSON.parse(stdout) as { findings: Found[] };
    const endpoints = findings.filter(({ group }) => group === "endpoints");
    assertEquals(endpoints.map(({ verdict }) => verdict), ["ok", "ok", "ok"], JSON.stringify(endpoints));
    const { mode, uid } = await Deno.stat(file);
    assertEquals(mode! & 0o777, 0o600);
    if (Deno.uid() !== 0) return;
    assertEquals(uid, nobody);
    const about = findings.find(({ group }) => group === "agent");
    assertEquals(about?.verdict, "skipped", JSON.stringify(about));
    assert(/takes root, or the group/.test(about!.message), about!.message);
  });
});

/** One file of a bundle, as tar gives it. */
async function packed(bundle: string, name: string): Promise<string> {
  const args = ["-xzOf", bundle, "--wildcards", `*/${name}`];
  const { success, stdout, stderr } = await new Deno.Command("tar", { args }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** One entry, for the first node; the settings' path. */
async function writeSettings(it: ControlledAgent, socket: string): Promise<string> {
  const { root } = it;
  await Deno.mkdir(`${root}/entries`);
  await Deno.writeTextFile(
    `${root}/entries/one`,
    `-a 127.0.0.1 -s ${it.port("n1")} -q ${host} -n ${cluster}\n`,
  );
  await Deno.writeTextFile(
    `${root}/settings.yaml`,
    `clientConfigDir: ${root}/entries\ninternalDir: ${root}/internal\nnvmeHostIDPath: ${root}/hostid\n` +
      `control: {socket: ${socket}}\n`,
  );
  return `${root}/settings.yaml`;
}
