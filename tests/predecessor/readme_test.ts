/** The section of the README for those who come from the predecessor: complete, and true of our tables. */
import { commands } from "../../src/cli/commands.ts";
import type { CommandSpec } from "../../src/cli/command.ts";
import { configOption } from "../../src/cli/setting_options.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";
import { programWords, runProgramProcess } from "../cli/program_process.ts";

/** All commands that it has, with their flags as it spells them. */
const predecessorCommands: readonly string[] = [
  "--config",
  "serve --logging.filename --logging.maxage --logging.maxSize --logging.reportcaller --logging.level " +
  "--debug.endpoint --debug.enablepprof --debug.metrics --clientConfigDir --internalDir --nvmeHostIDPath " +
  "--pollingInterval --maxIOQueues --kato --autoDetectEntries.enabled -e --autoDetectEntries.filename -f " +
  "--autoDetectEntries.discoveryServicePort -p",
  "discover --traddr -a --trsvcid -s --hostnqn -q --hostid -I --transport -t --host-traddr -w --persistant -p",
  "connect --traddr -a --trsvcid -s --hostnqn -q --hostid -I --transport -t --host-traddr -w --nqn -n " +
  "--ctrl-loss-tmo --dhchap-secret -S --dhchap-ctrl-secret -C",
  "connect-all --traddr -a --trsvcid -s --hostnqn -q --transport -t --host-traddr -w --persistant -p " +
  "--max-queues -m --ctrl-loss-tmo --kato -k",
  "disconnect --device -d",
  "disconnect-all",
  "list ctrl --discovery -d",
  "add-hostnqn --name --addresses -a --hostnqn -q --hostid -I --nqn -n --transport -t",
  "remove-hostnqn --name -n",
  "gen autocomplete --completionfile --type",
  "gen doc --dir --single-file",
];

const predecessorSettings = [
  ...["cores", "clientConfigDir", "internalDir", "reconnectInterval", "logPagePaginationEnabled"],
  ...[
    "maxIOQueues",
    "nvmeHostIDPath",
    "kato",
    "auxSuffix",
    "dhChapSecret",
    "dhChapCtrlSecret",
    "ctrlLossTMO",
  ],
  ...["filename", "maxAge", "maxSize", "reportCaller", "level"].map((key) => `logging.${key}`),
  ...["endpoint", "enablepprof", "metrics"].map((key) => `debug.${key}`),
  ...["enabled", "filename", "discoveryServicePort"].map((key) => `autoDetectEntries.${key}`),
];

const predecessorMetrics = [
  "discovery_connections_total",
  "discovery_connection_state",
  "discovery_entries_total",
  "discovery_log_page_count",
];

const states = ["identical", "extended", "changed"];

