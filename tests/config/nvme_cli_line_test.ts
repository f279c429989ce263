import { parseEntryFile } from "../../src/config/entry_file.ts";
import { ignoredWords } from "../../src/config/nvme_cli_line.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import { assert, assertEquals } from "../assert.ts";

const own = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const file = "/etc/nvme/discovery.conf";

function parse(text: string, hostnqn: string | null = own) {
  return parseEntryFile(file, new TextEncoder().encode(text), { hostnqn });
}

Deno.test("parseEntryFile() takes a line of nvme-cli's: no -q means this host, no -n the well-known NQN", () => {
  const { entries, errors } = parse("--transport=tcp --traddr=10.0.0.1 --trsvcid=8010 -l 60\n");
  assertEquals(errors, []);
  assertEquals(entries, [{
    cluster: { subsysnqn: discoveryNqn, hostnqn: own },
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: 8010,
    persistent: false,
    options: { ctrlLossTmo: 60 },
    origin: { file, line: 1 },
  }]);
});

Deno.test("parseEntryFile() takes -n of a line of nvme-cli's for the discovery controller's NQN", () => {
  const [unique, wellKnown] = parse(
    `-t tcp -a 10.0.0.1 -n nqn.2024-01.org.example:discovery -q nqn.host\n-t tcp -a 10.0.0.2 -n ${discoveryNqn}\n`,
  ).entries;
  assertEquals(unique?.discoveryNqn, "nqn.2024-01.org.example:discovery");
  assertEquals(unique?.cluster, { subsysnqn: discoveryNqn, hostnqn: "nqn.host" });
  assertEquals([wellKnown?.discoveryNqn, wellKnown?.cluster.hostnqn], [undefined, own]);
});

Deno.test("parseEntryFile() passes over nvme-cli's lines of other transports with one notice", () => {
  const { entries, errors, badLines } = parse(
    "-t rdma -a 10.0.0.1 -s 4420\n-a nn-0x1000:pn-0x2000 --transport=fc\n-t tcp -a 10.0.0.2\n-tloop\n",
  );
  assertEquals(entries.map(({ traddr }) => traddr), ["10.0.0.2"]);
  const message =
    'Passed over line: its transport is "rdma", and only tcp is served, and 2 more of other transports';
  assertEquals(errors, [{ file, line: 1, column: 0, message }]);
  assertEquals(badLines, 0);
});

Deno.test("parseEntryFile() takes no endpoint from a line of nvme-cli's that nvme-cli takes none from", () => {
  const rows: readonly (readonly [string, string | null])[] = [
    ["# a comment", null],
    ["-k 5 --ctrl-loss-tmo=60", null],
    ["-a 10.0.0.1 -s 8009", "Cannot use line: missing --transport"],
    ["-t tcp -s 8009", "Cannot use line: missing --traddr"],
    ["-t tcp -a 10.0.0.1 -D", "Cannot use -D: a path has one controller, always"],
  ];
  for (const [text, message] of rows) {
    const { entries, errors } = parse(text);
    assertEquals(entries, [], text);
    assertEquals(errors.map((error) => error.message), message === null ? [] : [message], text);
  }
  const [error] = parse("-t tcp -a 10.0.0.1", null).errors;
  assertEquals(error?.message, "Cannot use line: missing --hostnqn, and no file says who this host is");
});

Deno.test("parseEntryFile() passes over what nvme-cli's options say about printing", () => {
  const { entries, errors } = parse(
    "-d nvme3 -t tcp --raw=/tmp/x -a 10.0.0.1 -o json -S --quiet --output_format normal -v -O -p -J cfg --force -m\n" +
      `-t tcp -a 10.0.0.2 -S DHHC-1:01:${"A".repeat(48)}: --nbft-path /x\n`,
  );
  assertEquals(errors, []);
  assertEquals(entries.map(({ traddr, persistent }) => [traddr, persistent]), [["10.0.0.1", true], [
    "10.0.0.2",
    false,
  ]]);
  assert(entries[0]?.options.dhchapSecret === undefined && entries[1]?.options.dhchapSecret !== undefined);
  assertEquals(ignoredWords("-Vx", "y"), 0);
});
