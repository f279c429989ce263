import { assert, assertEquals } from "../assert.ts";
import {
  decideHostIdentity,
  type HostIdSource,
  hostIdSourceText,
  type IdentityFile,
  type IdentityRights,
  type IdentityWrite,
  parseHostIdFile,
} from "../../src/config/host_identity.ts";

const uuid = "00112233-4455-6677-8899-aabbccddeeff";
const other = "ffeeddcc-bbaa-9988-7766-554433221100";

Deno.test("parseHostIdFile() reads the first line", () => {
  for (const text of [uuid, `${uuid}\n`, ` ${uuid.toUpperCase()} \r\n${other}\n`, `\ufeff${uuid}\n`]) {
    assertEquals(parseHostIdFile(text), { value: uuid });
  }
  assertEquals(parseHostIdFile("").problem, "the first line is empty");
  assertEquals(parseHostIdFile(`\n${uuid}`).problem, "the first line is empty");
  for (const text of ["x", `${uuid}0`, "00000000-0000-0000-0000-000000000000", `#${uuid}`, "\0"]) {
    assertEquals(parseHostIdFile(text).problem, "the first line is no UUID, or all zero");
  }
});

const zero = "00000000-0000-0000-0000-000000000000";
const [inNqn, machine, remembered] = ["b", "c", "d"].map((digit) =>
  `${digit.repeat(8)}-1111-4111-8111-111111111111`
) as [string, string, string];
const prefix = "nqn.2014-08.org.nvmexpress:uuid:";
const drawn = "00010203-0405-4607-8809-0a0b0c0d0e0f";
const random = Uint8Array.from({ length: 16 }, (_, at) => at);
const paths = { hostid: "/n/hostid", hostnqn: "/n/hostnqn", remembered: "/i/hostid" };
const denied = { kind: "unreadable", problem: "Cannot read it: EACCES" } as const;

interface Row {
  readonly name: string;
  /** undefined: there is no such file. */
  readonly hostid?: string | typeof denied;
  readonly hostnqn?: string | typeof denied;
  readonly productUuid?: string;
  readonly remembered?: string;
  readonly rights?: IdentityRights;
  readonly id: string | null;
  readonly source: HostIdSource | null;
  readonly nqn: string | null;
  readonly problems?: readonly string[];
  /** `file text` each. */
  readonly writes?: readonly string[];
}

const all: IdentityRights = { makeHostFiles: true, remember: true };
const none: IdentityRights = { makeHostFiles: false, remember: false };

const rows: readonly Row[] = [
  {
    name: "what both files say, and writes nothing",
    hostid: `${uuid.toUpperCase()}\nmore`,
    hostnqn: "nqn.2024-01.io.example:host1\nmore",
    productUuid: machine,
    remembered,
    id: uuid,
    source: "file",
    nqn: "nqn.2024-01.io.example:host1",
  },
  {
    name: "an NQN made of the identifier, where only that has a file",
    hostid: uuid,
    id: uuid,
    source: "file",
    nqn: `${prefix}${uuid}`,
    writes: [`hostnqn ${prefix}${uuid}`],
  },
  {
    name: "the UUID in the host NQN's file before the machine's",
    hostnqn: `${prefix}${inNqn.toUpperCase()}\n`,
    productUuid: machine,
    remembered,
    id: inNqn,
    source: "hostnqn",
    nqn: `${prefix}${inNqn.toUpperCase()}`,
    writes: [`hostid ${inNqn}`],
  },
  {
    name: "the machine's UUID before a remembered one, in the order of its text",
    hostnqn: "nqn.2024-01.io.example:host1",
    productUuid: `${machine.toUpperCase()}\n`,
    remembered,
    id: machine,
    source: "machine",
    nqn: "nqn.2024-01.io.example:host1",
    writes: [`hostid ${machine}`],
  },
  {
    name: "the remembered one where firmware has zeros",
    productUuid: zero,
    remembered: `${remembered}\n`,
    id: remembered,
    source: "remembered",
    nqn: `${prefix}${remembered}`,
    writes: [`hostid ${remembered}`, `hostnqn ${prefix}${remembered}`],
  },
  {
    name: "a random one where firmware has ones, and remembers it",
    productUuid: "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF\n",
    id: drawn,
    source: "random",
    nqn: `${prefix}${drawn}`,
    writes: [`remembered ${drawn}`, `hostid ${drawn}`, `hostnqn ${prefix}${drawn}`],
  },
  {
    name: "a random one for a product UUID that is none",
    productUuid: "Not Specified",
    rights: { makeHostFiles: false, remember: true },
    id: drawn,
    source: "random",
    nqn: `${prefix}${drawn}`,
    writes: [`remembered ${drawn}`],
  },
  { name: "nothing where nothing can be remembered", rights: none, id: null, source: null, nqn: null },
  {
    name: "the machine's UUID without writing it, where it may not",
    productUuid: machine,
    rights: none,
    id: machine,
    source: "machine",
    nqn: `${prefix}${machine}`,
  },
  {
    name: "a problem for a file of no use, which it never replaces",
    hostid: `${zero}\n`,
    productUuid: machine,
    id: machine,
    source: "machine",
    nqn: `${prefix}${machine}`,
    problems: ["Cannot use the host identifier in /n/hostid: the first line is no UUID, or all zero"],
  },
  {
    name: "a problem for files that cannot be read, which it never replaces",
    hostid: denied,
    hostnqn: denied,
    productUuid: machine,
    id: machine,
    source: "machine",
    nqn: `${prefix}${machine}`,
    problems: [denied.problem, denied.problem],
  },
  {
    name: "a problem for a host NQN of no use",
    hostid: uuid,
    hostnqn: "\nnqn.2024-01.io.example:host1",
    id: uuid,
    source: "file",
    nqn: `${prefix}${uuid}`,
    problems: ["Cannot use the host NQN in /n/hostnqn: of the first line, it is empty"],
  },
  {
    name: "another random one for a remembered text of no use",
    remembered: "torn",
    rights: { makeHostFiles: false, remember: true },
    id: drawn,
    source: "random",
    nqn: `${prefix}${drawn}`,
    problems: ["Cannot use the host identifier in /i/hostid: the first line is no UUID, or all zero"],
    writes: [`remembered ${drawn}`],
  },
];

function file(content: Row["hostid"]): IdentityFile {
  if (content === undefined) return { kind: "missing" };
  return typeof content === "string" ? { kind: "text", text: content } : content;
}

for (const row of rows) {
  Deno.test(`decideHostIdentity() answers ${row.name}`, () => {
    const found = decideHostIdentity({
      hostid: file(row.hostid),
      hostnqn: file(row.hostnqn),
      remembered: file(row.remembered),
      productUuid: row.productUuid ?? null,
      random,
      paths,
    }, row.rights ?? all);
    assertEquals(found, {
      hostid: row.id,
      source: row.source,
      hostnqn: row.nqn,
      problems: row.problems ?? [],
      writes: (row.writes ?? []).map((write) => {
        const [name, text] = write.split(" ") as [IdentityWrite["file"], string];
        return { file: name, text: `${text}\n` };
      }),
    });
  });
}

Deno.test("decideHostIdentity() has words for every source", () => {
  for (const { source } of rows) if (source !== null) assert(hostIdSourceText[source].length > 5, source);
  assertEquals(new Set(rows.map(({ source }) => source)).size, Object.keys(hostIdSourceText).length + 1);
});
