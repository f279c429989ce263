import { fc } from "../property.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { type LoadedSettings, loadSettings, SettingsError } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";

const file = "settings.yaml";
const load = (text: string) => loadSettings({ yaml: { text, file } });

const example = `cores: [0]
clientConfigDir: /etc/discovery-client/discovery.d/
internalDir: /etc/discovery-client/internal/
reconnectInterval: 5s
logPagePaginationEnabled: false
maxIOQueues: 0
kato: 10
nvmeHostIDPath: /etc/nvme/hostid
logging: {filename: /var/log/discovery-client.log, maxAge: 96h, maxSize: 100, level: info, reportCaller: true}
debug: {metrics: true, enablepprof: true, endpoint: 0.0.0.0:6060}
autoDetectEntries: {enabled: true, filename: detected-io-controllers, discoveryServicePort: 8009}
`;

Deno.test("loadSettings() reads the example of the README without a warning", () => {
  const { settings, warnings } = load(example);
  assertEquals(warnings, []);
  assertEquals(settings, {
    cores: [0],
    clientConfigDir: "/etc/discovery-client/discovery.d/",
    internalDir: "/etc/discovery-client/internal/",
    reconnectIntervalMs: 5_000,
    logPagePaginationEnabled: false,
    maxIOQueues: 0,
    katoSeconds: 10,
    ctrlLossTmoSeconds: 600,
    dhChapSecret: null,
    dhChapCtrlSecret: null,
    dhChapSecretFile: "",
    dhChapCtrlSecretFile: "",
    clusterSecrets: [],
    auxSuffix: "",
    pollingIntervalMs: 0,
    nvmeHostIDPath: "/etc/nvme/hostid",
    nvmeDiscoveryConf: "",
    logging: {
      filename: "/var/log/discovery-client.log",
      maxAgeMs: 345_600_000,
      maxSizeMb: 100,
      level: "info",
      format: "text",
      reportCaller: true,
    },
    debug: {
      metrics: true,
      enablepprof: true,
      allowRemoteProfiling: false,
      endpoint: { host: "0.0.0.0", port: 6060 },
    },
    control: { socket: "/run/discovery-client/control.sock", group: "" },
    autoDetectEntries: {
      enabled: true,
      filename: "detected-io-controllers",
      discoveryServicePort: 8009,
      subsystemMatch: ["com.lightbitslabs"],
    },
  });
});

Deno.test("loadSettings() needs nothing", () => {
  for (const text of ["", "\n", "# only a comment\n", "---\n", "~", "kato:\nlogging:\n", "\ufeff"]) {
    const { settings, warnings } = load(text);
    assertEquals(settings, loadSettings({}).settings, JSON.stringify(text));
    assertEquals(warnings, []);
  }
});

Deno.test("every default is a value its own kind reads back, and every key has words and names of its own", () => {
  assert(settingKeys.length > 15);
  for (const { path, envName, setting } of settingKeys) {
    const text = setting.kind.format(setting.standard);
    assertEquals(setting.kind.parse(text), setting.standard, path);
    assert(setting.about.length > 10 && !setting.about.endsWith("."), path);
    assert(/^DC_[A-Z_]+$/.test(envName), envName);
  }
  assertEquals(new Set(settingKeys.map((key) => key.envName)).size, settingKeys.length);
});

Deno.test("a flag beats the environment, that beats the file, that beats the default", () => {
  const yaml = { text: "kato: 1\nmaxIOQueues: 1\ncores: [1]\n", file };
  const env = { DC_KATO: "2", DC_MAXIOQUEUES: "2", HOME: "/root", KATO: "7" };
  const { settings, sources } = loadSettings({ yaml, env, flags: { kato: 3, "logging.level": undefined } });
  assertEquals([settings.katoSeconds, settings.maxIOQueues, settings.cores], [3, 2, [1]]);
  const from = (path: string) => sources.get(path)?.name;
  assertEquals(from("kato"), "--kato");
  assertEquals(from("maxIOQueues"), "DC_MAXIOQUEUES");
  assertEquals(from("cores"), "settings.yaml:3:8");
  assertEquals(from("logging.level"), "default");
});

