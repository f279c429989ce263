/** Every flag of the predecessor's `serve`, in every spelling, and the setting that it means. */
import type { OptionValues } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/commands.ts";
import { runProgram } from "../../src/cli/program.ts";
import { loadSettings, type Settings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";
import { MemoryEnvironment } from "./memory_environment.ts";

/** The settings in force where `serve` is called so, without a file and an environment. */
async function serveSettings(args: readonly string[]): Promise<Settings> {
  const found: OptionValues[] = [];
  const specs = commands.map((spec) => ({
    ...spec,
    run: (_: unknown, options: OptionValues) => Promise.resolve(found.push(options)),
  }));
  await runProgram(new MemoryEnvironment(["serve", ...args]), specs);
  const options = found[0];
  assert(options !== undefined, "serve was not called");
  return loadSettings({ flags: Object.fromEntries(settingKeys.map(({ path }) => [path, options.raw(path)])) })
    .settings;
}

interface Row {
  /** As the predecessor's help writes it. */
  readonly flag: string;
  readonly short?: string;
  readonly value: string;
  readonly property: string;
  readonly expected: unknown;
}

const rows: readonly Row[] = [
  { flag: "logging.filename", value: "/l", property: "logging.filename", expected: "/l" },
  { flag: "logging.maxage", value: "1h30m", property: "logging.maxAgeMs", expected: 5_400_000 },
  { flag: "logging.maxSize", value: "7", property: "logging.maxSizeMb", expected: 7 },
  { flag: "logging.reportcaller", value: "false", property: "logging.reportCaller", expected: false },
  { flag: "logging.format", value: "JSON", property: "logging.format", expected: "json" },
  { flag: "logging.level", value: "warning", property: "logging.level", expected: "warn" },
  {
    flag: "debug.endpoint",
    value: "127.0.0.1:6061",
    property: "debug.endpoint",
    expected: { host: "127.0.0.1", port: 6061 },
  },
  { flag: "debug.enablepprof", value: "false", property: "debug.enablepprof", expected: false },
  { flag: "debug.metrics", value: "f", property: "debug.metrics", expected: false },
  { flag: "clientConfigDir", value: "/c", property: "clientConfigDir", expected: "/c" },
  { flag: "internalDir", value: "/i", property: "internalDir", expected: "/i" },
  { flag: "nvmeHostIDPath", value: "/n/hostid", property: "nvmeHostIDPath", expected: "/n/hostid" },
  {
    flag: "nvmeDiscoveryConf",
    value: "/n/discovery.conf",
    property: "nvmeDiscoveryConf",
    expected: "/n/discovery.conf",
  },
  { flag: "pollingInterval", value: "3s", property: "pollingIntervalMs", expected: 3_000 },
  { flag: "maxIOQueues", value: "4", property: "maxIOQueues", expected: 4 },
  { flag: "kato", value: "30", property: "katoSeconds", expected: 30 },
  {
    flag: "autoDetectEntries.enabled",
    short: "e",
    value: "false",
    property: "autoDetectEntries.enabled",
    expected: false,
  },
  {
    flag: "autoDetectEntries.filename",
    short: "f",
    value: "found",
    property: "autoDetectEntries.filename",
    expected: "found",
  },
  {
    flag: "autoDetectEntries.discoveryServicePort",
    short: "p",
    value: "8010",
    property: "autoDetectEntries.discoveryServicePort",
    expected: 8010,
  },
  { flag: "cores", value: "0,2", property: "cores", expected: [0, 2] },
];

function spellings({ flag, short, value }: Row): string[][] {
  const long = [flag, flag.toLowerCase(), flag.toUpperCase()].flatMap((name) => [
    [`--${name}=${value}`],
    [`--${name}`, value],
  ]);
  if (short === undefined) return long;
  // A value that may be left out stands behind `=` or in the next word.
  const together = value === "false" ? [] : [[`-${short}${value}`]];
  return [...long, [`-${short}`, value], [`-${short}=${value}`], ...together];
}

for (const row of rows) {
  Deno.test(`serve takes --${row.flag} in every spelling`, async () => {
    for (const args of spellings(row)) {
      const settings = await serveSettings(args);
      const found = row.property.split(".").reduce<unknown>(
        (value, key) => (value as Record<string, unknown>)[key],
        settings,
      );
      assertEquals(found, row.expected, args.join(" "));
    }
  });
}

const together: readonly [args: string, cores: number[], detects: boolean][] = [
  ["--cores 0 --cores=2,3", [0, 2, 3], true],
  ["-ep8010", [], true],
  ["-e=false -ffound", [], false],
  ["-e false --cores 1", [1], false],
  ["--kato=5 --kato 6 --cores 1,1", [1, 1], true],
];

Deno.test("serve takes repeats, comma lists and short flags in one word", async () => {
  for (const [args, cores, detects] of together) {
    const settings = await serveSettings(args.split(" "));
    assertEquals([settings.cores, settings.autoDetectEntries.enabled], [cores, detects], args);
  }
  assertEquals((await serveSettings(["--kato=5", "--kato", "6"])).katoSeconds, 6);
  assertEquals((await serveSettings(["-ep8010"])).autoDetectEntries.discoveryServicePort, 8010);
});
