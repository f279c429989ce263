import { fc } from "../property.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { formatState, parseState, type State, type StateEntry } from "../../src/config/state_file.ts";

const parse = (text: string) => parseState(new TextEncoder().encode(text));
const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const subsysnqn = "nqn.2016-01.com.lightbitslabs:uuid:s";

/** As the predecessor writes it: tabs, nanoseconds, an offset, CtrlLossTMO null when it is not set. */
const predecessor = `{
	"entries": [
		{
			"Transport": "tcp",
			"Trsvcid": 8009,
			"Traddr": "192.168.16.10",
			"Hostnqn": "${hostnqn}",
			"Hostid": "",
			"Subsysnqn": "${subsysnqn}",
			"Persistent": true,
			"Hostaddr": "",
			"EntrySource": "user",
			"CtrlLossTMO": null
		},
		{
			"Transport": "tcp",
			"Trsvcid": 8010,
			"Traddr": "FE80::1%eth0",
			"Hostnqn": "${hostnqn}",
			"Hostid": "00112233-4455-6677-8899-AABBCCDDEEFF",
			"Subsysnqn": "${subsysnqn}",
			"Persistent": false,
			"Hostaddr": "10.0.0.9",
			"EntrySource": "referral",
			"CtrlLossTMO": -1
		}
	],
	"creation_time": "2024-05-06T07:08:09.123456789+03:00"
}`;

const good = (JSON.parse(predecessor) as { entries: Record<string, unknown>[] }).entries[0] ?? {};
const withEntries = (...entries: unknown[]) =>
  JSON.stringify({ entries, creation_time: "2024-05-06T04:08:09.123Z" });

Deno.test("parseState() loads what the predecessor wrote", () => {
  const cluster = { subsysnqn, hostnqn };
  assertEquals(parse(predecessor), {
    createdAtMs: Date.UTC(2024, 4, 6, 4, 8, 9, 123),
    problems: [],
    entries: [
      {
        cluster,
        transport: "tcp",
        traddr: "192.168.16.10",
        trsvcid: 8009,
        persistent: true,
        source: "user",
        namedBy: [],
        retired: false,
      },
      {
        cluster,
        transport: "tcp",
        traddr: "fe80::1%eth0",
        trsvcid: 8010,
        hostid: "00112233-4455-6677-8899-aabbccddeeff",
        persistent: false,
        source: "referral",
        namedBy: [],
        retired: false,
        hostTraddr: "10.0.0.9",
        ctrlLossTmo: -1,
      },
    ],
  });
});

Deno.test("formatState() writes the predecessor's fields, all of them, in its order", () => {
  const text = formatState(parse(predecessor));
  const [first, second] = (JSON.parse(text) as { entries: Record<string, unknown>[] }).entries;
  assertEquals(first, good);
  assertEquals(Object.keys(first ?? {}), Object.keys(good));
  assertEquals(Object.keys(second ?? {}), Object.keys(good));
  assert(text.includes('"creation_time": "2024-05-06T04:08:09.123Z"') && text.endsWith("}\n"));
});

Deno.test("our own fields come back", () => {
  const entry: StateEntry = {
    cluster: { subsysnqn, hostnqn },
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: 8009,
    discoveryNqn: "nqn.2014-08.org.example:unique",
    persistent: false,
    ctrlLossTmo: 0,
    source: "referral",
    namedBy: ["10.0.0.2:8009", "[fe80::1%eth0]:8009"],
    retired: true,
    hostName: "node1",
    options: {
      hostIface: "eth0",
      keepAliveTmo: 5,
      queueSize: 0,
      fastIoFailTmo: -1,
      tos: 8,
      dataDigest: true,
    },
    secured: true,
  };
  const state: State = { entries: [entry], createdAtMs: 1_700_000_000_000, configDigest: "0123456789abcdef" };
  assertEquals(parse(formatState(state)), { ...state, problems: [] });
});

Deno.test("options that are not what they should be are as good as none", () => {
  const Options = {
    hostIface: "eth0,tls",
    keepAliveTmo: "5",
    reconnectDelay: -1,
    nrIoQueues: 1.5,
    nrPollQueues: 2 ** 31,
    fastIoFailTmo: -2,
    tos: "8",
    disableSqflow: "yes",
    hdrDigest: 1,
    dhchapSecret: "x",
  };
  const [entry] = parse(withEntries({ ...good, Options, Secured: "yes" })).entries;
  assertEquals([entry?.options, entry?.secured], [undefined, undefined]);
});

Deno.test("a document without entries is an empty list", () => {
  for (const entries of ["", '"entries": null,', '"entries": [],']) {
    const state = parse(`{${entries} "creation_time": "0001-01-01T00:00:00Z"}`);
    assertEquals([state.entries, state.problems, state.configDigest], [[], [], undefined]);
    assert(state.createdAtMs < 0);
  }
});

