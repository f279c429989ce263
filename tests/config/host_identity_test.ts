import { assertEquals } from "../assert.ts";
import { parseHostIdFile } from "../../src/config/host_identity.ts";

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
