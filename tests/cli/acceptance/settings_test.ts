/** Settings of the real process: changed while it runs, by SIGHUP and by file, and secrets that nobody sees. */
import { assert, assertEquals } from "../../assert.ts";
import { Fabric } from "../../fabric/fabric.ts";
import { FabricServer } from "../../fabric/tcp_server.ts";
import { cluster, host, withDirectory } from "../memory_environment.ts";
import { agentArgs, eventually, ProgramProcess } from "../program_process.ts";

const base64 = (letter: string) => btoa(letter.repeat(36));
const secret = (letter: string) => `DHHC-1:00:${base64(letter)}:`;

/** This source with a kernel that records: the executable has no other kernel than the host's. */
const recorded = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--allow-all",
  "--cached-only",
  new URL("../recorded_program.ts", import.meta.url).pathname,
];

interface Place {
  readonly root: string;
  readonly settings: string;
  /** Replaces the settings by rename, as a careful writer does. */
  readonly put: (text: string) => void;
  readonly start: (...args: string[]) => ProgramProcess;
  /** What the kernel was told, newest last. */
  readonly connects: () => string[];
}

async function withPlace(action: (place: Place) => Promise<void>): Promise<void> {
  const traddr = (index: number) => `127.0.0.${index}`;
  const fabric = Fabric.build({ nodes: 1, kind: "nvmet", traddr, discoveryPort: 0, ioPort: 0, mesh: false });
  fabric.addSubsystem("nqn.2024-01.org.example:volume");
  const server = new FabricServer(fabric);
  try {
    await withDirectory(async (root) => {
      await Deno.mkdir(`${root}/d`);
      const { trsvcid } = fabric.node("n1").discovery[0]!;
      const line = `-t tcp -a 127.0.0.1 -s ${trsvcid} -q ${host} -n ${cluster}\n`;
      await Deno.writeTextFile(`${root}/d/cluster`, line);
      const settings = `${root}/settings.yaml`;
      await action({
        root,
        settings,
        put: (text) => {
          Deno.writeTextFileSync(`${root}/new`, text, { mode: 0o600 });
          Deno.renameSync(`${root}/new`, settings);
        },
        start: (...args) =>
          new ProgramProcess(agentArgs(root, "--config", settings, ...args), {
            program: recorded,
            env: { RECORDED_CONNECTS: `${root}/connects` },
          }),
        connects: () => readLines(`${root}/connects`),
      });
    });
  } finally {
    await server.close();
  }
}