Deno.test("the environment names every setting; lists are parted by commas; an empty value is none", () => {
  const env = {
    DC_CORES: "0, 2,5",
    DC_AUTODETECTENTRIES_FILENAME: "found",
    DC_AUTODETECTENTRIES_SUBSYSTEMMATCH: "com.a,com.b",
    DC_DEBUG_METRICS: "0",
    DC_RECONNECTINTERVAL: "0h0m1.5s",
    DC_DEBUG_ENDPOINT: "[::]:6061",
    DC_LOGGING_LEVEL: "WARNING",
    DC_KATO: "",
  };
  const { settings, warnings } = loadSettings({ env });
  assertEquals(warnings, []);
  assertEquals(settings.cores, [0, 2, 5]);
  assertEquals(settings.autoDetectEntries.filename, "found");
  assertEquals(settings.autoDetectEntries.subsystemMatch, ["com.a", "com.b"]);
  assertEquals(settings.debug.metrics, false);
  assertEquals(settings.reconnectIntervalMs, 1_500);
  assertEquals(settings.debug.endpoint, { host: "::", port: 6061 });
  assertEquals(settings.logging.level, "warn");
  assertEquals(settings.katoSeconds, 10);
});

Deno.test("keys are understood in any case, in the file and among the flags", () => {
  const { settings } = loadSettings({
    yaml: { text: "KATO: 7\nLogging: {MaxAge: 1h}\n", file },
    flags: { "logging.MAXsize": "3", "autodetectentries.Enabled": false },
  });
  assertEquals([settings.katoSeconds, settings.logging.maxAgeMs, settings.logging.maxSizeMb], [
    7,
    3_600_000,
    3,
  ]);
  assertEquals(settings.autoDetectEntries.enabled, false);
});

Deno.test("a flag that no setting knows is a bug of the caller", () => {
  assertThrows(() => loadSettings({ flags: { kat: 3 } }), AssertionError, "kat");
});

const badValues: readonly [text: string, key: string, line: number, column: number, found: string][] = [
  ["kato: -1", "kato", 1, 7, "-1"],
  ["kato: 1.5", "kato", 1, 7, "1.5"],
  ["kato: 10s", "kato", 1, 7, '"10s"'],
  ["kato: true", "kato", 1, 7, "true"],
  ["kato: [1]", "kato", 1, 7, "[1]"],
  ["kato: {a: 1}", "kato", 1, 7, "a mapping"],
  ["kato: .nan", "kato", 1, 7, "NaN"],
  ["maxIOQueues: -1", "maxIOQueues", 1, 14, "-1"],
  ["cores: [0, -1]", "cores", 1, 8, "[0, -1]"],
  ["cores: all", "cores", 1, 8, '"all"'],
  ["cores: [[1]]", "cores", 1, 8, "[a list]"],
  ["cores: [1, ~, 2]", "cores", 1, 8, "[1, null, 2]"],
  ["reconnectInterval: 5", "reconnectInterval", 1, 20, "5"],
  ["reconnectInterval: 9ms", "reconnectInterval", 1, 20, '"9ms"'],
  ["reconnectInterval: -5s", "reconnectInterval", 1, 20, '"-5s"'],
  ["reconnectInterval: 2h", "reconnectInterval", 1, 20, '"2h"'],
  ["logging:\n  level: loud", "logging.level", 2, 10, '"loud"'],
  ["logging:\n  format: xml", "logging.format", 2, 11, '"xml"'],
  ["logging:\n  maxAge: 96", "logging.maxAge", 2, 11, "96"],
  ["logging: loud", "logging", 1, 10, '"loud"'],
  ["debug: {endpoint: 0.0.0.0}", "debug.endpoint", 1, 19, '"0.0.0.0"'],
  ["debug: {endpoint: 'a b:1'}", "debug.endpoint", 1, 19, '"a b:1"'],
  ["debug: {endpoint: localhost:70000}", "debug.endpoint", 1, 19, '"localhost:70000"'],
  ["debug: {metrics: maybe}", "debug.metrics", 1, 18, '"maybe"'],
  ["autoDetectEntries: {discoveryServicePort: 0}", "autoDetectEntries.discoveryServicePort", 1, 43, "0"],
  ["autoDetectEntries: {filename: ../x}", "autoDetectEntries.filename", 1, 31, '"../x"'],
  ["autoDetectEntries: {filename: tmp.dc.x}", "autoDetectEntries.filename", 1, 31, '"tmp.dc.x"'],
  ["autoDetectEntries: {subsystemMatch: ['a,b']}", "autoDetectEntries.subsystemMatch", 1, 37, '["a,b"]'],
  ["clientConfigDir: ''", "clientConfigDir", 1, 18, '""'],
  ["clientConfigDir: 5", "clientConfigDir", 1, 18, "5"],
  ['clientConfigDir: "a\\0b"', "clientConfigDir", 1, 18, '"a\\x00b"'],
  ["kato: 1\nkato: 2", "kato", 2, 1, '"kato" again'],
  ["kato: 1\nKato: 1", "kato", 2, 1, '"Kato" again'],
  ["a: &x [1]\nkato: *x", "kato", 2, 7, "[1]"],
  ["- kato", "", 1, 1, '["kato"]'],
  ["kato", "", 1, 1, '"kato"'],
];

