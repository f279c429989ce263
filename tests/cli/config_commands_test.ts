/** `config check` and `config show`: what they say, of what they stay silent, and their exit status. */
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";
import { runIn, withDirectory } from "./memory_environment.ts";

const base64 = (letter: string) => btoa(letter.repeat(36));
const secret = (letter: string) => `DHHC-1:00:${base64(letter)}:`;
const letters = ["a", "b", "c", "d"];

async function writeSecret(path: string, text: string, mode = 0o600): Promise<string> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
  return path;
}

const subsystem = "nqn.2024-01.io.example:cluster";
const host = "nqn.2014-08.org.example:host";

/** Settings with a secret in each place; files with secrets beside. */
async function writeSettings(root: string): Promise<string> {
  const [one, two] = [
    await writeSecret(`${root}/one`, `${secret("a")}\n`),
    await writeSecret(`${root}/two`, `${secret("b")}\n`, 0o640),
  ];
  const path = `${root}/settings.yaml`;
  await writeSecret(
    path,
    `kato: 7\ndhChapSecretFile: ${one}\ndhChapCtrlSecret: "${secret("c")}"\n` +
      `clusterSecrets:\n  ${subsystem}:\n    ${host}:\n` +
      `      dhChapSecret: "${secret("d")}"\n      dhChapCtrlSecretFile: ${two}\n`,
    0o644,
  );
  return path;
}

function assertSecretless(...texts: string[]): void {
  for (const text of texts) {
    for (const letter of letters) assert(!text.includes(base64(letter).slice(0, 8)), text);
  }
}

Deno.test("config show prints every setting with its value and source, and of secrets that they are set", async () => {
  await withDirectory(async (root) => {
    const path = await writeSettings(root);
    const env = { DC_MAXIOQUEUES: "3" };
    const args = ["config", "show", path, "--logging.level=warn"];
    const [table, json] = await Promise.all([runIn(args, env), runIn([...args, "-o", "json"], env)]);
    assertEquals([table.status, table.stderr, json.status, json.stderr], [0, "", 0, ""]);
    const { file, settings } = JSON.parse(json.stdout) as {
      file: string;
      settings: Record<string, { value: unknown; source: string }>;
    };
    assertEquals(file, path);
    const clusterPath = `clusterSecrets.${subsystem}.${host}`;
    const expected: readonly [setting: string, value: unknown, source: string][] = [
      ["kato", 7, `${path}:1:7`],
      ["maxIOQueues", 3, "DC_MAXIOQUEUES"],
      ["logging.level", "warn", "--logging.level"],
      ["reconnectInterval", "5s", "default"],
      ["cores", [], "default"],
      ["debug.metrics", true, "default"],
      ["debug.endpoint", "127.0.0.1:6060", "default"],
      ["dhChapSecret", null, "default"],
      ["dhChapSecretFile", `${root}/one`, `${path}:2:19`],
      ["dhChapCtrlSecret", "set", `${path}:3:19`],
      [`${clusterPath}.dhChapSecret`, "set", `${path}:6:5`],
      [`${clusterPath}.dhChapCtrlSecretFile`, `${root}/two`, `${path}:6:5`],
    ];
    for (const [setting, value, source] of expected) {
      assertEquals(settings[setting], { value, source }, setting);
      const row = table.stdout.split("\n").find((line) => line.startsWith(`${setting} `)) ?? "";
      assert(row.endsWith(source), `${setting}: ${row}`);
    }
    for (const { path: setting } of settingKeys) assert(Object.hasOwn(settings, setting), setting);
    assertSecretless(table.stdout, json.stdout);
  });
});

Deno.test("config show knows the environment without any file, and names none", async () => {
  const env = { DC_KATO: "9", DC_DHCHAPSECRET: secret("a") };
  const { stdout } = await runIn(["config", "show", "-o", "json", "--internalDir", "/x"], env);
  const { file, settings } = JSON.parse(stdout);
  assertEquals(file, null);
  assertEquals(settings.kato, { value: 9, source: "DC_KATO" });
  assertEquals(settings.dhChapSecret, { value: "set", source: "DC_DHCHAPSECRET" });
  assertEquals(settings.internalDir, { value: "/x", source: "--internalDir" });
  assertSecretless(stdout);
});

