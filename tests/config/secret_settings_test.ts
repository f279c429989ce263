/** Secrets in settings: where they may stand, which counts, and that no message shows one. */
import { ConfigError } from "../../src/base/errors.ts";
import { loadSettings, SettingsError, type SettingsInput } from "../../src/config/settings.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const file = "s.yaml";
const base64 = (letter: string) => btoa(letter.repeat(36));
const one = `DHHC-1:00:${base64("a")}:`;
const two = `DHHC-1:00:${base64("b")}:`;
const load = (text: string, more: SettingsInput = {}) => loadSettings({ yaml: { text, file }, ...more });

const subsystem = "nqn.2024-01.io.example:cluster";
const host = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const clusterText = (...lines: string[]) =>
  `clusterSecrets:\n  ${subsystem}:\n    ${host}:\n${lines.map((line) => `      ${line}\n`).join("")}`;

Deno.test("loadSettings() reads secrets and their files, for all and by cluster, in any case", () => {
  const { settings, warnings } = load(
    `DHCHAPSECRET: "${one}"\ndhChapCtrlSecretFile: /run/ctrl\n` +
      clusterText(`dhchapsecretfile: /run/a`, `dhChapCtrlSecret: '${two}'`) +
      "    nqn.2014-08.org.example:other:\n  nqn.2024-01.io.example:empty:\n",
  );
  assertEquals(warnings, []);
  assertEquals(settings.dhChapSecret?.reveal(), one);
  assertEquals([settings.dhChapCtrlSecret, settings.dhChapCtrlSecretFile], [null, "/run/ctrl"]);
  const [first, second] = settings.clusterSecrets;
  assertEquals(settings.clusterSecrets.length, 2);
  assertEquals(first?.cluster, { subsysnqn: subsystem, hostnqn: host });
  assertEquals([first?.dhChapSecretFile, first?.dhChapCtrlSecret?.reveal()], ["/run/a", two]);
  assertEquals(first?.at.line, 5);
  assertEquals([second?.dhChapSecret, second?.dhChapSecretFile], [null, ""]);
});

Deno.test("a secret and its file: the one nearer to the command line counts", () => {
  const inFile = load(`dhChapSecretFile: /run/a\n`, { env: { DC_DHCHAPSECRET: one } }).settings;
  assertEquals([inFile.dhChapSecret?.reveal(), inFile.dhChapSecretFile], [one, ""]);
  const flag = load(`dhChapSecret: "${one}"\n`, { flags: { dhChapSecretFile: "/run/b" } });
  assertEquals([flag.settings.dhChapSecret, flag.settings.dhChapSecretFile], [null, "/run/b"]);
  assertEquals(flag.sources.get("dhChapSecret")?.from, "default");
});

const hidden = "a value that is not shown";
const hostNeeded = "dhChapSecret or dhChapSecretFile beside the controller's secret";