function readLines(path: string): string[] {
  try {
    return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function writeSecret(path: string, letter: string, mode = 0o600): void {
  Deno.writeTextFileSync(path, `${secret(letter)}\n`);
  Deno.chmodSync(path, mode);
}

async function stop(agent: ProgramProcess): Promise<void> {
  agent.kill("SIGTERM");
  assertEquals((await agent.end()).status, 0);
}

Deno.test("serve takes changed settings from a rename and from a write in place, and says what takes a restart", async () => {
  await withPlace(async ({ root, put, start, connects, settings }) => {
    put("maxIOQueues: 2\n");
    await using agent = start();
    await eventually("A connect", () => connects().some((text) => text.includes(",nr_io_queues=2")));
    put("maxIOQueues: 3\nlogging: {level: debug}\n");
    await agent.waitFor("Settings changed, and count from now on: maxIOQueues, logging.level");
    await eventually("The new count", () => connects().at(-1)!.includes(",nr_io_queues=3"));
    const before = agent.stderr.slice(0, agent.stderr.indexOf("Settings changed"));
    assert(!before.includes(" DEBUG "), before);
    Deno.writeTextFileSync(`${root}/d/other`, `-t tcp -a 127.0.0.9 -s 1 -q ${host} -n ${cluster}\n`);
    await agent.waitFor("DEBUG Opening a session");
    Deno.writeTextFileSync(settings, "maxIOQueues: 4\nkato: 11\ncores: [0]\nauxSuffix: aux\n");
    await agent.waitFor("Settings changed, and count from now on: maxIOQueues, kato, logging.level");
    await agent.waitFor("Settings changed that take a restart, and do not count yet: cores, auxSuffix");
    await eventually("The newest count", () => connects().at(-1)!.includes(",nr_io_queues=4"));
    await stop(agent);
    assertEquals(agent.lines("take a restart").length, 1, "Told once");
  });
});

Deno.test("serve keeps the last good settings beside broken ones, tells that once, and takes good ones again", async () => {
  await withPlace(async ({ put, start, connects, settings }) => {
    put("maxIOQueues: 2\n");
    await using agent = start();
    await eventually("A connect", () => connects().length > 0);
    put("maxIOQueues: [3\n");
    await agent.waitFor(`The settings stay as they were: Cannot read settings in ${settings}:`);
    put("maxIOQueues: many\nkato: x\n");
    await agent.waitFor(
      /The settings stay as they were: Cannot use maxIOQueues in .*:1:14: .*; Cannot use kato in .*:2:7: /,
    );
    Deno.removeSync(settings);
    await agent.waitFor("The settings stay as they were: Cannot read the settings");
    const before = connects().length;
    agent.kill("SIGHUP");
    await eventually("A retry", () => connects().length > before);
    assert(
      connects().every((text) => text.includes(",nr_io_queues=2")),
      "All of them with the last good ones",
    );
    put("maxIOQueues: 5\n");
    await eventually("The new count", () => connects().at(-1)!.includes(",nr_io_queues=5"));
    await stop(agent);
    assertEquals(agent.lines(`Cannot read settings in ${settings}:`).length, 1);
  });
});

Deno.test("serve reads settings and secrets again on SIGHUP", async () => {
  await withPlace(async ({ root, put, start, connects }) => {
    writeSecret(`${root}/host`, "a");
    put(`dhChapSecretFile: ${root}/host\npollingInterval: 1h\n`);
    await using agent = start();
    await eventually("A connect", () => connects().some((text) => text.includes(secret("a"))));
    // In a directory that nobody watches.
    Deno.mkdirSync(`${root}/secrets`);
    writeSecret(`${root}/secrets/host`, "b");
    put(`dhChapSecretFile: ${root}/secrets/host\npollingInterval: 1h\n`);
    await eventually("The other file", () => connects().at(-1)!.includes(secret("b")));
    writeSecret(`${root}/secrets/host`, "c");
    agent.kill("SIGHUP");
    await agent.waitFor("Settings changed, and count from now on: secrets in files");
    await eventually("The new secret", () => connects().at(-1)!.includes(secret("c")));
    await stop(agent);
  });
});

Deno.test("secrets reach the kernel, a cluster's before those of all and an entry's before both, and nobody else", async () => {
  await withPlace(async ({ root, put, start, connects, settings }) => {
    writeSecret(`${root}/host`, "a", 0o644);
    writeSecret(`${root}/ctrl`, "b");
    put(
      `dhChapSecretFile: ${root}/host\ndhChapCtrlSecretFile: ${root}/ctrl\nlogging: {level: debug}\n` +
        `clusterSecrets:\n  ${cluster}:\n    ${host}:\n      dhChapSecret: "${secret("c")}"\n`,
    );
    Deno.chmodSync(settings, 0o644);
    await using agent = start();
    const told = (...letters: [string, string]) => {
      const [hostText, ctrlText] = letters.map(secret);
      const end = `,dhchap_secret=${hostText},dhchap_ctrl_secret=${ctrlText}`;
      return eventually(`Secrets ${letters}`, () => connects().at(-1)?.includes(end) ?? false);
    };
    await told("c", "b");
    writeSecret(`${root}/ctrl`, "d");
    await told("c", "d");
    put(`dhChapSecretFile: ${root}/host\nlogging: {level: debug}\ndhChapCtrlSecret: "${secret("e")}"\n`);
    await told("a", "e");
    const line = Deno.readTextFileSync(`${root}/d/cluster`).trimEnd();
    Deno.writeTextFileSync(`${root}/d/cluster`, `${line} -S ${secret("f")}\n`, { mode: 0o644 });
    await told("f", "e");
    put(`dhChapSecret: "${secret("g")}x"\n`);
    await agent.waitFor("The settings stay as they were: Cannot use dhChapSecret");
    agent.kill("SIGHUP");
    await agent.waitFor("SIGHUP");
    await stop(agent);
    assertEquals(agent.lines(`Other users can read the secrets in ${root}/host`).length, 1);
    assertEquals(agent.lines(`Other users can read the secrets in ${settings}`).length, 1);
    assertEquals(agent.lines(`Other users can read the secrets in ${root}/d/cluster`).length, 1);
    const state = Deno.readTextFileSync(`${root}/i/internal.json`);
    assert(state.includes("127.0.0.1"), "Precondition: the state was saved");
    const seen = agent.stdout + agent.stderr + state;
    assert(agent.lines(" DEBUG ").length > 0, "Precondition: all is logged");
    for (const letter of "abcdefg") assert(!seen.includes(base64(letter).slice(0, 12)), `Secret ${letter}`);
  });
});

Deno.test("the environment counts with and without --config, and secrets that are of no use end the start", async () => {
  await withDirectory(async (root) => {
    Deno.mkdirSync(`${root}/d`);
    const cases: readonly [args: string[], env: Record<string, string>, message: string][] = [
      [[], { DC_DHCHAPCTRLSECRET: secret("a") }, "Cannot use dhChapCtrlSecret from DC_DHCHAPCTRLSECRET"],
      [["--config", `${root}/s`], { DC_KATO: "x" }, "Cannot use kato from DC_KATO"],
      [[], { DC_DHCHAPSECRETFILE: `${root}/none` }, `Cannot read the secret in ${root}/none`],
    ];
    Deno.writeTextFileSync(`${root}/s`, "kato: 5\n");
    for (const [args, env, message] of cases) {
      await using agent = new ProgramProcess(agentArgs(root, ...args), { env });
      const { status, stderr } = await agent.end();
      assertEquals(status, 1, stderr);
      assert(stderr.includes(message) && !stderr.includes(base64("a").slice(0, 12)), stderr);
    }
  });
});
