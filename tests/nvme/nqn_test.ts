import { assert, assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
import { formatHostId, hostIdOfNqn, nqnCharsMax, nqnProblem, parseHostId } from "../../src/nvme/nqn.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";

const uuid = "00112233-4455-6677-8899-aabbccddeeff";
const uuidNqn = `nqn.2014-08.org.nvmexpress:uuid:${uuid}`;
const ofLength = (length: number) => "nqn.2014-08.org.example:".padEnd(length, "n");

for (
  const name of [
    discoveryNqn,
    uuidNqn,
    "nqn.2016-06.io.spdk:cnode1",
    "nqn.2016-01.com.lightbitslabs:uuid:7a9b3c4d",
    "nqn.2014-08.com.example:nvme:a.b-c_d/e=f",
    ofLength(nqnCharsMax),
    "testnqn",
    "subsysnqn1",
    "x",
  ]
) {
  Deno.test(`nqnProblem() has nothing against ${name.slice(0, 60)}`, () =>
    assertEquals(nqnProblem(name), null));
}

const refused: readonly [text: string, words: string][] = [
  ["", "it is empty"],
  [ofLength(223), "it has 223 characters, at most 222 are allowed"],
  ["nqn.2014-08.org.example:a,hostid=x", "it holds a comma"],
  ["nqn.2014-08.org.example:a b", "it holds white space"],
  ["nqn.2014-08.org.example:a\n", "it holds white space"],
  ["nqn.2014-08.org.example:a\t", "it holds white space"],
  ["nqn.2014-08.org.example:\x1b[2J", "it holds a control character"],
  ["nqn.2014-08.org.example:\x7f", "it holds a control character"],
  ["nqn.2014-08.org.example:a\0b", "it holds a control character"],
  ["nqn.2014-08.org.example:ä", "it holds a character that is not ASCII"],
  ["nqn.2014-08.org.example:\u202e", "it holds a character that is not ASCII"],
  [" ", "it holds white space"],
  ["testnqn,hostid=x", "it holds a comma"],
  ["testnqn ", "it holds white space"],
  ["x".repeat(223), "it has 223 characters, at most 222 are allowed"],
  ["DHHC-1:00:AAAA:", "it is or holds a secret key"],
  ["NVMeTLSkey-1:01:AAAA:", "it is or holds a secret key"],
  ["nqn.2024-01.org.example:DHHC-1:00:AAAA:", "it is or holds a secret key"],
];

for (const [text, words] of refused) {
  Deno.test(`nqnProblem() refuses ${JSON.stringify(text.slice(0, 40))}: ${words}`, () => {
    assertEquals(nqnProblem(text), words);
  });
}

Deno.test("nqnProblem() lets through nothing that ends an option of the kernel", () => {
  const text = fc.string({ unit: "binary", maxLength: 12 }).map((tail) => `testnqn${tail}`);
  fc.assert(
    fc.property(text, (text) => {
      if (nqnProblem(text) === null) assert(/^[\x21-\x2b\x2d-\x7e]+$/.test(text), JSON.stringify(text));
    }),
    { numRuns: 300 },
  );
});

Deno.test("parseHostId() gives the bytes in the order of the text, whatever the case", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, at) => at * 0x11);
  assertEquals(parseHostId(uuid), bytes);
  assertEquals(parseHostId(uuid.toUpperCase()), bytes);
  assertEquals(formatHostId(bytes), uuid);
});

Deno.test("parseHostId() refuses zero and what is no UUID", () => {
  for (
    const text of [
      "",
      "00000000-0000-0000-0000-000000000000",
      uuid.slice(1),
      `${uuid}0`,
      ` ${uuid}`,
      `${uuid}\n`,
      `{${uuid}}`,
      uuid.replaceAll("-", ""),
      uuid.replace("0", "g"),
      "00112233445-5-6677-8899-aabbccddeeff",
    ]
  ) assertEquals(parseHostId(text), null, text);
});

Deno.test("formatHostId() writes what parseHostId() reads", () => {
  fc.assert(fc.property(fc.uuid(), (text) => {
    const bytes = parseHostId(text);
    assertEquals(bytes === null ? null : formatHostId(bytes), text.toLowerCase());
  }));
});

Deno.test("hostIdOfNqn() finds the UUID of the UUID form only", () => {
  assertEquals(hostIdOfNqn(uuidNqn), uuid);
  assertEquals(hostIdOfNqn(`nqn.2014-08.org.nvmexpress:uuid:${uuid.toUpperCase()}`), uuid);
  for (
    const name of [
      discoveryNqn,
      `nqn.2014-08.org.example:uuid:${uuid}`,
      `${uuidNqn}0`,
      uuidNqn.slice(0, -1),
      "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-000000000000",
      "",
    ]
  ) assertEquals(hostIdOfNqn(name), null, name);
});