const refused: readonly [text: string, key: string, line: number, expected: string][] = [
  [`dhChapCtrlSecret: "${one}"`, "dhChapCtrlSecret", 1, hostNeeded],
  ["dhChapCtrlSecretFile: /run/a", "dhChapCtrlSecretFile", 1, hostNeeded],
  [clusterText(`dhChapCtrlSecretFile: /run/a`), "clusterSecrets", 3, hostNeeded],
  [
    `kato: 5\ndhChapSecret: "${one}"\ndhChapSecretFile: /run/a`,
    "dhChapSecretFile",
    3,
    "only one of dhChapSecret and dhChapSecretFile",
  ],
  [
    clusterText(`dhChapSecret: "${one}"`, "dhChapSecretFile: /run/a"),
    "clusterSecrets",
    3,
    "only one of dhChapSecret and dhChapSecretFile",
  ],
  [`dhChapSecret: "${one},tls"`, "dhChapSecret", 1, "DHHC-1:"],
  [`dhChapSecret: "hush-${base64("a")}"`, "dhChapSecret", 1, "DHHC-1:"],
  [`dhChapSecret: ["${one}"]`, "dhChapSecret", 1, "DHHC-1:"],
  [clusterText(`dhChapSecret: "hush-${base64("a")}"`), "clusterSecrets.dhChapSecret", 4, "DHHC-1:"],
  [clusterText(`dhChapSecret: ["${one}"]`), "clusterSecrets.dhChapSecret", 4, "DHHC-1:"],
  [
    clusterText(`dhChapSecret: "${one}"`, `DHCHAPSECRET: "${two}"`),
    "clusterSecrets.dhChapSecret",
    5,
    "the key once",
  ],
  [`clusterSecrets: "${one}"`, "clusterSecrets", 1, "a mapping of subsystem NQNs"],
  [`clusterSecrets: {"${one}": {}}`, "clusterSecrets", 1, "an NQN, once"],
  [`clusterSecrets: {nqn.a: "${one}"}`, "clusterSecrets", 1, "a mapping of host NQNs"],
  [`clusterSecrets: {nqn.a: {nqn.b: "${one}"}}`, "clusterSecrets", 1, "a mapping of dhChapSecret, "],
  [`clusterSecrets: {nqn.a: {}, nqn.a: {}}`, "clusterSecrets", 1, "stands here already"],
  // In the wrong place.
  [`kato: "${one}"`, "kato", 1, "a whole number"],
  [`cores: ["${one}"]`, "cores", 1, "a list"],
  [`logging: "${one}"`, "logging", 1, "a mapping"],
  [`"${one}": 1\n"${one}": 2`, "[secret]", 2, "the key once"],
];

Deno.test("loadSettings() refuses secrets that cannot be used, with their place and without a secret", () => {
  for (const [text, key, line, expected] of refused) {
    const error = assertThrows(() => load(text), SettingsError);
    assertEquals([error.problems[0]?.key, error.position.line, error.problems.length], [key, line, 1], text);
    assert(error.problems[0]?.expected.includes(expected), error.message);
    assertSecretless(error.message);
  }
  const env = assertThrows(() => loadSettings({ env: { DC_DHCHAPSECRET: `x${one}` } }), SettingsError);
  assertEquals(env.problems[0]?.found, hidden);
  assertSecretless(env.message);
});

Deno.test("a cluster's controller secret may go with the host secret of all", () => {
  const text = `dhChapSecretFile: /run/host\n${clusterText("dhChapCtrlSecretFile: /run/ctrl")}`;
  assertEquals(load(text).settings.clusterSecrets[0]?.dhChapCtrlSecretFile, "/run/ctrl");
});

Deno.test("what is unknown is a warning without a secret", () => {
  const texts = [`"${one}": 1`, clusterText(`"${one}": 1`), clusterText("dhChapSecrt: x")];
  const warnings = texts.flatMap((text) => load(text).warnings);
  assertEquals(warnings, [
    "Ignored unknown key [secret] in s.yaml:1:1",
    "Ignored unknown key [secret] in s.yaml:4:7",
    "Ignored unknown key dhChapSecrt in s.yaml:4:7; did you mean dhChapSecret?",
  ]);
});

const noYaml: readonly string[] = [
  `dhChapSecret: "x" ${one}`,
  `dhChapSecret: *${one}`,
  `dhChapSecret: |x${one}\n  y`,
  `dhChapSecret: !<${one}> x\n  y: [`,
  `dhChapSecret: "\\${base64("a")}"`,
  `%${one}\n---\nkato: [`,
  `dhChapSecret: [${one}`,
  `dhChapSecret: "${one}`,
  `- ${one}\nkato: 1`,
  `dhChapSecret: @${one}`,
  `dhChapSecret: ${one} : ${two}`,
  `dhChapSecret: {${one}}}`,
  `? {a: ${one}}`,
];

Deno.test("a text that is no YAML is refused without what stands in it", () => {
  for (const text of noYaml) {
    const error = assertThrows(() => load(text), ConfigError);
    assert(/: \S/.test(error.message) && !/: $/.test(error.message), error.message);
    assertSecretless(error.message);
  }
});

function assertSecretless(text: string): void {
  for (const part of ["DHHC-1:00", base64("a").slice(0, 8), base64("b").slice(0, 8)]) {
    assert(!text.includes(part), `${part} is in: ${text}`);
  }
}