/** Cells of the rows below the heading that begins so. */
async function readTable(heading: string): Promise<string[][]> {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const [, section = ""] = readme.split("## Coming from the predecessor\n");
  const [, table = ""] = section.split(`\n| ${heading} `);
  const rows = table.split("\n\n")[0]!.split("\n").slice(2).filter((row) => row !== "");
  assert(rows.length > 1, `No table: ${heading}`);
  return rows.map((row) => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
}

function codeSpans(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
}

/** A command and its flags, apart. */
function splitWords(text: string): { words: string[]; flags: string[] } {
  const all = text.split(" ");
  const at = all.findIndex((word) => word.startsWith("-"));
  return at < 0 ? { words: all, flags: [] } : { words: all.slice(0, at), flags: all.slice(at) };
}

/** Our commands that these words call; several for the first word of a group. */
function commandsOf(words: readonly string[]): CommandSpec[] {
  return commands.filter((command) => words.every((word, at) => command.words[at] === word));
}

function hasFlag({ options }: CommandSpec, flag: string): boolean {
  const name = flag.replace(/^-+/, "");
  return [...options, configOption].some(({ long, short, aliases = [] }) =>
    flag.startsWith("--")
      ? [long, ...aliases].some((known) => known.toLowerCase() === name.toLowerCase())
      : short === name
  );
}

Deno.test("README has every command and flag of the predecessor, and each is known here or has another name here", async () => {
  const rows = await readTable("predecessor");
  const named = new Map<string, Set<string>>();
  for (const [theirs = "", ours = "", state = "", what = ""] of rows) {
    assert(states.includes(state), `${theirs}: ${state}`);
    if (state !== "identical") assert(what !== "", `${theirs}: what differs is said`);
    const [target = ""] = codeSpans(ours);
    if (target === "help") continue;
    const { words, flags } = splitWords(target);
    const found = commandsOf(words);
    assert(found.length > 0, `${ours} is no command`);
    for (const flag of flags) assert(found.every((command) => hasFlag(command, flag)), `${ours}: no ${flag}`);
    for (const span of codeSpans(theirs)) {
      const their = splitWords(span);
      const key = their.words.join(" ");
      const before = named.get(key) ?? new Set();
      named.set(key, new Set([...before, ...their.flags]));
      // Called something else here: `ours` was checked above.
      if (their.words[0] === "gen") continue;
      const same = key === "completion bash fish zsh" ? commandsOf(["completion"]) : commandsOf(their.words);
      assert(same.length > 0, `${span} is no command`);
      for (const flag of their.flags) {
        assert(same.every((command) => hasFlag(command, flag)), `${span}: no ${flag} here`);
      }
    }
  }
  for (const text of predecessorCommands) {
    const { words, flags } = splitWords(text);
    const told = named.get(words.join(" "));
    assert(told !== undefined, `No row for ${text}`);
    assertEquals([...told].sort(), [...flags].sort(), words.join(" "));
  }
});

Deno.test("README has every setting and metric of the predecessor, and each is known here", async () => {
  const named = (await readTable("setting")).flatMap(([keys = "", state = ""]) => {
    assert(states.includes(state), `${keys}: ${state}`);
    return codeSpans(keys);
  });
  assertEquals([...named].sort(), [...predecessorSettings].sort());
  for (const key of named) assert(settingKeys.some(({ path }) => path === key), `${key} is no setting`);
  const metrics = (await readTable("metric")).flatMap(([names = ""]) => codeSpans(names));
  assertEquals(metrics, predecessorMetrics);
  const source = await Deno.readTextFile(new URL("../../src/report/metric_families.ts", import.meta.url));
  for (const metric of metrics) assert(source.includes(`"${metric}"`), `Nobody tells ${metric}`);
});

Deno.test("README says of every file and answer how it is here", async () => {
  for (const heading of ["environment", "file, and what is in it", "answers"]) {
    for (const [what = "", state = "", how = ""] of await readTable(heading)) {
      assert(what !== "" && states.includes(state), `${heading}: ${what}`);
      if (state !== "identical") assert(how.length > 5, `${what}: what differs is said`);
    }
  }
});

/** Each flag of the predecessor once, with a value that it takes; a wrong word at the end, so that nothing is done. */
const spelled: readonly string[] = [
  "discover -a 127.0.0.1 -s 8009 -q host -I 00112233-4455-6677-8899-aabbccddeeff -t tcp -w 127.0.0.1 --persistant",
  "connect -a 127.0.0.1 -s 4420 -q=host -I 00112233-4455-6677-8899-aabbccddeeff -t tcp -w 127.0.0.1 -n nqn " +
  "--ctrl-loss-tmo=-1 -S DHHC-1:00:x: -C DHHC-1:00:x:",
  "connect-all -a 127.0.0.1 -s 8009 -q host -t tcp -w 127.0.0.1 --persistant -m 4 --ctrl-loss-tmo -1 -k 10",
  "disconnect -d /dev/nvme0",
  "disconnect-all --yes",
  "list ctrl -d",
  "add-hostnqn --name v2 -a 192.168.16.10:8009,192.168.16.11:8009 -n subsystem_nqn1 -q=hostnqn1 -t tcp",
  "remove-hostnqn --name v2",
  "serve --logging.filename= --logging.maxage=96h --logging.maxSize=100 --logging.reportcaller=false " +
  "--logging.level debug --debug.endpoint=0.0.0.0:6060 --debug.enablepprof=true --debug.metrics " +
  "--clientConfigDir=/tmp/d --internalDir=/tmp/i --nvmeHostIDPath=/tmp/hostid --pollingInterval=5s " +
  "--maxIOQueues=4 --kato=10 -e=false -f detected -p 8009",
];

Deno.test("the program takes the predecessor's flags as it spelled them", async () => {
  assert(programWords.length > 0);
  const results = await Promise.all(
    spelled.map((text) =>
      runProgramProcess(["--config", "/nonexistent", ...text.split(" "), "--no-such-flag"])
    ),
  );
  for (const [at, { status, stderr }] of results.entries()) {
    assertEquals(status, 2, spelled[at]);
    assert(/^discovery-client: Unknown option '?--no-such-flag/i.test(stderr), `${spelled[at]}\n${stderr}`);
  }
});