Deno.test("loadSettings() names file, line, column, key, what was expected and what was found", () => {
  for (const [text, key, line, column, found] of badValues) {
    const error = assertThrows(() => load(text), SettingsError);
    assertEquals(error.problems.length, 1, text);
    assertEquals([error.problems[0]?.key, error.problems[0]?.found], [key, found], text);
    assertEquals(error.position, { file, line, column }, text);
    assert(error.message.includes(`settings.yaml:${line}:${column}: expected `), error.message);
    assert(error.message.startsWith("Cannot use ") && !error.message.endsWith("."), error.message);
    assert((error.problems[0]?.expected.length ?? 0) > 3, text);
  }
});

Deno.test("loadSettings() tells all problems at once, up to a bound, the first one's place as its own", () => {
  const error = assertThrows(
    () =>
      loadSettings({
        yaml: { text: "maxIOQueues: x\nlogging: {level: 3}\n", file },
        env: { DC_KATO: "none" },
        flags: { cores: "a" },
      }),
    ConfigError,
  );
  assert(error instanceof SettingsError);
  assertEquals(error.problems.map((problem) => problem.key), [
    "maxIOQueues",
    "logging.level",
    "kato",
    "cores",
  ]);
  assertEquals(error.position.line, 1);
  assert(error.message.includes("Cannot use kato from DC_KATO: expected a whole number"), error.message);
  assert(error.message.includes("Cannot use --cores: expected "), error.message);
  const many = assertThrows(() => load("kato: 1\n".repeat(500)), SettingsError);
  assertEquals(many.problems.length, limits.settingsProblemsMax);
});

Deno.test("a text that is no YAML is refused with its place", () => {
  const bad: [text: string, line: number, reason: string][] = [
    ["kato: 1\ncores: [1", 2, ""],
    ["kato: 1\n  cores: 2\n", 1, ""],
    ["kato: 1\ncores: *nothing\n", 2, "alias *nothing names nothing"],
    ["cores: *\x1ba\n", 1, "alias *?a names nothing"],
    ["kato: 1\n---\nkato: 2\n", 2, "multiple documents"],
    ["? {a: 1}\n: 2\n", 1, "a key is not plain text"],
    ["[".repeat(50_000), 1, "nested too deep"],
    ["a: &a [*a]", 1, "nested more than"],
    [billionLaughs(), 2, ""],
    ["\tkato: 1", 1, ""],
    ['kato: "1', 1, ""],
  ];
  for (const [text, line, reason] of bad) {
    const error = assertThrows(() => load(text), ConfigError, reason);
    assertEquals(error.code, "yaml", text.slice(0, 40));
    assertEquals([error.position.file, (error.position.line ?? 0) >= line], [file, true], text.slice(0, 40));
    assert(!error.message.includes("\n"));
  }
  const large = assertThrows(() => load("#".repeat(limits.settingsBytesMax + 1)), ConfigError);
  assertEquals(large.code, "too-large");
});