Deno.test("a corrupt file is refused in words", () => {
  const rows: [text: string, part: string][] = [
    ["", "it is empty"],
    ["{", "it is not JSON"],
    ["null", "it is not a JSON object"],
    ["[]", "it is not a JSON object"],
    ['"x"', "it is not a JSON object"],
    ["{}", "creation_time is not a time"],
    ['{"creation_time": 5}', "creation_time is not a time"],
    ['{"creation_time": "yesterday"}', "creation_time is not a time"],
    ['{"creation_time": "2024-05-06T04:08:09Z", "entries": {}}', "entries is not a list"],
    ["\0".repeat(100), "it is not JSON"],
    [predecessor.slice(0, -20), "it is not JSON"],
  ];
  for (const [text, part] of rows) {
    const error = assertThrows(() => parse(text), ConfigError, part);
    assertEquals(error.code, "corrupt-state");
    assert(/^[\x20-\x7e…]+$/.test(error.message), error.message);
  }
  const binary = Uint8Array.from([0xff, 0xfe, 0x00, 0x80]);
  assertEquals(assertThrows(() => parseState(binary), ConfigError).code, "corrupt-state");
  const large = new Uint8Array(limits.stateBytesMax + 1);
  assertEquals(assertThrows(() => parseState(large), ConfigError).code, "too-large");
});

Deno.test("an entry that cannot be used costs only itself", () => {
  const rows: [bad: unknown, part: string][] = [
    [null, "not an object"],
    [5, "not an object"],
    [[], "not an object"],
    [{ ...good, Transport: "rdma" }, "Transport"],
    [{ ...good, Traddr: "" }, "Traddr"],
    [{ ...good, Traddr: "a,b" }, "Traddr"],
    [{ ...good, Traddr: 5 }, "Traddr"],
    [{ ...good, Trsvcid: 0 }, "Trsvcid"],
    [{ ...good, Trsvcid: 70_000 }, "Trsvcid"],
    [{ ...good, Trsvcid: "0x50" }, "Trsvcid"],
    [{ ...good, Trsvcid: null }, "Trsvcid"],
    [{ ...good, Trsvcid: true }, "Trsvcid"],
    [{ ...good, Trsvcid: [8009] }, "Trsvcid"],
    [{ ...good, Hostnqn: "a b" }, "Hostnqn"],
    [{ ...good, Hostnqn: "" }, "Hostnqn"],
    [{ ...good, Hostnqn: "x".repeat(223) }, "Hostnqn"],
    [{ ...good, Hostnqn: undefined }, "Hostnqn"],
    [{ ...good, Subsysnqn: `${subsysnqn},concat` }, "Subsysnqn"],
    [{ ...good, Hostid: "x" }, "Hostid"],
  ];
  for (const [bad, part] of rows) {
    const { entries, problems } = parse(withEntries(bad, good));
    assertEquals([entries.length, problems.length], [1, 1], part);
    assert(
      problems[0]?.startsWith("Ignored entry 1 of internal.json: ") && problems[0].includes(part),
      problems[0],
    );
  }
});

Deno.test("a field that an entry can do without costs only itself", () => {
  const spoiled = {
    ...good,
    Trsvcid: "8011",
    Hostaddr: "a,b",
    CtrlLossTMO: "x",
    NamedBy: ["10.0.0.1:8009", 5, "a b", null],
    Retired: "yes",
    HostName: "a b",
    DiscoveryNqn: 7,
    EntrySource: "internal",
  };
  const { entries, problems } = parse(withEntries(spoiled));
  assertEquals(problems, []);
  const [entry] = entries;
  assertEquals([entry?.trsvcid, entry?.source, entry?.namedBy, entry?.retired], [8011, "user", [
    "10.0.0.1:8009",
  ], false]);
  for (const key of ["hostTraddr", "ctrlLossTmo", "hostName", "discoveryNqn"]) {
    assert(!(key in (entry ?? {})), key);
  }
});

Deno.test("entries and complaints are bounded", () => {
  const many = parse(withEntries(...Array.from({ length: 1_000 }, () => 5), good));
  assertEquals([many.entries.length, many.problems.length], [1, limits.lineErrorsPerFileMax + 1]);
  assertEquals(
    many.problems.at(-1),
    `Ignored ${1_000 - limits.lineErrorsPerFileMax} more entries of internal.json`,
  );
  const lots = parse(withEntries(...Array.from({ length: limits.entriesMax + 7 }, () => good)));
  assertEquals([lots.entries.length, lots.problems], [limits.entriesMax, [
    "Ignored 7 more entries of internal.json",
  ]]);
});

Deno.test("a number that is not written back is as good as none", () => {
  const text = withEntries({ ...good, CtrlLossTMO: 7, Options: { tos: 7, fastIoFailTmo: 7, queueSize: 9 } });
  const { entries: [entry] } = parse(text.replaceAll(":7", ":-0"));
  assertEquals([entry?.ctrlLossTmo, entry?.options], [undefined, { queueSize: 9 }]);
});

Deno.test("property: any JSON gives a state or a ConfigError", () => {
  const value = fc.jsonValue();
  const entry = fc.dictionary(fc.constantFrom(...Object.keys(good), "NamedBy", "Retired"), value)
    .map((fields) => ({ ...good, ...fields }));
  const text = fc.oneof(
    fc.json(),
    fc.array(fc.oneof(entry, value)).map((entries) => withEntries(...entries)),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        const state = parse(text);
        assertEquals(parse(formatState(state)).entries, state.entries);
      } catch (error) {
        assert(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("formatState() keeps whom the host's identifier belongs to, and parseState() takes nothing else for it", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const text = formatState({ entries: [], createdAtMs: 0, hostidOwner: hostnqn });
  assertEquals(parseState(bytes(text)).hostidOwner, hostnqn);
  for (const bad of ["", "a,b", "7"]) {
    assertEquals(
      parseState(bytes(text.replace(hostnqn, bad))).hostidOwner,
      bad === "7" ? "7" : undefined,
      bad,
    );
  }
  assertEquals(parseState(bytes(formatState({ entries: [], createdAtMs: 0 }))).hostidOwner, undefined);
});
