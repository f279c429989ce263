import { isDhchapSecret, looksSecret } from "../../src/nvme/dhchap_secret.ts";
import { assertEquals } from "../assert.ts";

const key = (bytes: number) => btoa("k".repeat(bytes + 4));

const rows: readonly [text: string, isOne: boolean][] = [
  [`DHHC-1:00:${key(32)}:`, true],
  [`DHHC-1:02:${key(48)}:`, true],
  [`DHHC-1:03:${key(64)}:`, true],
  [`DHHC-1:04:${key(32)}:`, false],
  [`DHHC-1:00:${key(31)}==:`, false],
  [`DHHC-1:00:${key(16)}:`, false],
  [`DHHC-1:00:${key(32)}`, false],
  [`DHHC-1:00:${key(32)}:,tls`, false],
  [`DHHC-1:00:${key(32)}:\n`, false],
  [`dhhc-1:00:${key(32)}:`, false],
  ["DHHC-1:00::", false],
  ["", false],
];

Deno.test("isDhchapSecret() knows a key of 32, 48 or 64 bytes in the text form of the specification", () => {
  for (const [text, isOne] of rows) assertEquals(isDhchapSecret(text), isOne, text);
});

Deno.test("looksSecret() finds keys of both kinds anywhere and in any case", () => {
  for (const text of [rows[0]![0], "a dhhc-1:x", "NVMETLSKEY-1:01:x:"]) assertEquals(looksSecret(text), true);
  for (const text of ["", "DHH", "nqn.2014-08.org.nvmexpress:uuid:1"]) assertEquals(looksSecret(text), false);
});