function billionLaughs(): string {
  let text = "a0: &a0 [x]\n";
  for (let at = 1; at < 20; at++) text += `a${at}: &a${at} [${`*a${at - 1},`.repeat(9)}]\n`;
  return text;
}

Deno.test("an unknown key or variable is a warning that names the nearest one", () => {
  const warningsOf = (input: string): LoadedSettings["warnings"] => load(input).warnings;
  assertEquals(warningsOf("logging: {levl: info}"), [
    "Ignored unknown key logging.levl in settings.yaml:1:11; did you mean logging.level?",
  ]);
  assertEquals(warningsOf("kto: 1"), ["Ignored unknown key kto in settings.yaml:1:1; did you mean kato?"]);
  assertEquals(warningsOf("loging: {level: info}"), [
    "Ignored unknown key loging in settings.yaml:1:1; did you mean logging?",
  ]);
  assertEquals(warningsOf("zzzzzzzzzz: 1"), ["Ignored unknown key zzzzzzzzzz in settings.yaml:1:1"]);
  assertEquals(warningsOf('"a\\nb": 1'), ['Ignored unknown key "a\\x0ab" in settings.yaml:1:1']);
  assertEquals(loadSettings({ env: { DC_KAT0: "5" } }).warnings, [
    "Ignored unknown variable DC_KAT0 in the environment; did you mean DC_KATO?",
  ]);
  const many = Array.from({ length: 500 }, (_, at) => `unknown${at}: 1\n`).join("");
  assertEquals(warningsOf(many).length, limits.settingsProblemsMax);
});

Deno.test("one directory for entry files and state is refused, however it is spelled", () => {
  const error = assertThrows(
    () => load("kato: 1\ninternalDir: /etc/discovery-client//discovery.d\n"),
    SettingsError,
  );
  assertEquals(error.problems[0]?.key, "internalDir");
  assertEquals(error.position.line, 2);
});

Deno.test("the predecessor's spellings are read", () => {
  const { settings } = load(
    'kato: "30"\ncores: 3\nctrlLossTMO: 0\ndebug: {endpoint: ":6060", metrics: "T"}\n',
  );
  assertEquals([settings.katoSeconds, settings.cores, settings.ctrlLossTmoSeconds], [30, [3], 600]);
  assertEquals(settings.debug, {
    metrics: true,
    enablepprof: true,
    allowRemoteProfiling: false,
    endpoint: { host: "0.0.0.0", port: 6060 },
  });
  assertEquals(load("kato: 3").settings.debug.endpoint, { host: "127.0.0.1", port: 6060 });
  assertEquals(load('debug: {endpoint: ""}').settings.debug.endpoint, null);
  assertEquals(loadSettings({ flags: { "debug.endpoint": "" } }).settings.debug.endpoint, null);
  assertEquals(load("ctrlLossTMO: -5").settings.ctrlLossTmoSeconds, 600);
  for (const zero of ["0", "0s"]) {
    assertEquals(load(`reconnectInterval: ${zero}`).settings.reconnectIntervalMs, 5_000);
  }
  assertEquals(load("kato: 0").settings.katoSeconds, 0);
  assertEquals(load("ctrlLossTMO: -1").settings.ctrlLossTmoSeconds, -1);
  assertEquals(load("a: &k 12\nkato: *k").settings.katoSeconds, 12);
});

Deno.test("property: any text gives settings or a ConfigError", () => {
  const piece = fc.constantFrom(
    "kato",
    "cores",
    ":",
    " ",
    "\n",
    "[",
    "]",
    "{",
    "}",
    "- ",
    "1",
    "&a",
    "*a",
    "'",
    '"',
    "|",
    "!",
    "\t",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(piece, { maxLength: 40 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        load(text);
      } catch (error) {
        assert(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
