/** What `serve` makes of a host that has no identity yet: files as root, none where it leaves no trace. */
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "./memory_environment.ts";
import { agentArgs, ProgramProcess } from "./program_process.ts";

const uuid = "11111111-2222-4333-8444-555555555555";

async function namesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
}

async function startAndStop(args: readonly string[], root: string): Promise<string> {
  const env = { DC_NVMEHOSTIDPATH: `${root}/nvme/hostid`, TMPDIR: root };
  await using agent = new ProgramProcess(args, { env });
  // Whatever the agent says first: it knows the identity by then.
  await agent.waitFor(/nvme-fabrics|Cannot read the directory/);
  agent.kill("SIGTERM");
  assertEquals((await agent.end()).status, 0);
  return agent.stderr;
}

Deno.test("serve makes the host identifier's file of the host NQN's, as root and never in passing", async () => {
  await withDirectory(async (root) => {
    await Deno.mkdir(`${root}/nvme`);
    await Deno.writeTextFile(`${root}/nvme/hostnqn`, `nqn.2014-08.org.nvmexpress:uuid:${uuid}\n`);
    for (const flag of ["--ephemeral", "--dry-run"]) {
      const told = await startAndStop([...agentArgs(root), flag], root);
      const text = `The host's identifier is ${uuid}, from the UUID in the host NQN's file`;
      // A dry run tells warnings only.
      assertEquals(told.includes(text), flag === "--ephemeral", told);
      assertEquals(await namesIn(`${root}/nvme`), ["hostnqn"], flag);
    }
    await startAndStop(agentArgs(root), root);
    const isRoot = Deno.uid() === 0;
    assertEquals(await namesIn(`${root}/nvme`), isRoot ? ["hostid", "hostnqn"] : ["hostnqn"]);
    if (isRoot) assertEquals(await Deno.readTextFile(`${root}/nvme/hostid`), `${uuid}\n`);
  });
});

Deno.test("serve goes by the same identifier at every start, without a directory for the host's files", async () => {
  await withDirectory(async (root) => {
    const first = /The host's identifier is (\S+), from/.exec(await startAndStop(agentArgs(root), root))?.[1];
    assert(first !== undefined, "No identifier");
    const second = /The host's identifier is (\S+), from/.exec(await startAndStop(agentArgs(root), root))
      ?.[1];
    assertEquals(second, first);
    assert(!(await namesIn(root)).includes("nvme"), "The directory was made");
  });
});
