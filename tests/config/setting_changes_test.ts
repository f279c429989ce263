import { settingChanges, withLiveChanges } from "../../src/config/setting_changes.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";

const settings = (text: string) => loadSettings({ yaml: { text, file: "s" } }).settings;
const secret = (letter: string) => `"DHHC-1:00:${btoa(letter.repeat(36))}:"`;
const cluster = (nqn: string, letter: string) => `${nqn}: {nqn.host: {dhChapSecret: ${secret(letter)}}}`;

const rows: readonly [before: string, after: string, live: string[], restart: string[]][] = [
  ["", "", [], []],
  ["kato: 10", "", [], []],
  ["kato: 5", "kato: 6", ["kato"], []],
  ["cores: [1]", "cores: [1, 2]", [], ["cores"]],
  ["logging: {level: info}", "logging: {level: debug, maxAge: 1h}", ["logging.maxAge", "logging.level"], []],
  ["debug: {metrics: true}", "{debug: {metrics: false}, kato: 6}", ["kato"], ["debug.metrics"]],
  [`dhChapSecret: ${secret("a")}`, `dhChapSecret: ${secret("a")}`, [], []],
  [`dhChapSecret: ${secret("a")}`, `dhChapSecret: ${secret("b")}`, ["dhChapSecret"], []],
  ["", `dhChapSecret: ${secret("b")}`, ["dhChapSecret"], []],
  [
    `clusterSecrets: {${cluster("nqn.a", "a")}, ${cluster("nqn.b", "b")}}`,
    `# moved\nclusterSecrets: {${cluster("nqn.b", "b")}, ${cluster("nqn.a", "a")}}`,
    [],
    [],
  ],
  [
    `clusterSecrets: {${cluster("nqn.a", "a")}}`,
    `clusterSecrets: {${cluster("nqn.a", "b")}}`,
    ["clusterSecrets"],
    [],
  ],
  [`clusterSecrets: {${cluster("nqn.a", "a")}}`, "", ["clusterSecrets"], []],
];

Deno.test("settingChanges() names what differs, by whether it takes a restart", () => {
  for (const [before, after, live, restart] of rows) {
    assertEquals(settingChanges(settings(before), settings(after)), { live, restart }, after);
  }
});

Deno.test("withLiveChanges() takes what is live and leaves the rest", () => {
  for (const [before, after, , restart] of rows) {
    const next = withLiveChanges(settings(before), settings(after));
    assertEquals(settingChanges(next, settings(after)), { live: [], restart }, after);
  }
});

Deno.test("what an agent can take while it runs", () => {
  const live = settingKeys.filter(({ setting }) => setting.live).map(({ path }) => path);
  for (
    const path of [
      "reconnectInterval",
      "logPagePaginationEnabled",
      "maxIOQueues",
      "kato",
      "ctrlLossTMO",
      "dhChapSecret",
      "dhChapSecretFile",
      "logging.level",
      "logging.format",
      "logging.filename",
      "pollingInterval",
    ]
  ) assert(live.includes(path), path);
  assert(!live.some((path) => path.startsWith("autoDetectEntries") || path.endsWith("Dir")));
});