Deno.test("config check finds nothing in good settings but files that others can read", async () => {
  await withDirectory(async (root) => {
    const path = await writeSettings(root);
    const { status, stdout, stderr } = await runIn(["config", "check", path]);
    assertEquals([status, stderr], [0, ""]);
    const warn = (file: string) =>
      `Warning: Other users can read the secrets in ${file}: only root should, with mode 0600\n`;
    assertEquals(stdout, `${warn(`${root}/two`)}${warn(path)}${path}: no problems, 2 warnings\n`);
    for (const file of [path, `${root}/two`]) await Deno.chmod(file, 0o600);
    const json = await runIn(["config", "check", `--config=${path}`, "-o", "json"]);
    assertEquals(JSON.parse(json.stdout), { file: path, ok: true, problems: [], warnings: [] });
  });
});

Deno.test("config check does not take a secret of the environment for one in the file", async () => {
  await withDirectory(async (root) => {
    const path = await writeSecret(`${root}/plain.yaml`, "kato: 5\n", 0o644);
    const { status, stdout } = await runIn(["config", "check", path], { DC_DHCHAPSECRET: secret("a") });
    assertEquals([status, stdout], [0, `${path}: no problems, no warnings\n`]);
  });
});

Deno.test("config check prints every problem with its place, warnings beside, and ends with 1", async () => {
  await withDirectory(async (root) => {
    const path = `${root}/bad.yaml`;
    const bad: readonly [text: string, lines: string[]][] = [
      [`kato: x\nlogging: {level: loud, levl: x}\n`, [
        `Problem: Cannot use kato in ${path}:1:7: expected a whole number`,
        `Problem: Cannot use logging.level in ${path}:2:18: expected one of debug`,
        `Warning: Ignored unknown key logging.levl in ${path}:2:24; did you mean logging.level?`,
        `${path}: 2 problems, 1 warning`,
      ]],
      [`kato: [1\nmaxIOQueues: ${secret("a")}\n`, [
        `Problem: Cannot read settings in ${path}:`,
        `${path}: 1 problem,`,
      ]],
      [`dhChapCtrlSecret: "${secret("a")}"\n`, [
        `Problem: Cannot use dhChapCtrlSecret in ${path}:1:19: expected dhChapSecret or dhChapSecretFile beside`,
        `${path}: 1 problem, no warnings`,
      ]],
      [
        `dhChapSecretFile: ${root}/none\nclusterSecrets: {nqn.a: {nqn.b: {dhChapSecretFile: ${root}/odd}}}\n`,
        [
          `Problem: Cannot read the secret in ${root}/none: there is no such file`,
          `Problem: Cannot use the secret in ${root}/odd: expected DHHC-1:`,
          `${path}: 2 problems, no warnings`,
        ],
      ],
    ];
    await writeSecret(`${root}/odd`, `${secret("b")},tls\n`);
    for (const [text, lines] of bad) {
      await Deno.writeTextFile(path, text);
      const { status, stdout, stderr } = await runIn(["config", "check", path]);
      assertEquals([status, stderr], [1, ""], stdout);
      const printed = stdout.trimEnd().split("\n");
      assertEquals(printed.length, lines.length, stdout);
      for (const [at, line] of lines.entries()) {
        assert(printed[at]!.startsWith(line), `${printed[at]}\n${line}`);
      }
      const json = await runIn(["config", "check", path, "-o", "json"]);
      const { ok, problems } = JSON.parse(json.stdout);
      assertEquals([json.status, ok, problems.length], [
        1,
        false,
        lines.filter((line) => line.startsWith("Problem")).length,
      ]);
      assertSecretless(stdout, json.stdout);
    }
    const missing = await runIn(["config", "check", `${root}/missing.yaml`]);
    assertEquals(missing.status, 1);
    assert(missing.stdout.includes("there is no such file"), missing.stdout);
  });
});

Deno.test("config check takes one file, and flags that make sense", async () => {
  const rows: readonly [args: string[], message: string][] = [
    [["a", "b"], "Unexpected argument"],
    [["a", "--config", "b"], "Unexpected argument 'a' beside --config"],
    [["--kato=x"], "Cannot use --kato"],
    [["--dhChapSecret", secret("a")], "Unknown option '--dhChapSecret'"],
  ];
  for (const [args, message] of rows) {
    for (const command of ["check", "show"]) {
      const { status, stderr, stdout } = await runIn(["config", command, ...args]);
      assertEquals([status, stdout], [2, ""], stderr);
      assert(stderr.includes(message), stderr);
      assertSecretless(stderr);
    }
  }
});
