/** add-hostnqn, remove-hostnqn and auto-detect, as consumers call them. */
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, host, runIn, withDirectory } from "./memory_environment.ts";

const hostid = "aaaaaaaa-0000-4000-8000-000000000001";

Deno.test("add-hostnqn writes a line for each address, and remove-hostnqn removes the file", async () => {
  await withDirectory(async (root) => {
    // It is made when it is missing; the environment names it as it does for the agent.
    const env = { DC_CLIENTCONFIGDIR: `${root}/made/discovery.d/` };
    const path = `${root}/made/discovery.d/volumes`;
    const args =
      `--name volumes -a 10.0.0.1,[FE80::1%eth0]:8010 -a Node1:8011 -q=${host} -n ${cluster} -I=${hostid.toUpperCase()}`;
    const added = await runIn(["add-hostnqn", ...args.split(" ")], env);
    assertEquals(added, { status: 0, stdout: `${JSON.stringify({ name: path }, null, 2)}\n`, stderr: "" });
    const text = await Deno.readTextFile(path);
    const end = `-q ${host} -n ${cluster} -I ${hostid}\n`;
    assertEquals(
      text,
      `-t tcp -a 10.0.0.1 -s 8009 ${end}-t tcp -a fe80::1%eth0 -s 8010 ${end}-t tcp -a node1 -s 8011 ${end}`,
    );
    assertEquals(parseEntryFile("volumes", new TextEncoder().encode(text)).entries.length, 3);
    assertEquals([...Deno.readDirSync(`${root}/made/discovery.d`)].map(({ name }) => name), ["volumes"]);

    const removed = await runIn(["remove-hostnqn", "-n=volumes"], env);
    assertEquals(removed, added);
    const again = await runIn(["remove-hostnqn", "--name", "volumes"], env);
    assertEquals([again.status, again.stdout], [0, ""]);
    assertEquals(
      again.stderr,
      `discovery-client: Nothing to remove: ${root}/made/discovery.d has no volumes\n`,
    );
  });
});

Deno.test("add-hostnqn without -I leaves the host identifier open, and names an address once", async () => {
  await withDirectory(async (directory) => {
    const args = ["--name", "a.conf", "-a", "::1,0:0::1,[::1]:8009", "-q", host, "-n", cluster];
    const { status } = await runIn(["add-hostnqn", ...args, "--clientConfigDir", directory]);
    assertEquals(status, 0);
    assertEquals(
      await Deno.readTextFile(`${directory}/a.conf`),
      `-t tcp -a ::1 -s 8009 -q ${host} -n ${cluster}\n`,
    );
  });
});

const refused: readonly [change: Record<string, string>, message: string][] = [
  [{ "--name": "" }, 'Cannot use --name "": it is empty'],
  [{ "--name": "a/b" }, "it holds a slash"],
  [{ "--name": "." }, "it names a directory"],
  [{ "--name": ".." }, "it names a directory"],
  [{ "--name": "tmp.dc.a" }, "reserved"],
  [{ "-a": "10.0.0.1:0" }, 'Cannot use port "0"'],
  [{ "-a": "10.0.0.1:70000" }, 'Cannot use port "70000"'],
  [{ "-a": "10.0.0.256" }, "expected an IP address or host name"],
  [{ "-a": "," }, "it names none"],
  [{ "-q": "some body" }, "Cannot use --hostnqn"],
  [{ "-q": `${host},hostid=x` }, "comma"],
  [{ "-n": "" }, "Cannot use --nqn"],
  [{ "-I": "00000000-0000-0000-0000-000000000000" }, "expected a UUID that is not all zero"],
  [{ "-t": "rdma" }, "expected tcp"],
];

Deno.test("add-hostnqn refuses what no entry file can hold, and writes nothing", async () => {
  await withDirectory(async (directory) => {
    for (const [change, message] of refused) {
      const values = { "--name": "a", "-a": "10.0.0.1", "-q": host, "-n": cluster, ...change };
      const args = Object.entries(values).flatMap(([option, value]) => [option, value]);
      const { status, stdout, stderr } = await runIn([
        "add-hostnqn",
        ...args,
        "--clientConfigDir",
        directory,
      ]);
      assertEquals([status, stdout], [2, ""], JSON.stringify(change));
      assert(stderr.includes(message), stderr);
      assertEquals([...Deno.readDirSync(directory)], [], JSON.stringify(change));
    }
  });
});

Deno.test("commands use the settings file that --config names, and say when there is none", async () => {
  await withDirectory(async (root) => {
    const file = `${root}/settings.yaml`;
    const args = [
      "add-hostnqn",
      "--name",
      "a",
      "-a",
      "10.0.0.1",
      "-q",
      host,
      "-n",
      cluster,
      "--config",
      file,
    ];
    const missing = await runIn(args);
    assertEquals(missing.status, 1);
    assertEquals(
      missing.stderr,
      `discovery-client: Cannot read the settings ${file}: there is no such file\n`,
    );
    await Deno.writeTextFile(file, `clientConfigDir: ${root}/dir\n`);
    assertEquals((await runIn(args)).status, 0);
    assert((await Deno.stat(`${root}/dir/a`)).isFile);
    await Deno.writeTextFile(file, "kato: soon\nmaxIOQueues: -1\n");
    const bad = await runIn(args);
    assertEquals([bad.status, bad.stdout], [1, ""]);
    const lines = bad.stderr.trimEnd().split("\n");
    assertEquals(lines.length, 2, bad.stderr);
    for (const [at, key] of ["kato", "maxIOQueues"].entries()) {
      assert(lines[at]!.startsWith(`discovery-client: Cannot use ${key} in ${file}:${at + 1}:`), bad.stderr);
    }
  });
});
