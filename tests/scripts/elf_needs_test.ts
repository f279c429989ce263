import { compareVersions, highestVersion, readElfNeeds } from "../../scripts/executable/elf_needs.ts";
import { assertEquals, assertThrows } from "../assert.ts";

/**
 * ELF header | texts | dynamic | version needs | three section headers; every section's texts are those of section 0.
 */
function elfFile(machine: number): Uint8Array<ArrayBuffer> {
  const texts = "\0libc.so.6\0GLIBC_2.9\0GLIBC_2.27\0";
  const at = (text: string) => texts.indexOf(text);
  const [textsAt, dynamicAt, needsAt, sectionsAt] = [64, 128, 160, 256] as const;
  const bytes = new Uint8Array(sectionsAt + 3 * 64);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  view.setUint16(18, machine, true);
  view.setBigUint64(40, BigInt(sectionsAt), true);
  view.setUint16(58, 64, true);
  view.setUint16(60, 3, true);
  bytes.set(new TextEncoder().encode(texts), textsAt);
  // DT_NEEDED, and one that is something else.
  view.setBigInt64(dynamicAt, 1n, true);
  view.setBigUint64(dynamicAt + 8, BigInt(at("libc")), true);
  view.setBigInt64(dynamicAt + 16, 5n, true);
  // One library with two versions.
  view.setUint16(needsAt + 2, 2, true);
  view.setUint32(needsAt + 4, at("libc"), true);
  view.setUint32(needsAt + 8, 16, true);
  view.setUint32(needsAt + 16 + 8, at("GLIBC_2.9"), true);
  view.setUint32(needsAt + 16 + 12, 16, true);
  view.setUint32(needsAt + 32 + 8, at("GLIBC_2.27"), true);
  const sections = [[3, textsAt, texts.length], [6, dynamicAt, 32], [0x6ffffffe, needsAt, 48]] as const;
  for (const [index, [type, offset, size]] of sections.entries()) {
    const header = sectionsAt + index * 64;
    view.setUint32(header + 4, type, true);
    view.setBigUint64(header + 24, BigInt(offset), true);
    view.setBigUint64(header + 32, BigInt(size), true);
  }
  return bytes;
}

Deno.test("readElfNeeds() tells processor, libraries and versions", () => {
  assertEquals(readElfNeeds(elfFile(62)), {
    processor: "x86_64",
    libraries: ["libc.so.6"],
    versions: new Map([["libc.so.6", ["GLIBC_2.9", "GLIBC_2.27"]]]),
  });
  assertEquals(readElfNeeds(elfFile(183)).processor, "aarch64");
  assertEquals(readElfNeeds(elfFile(8)).processor, "8");
});

Deno.test("readElfNeeds() rejects other files, and files that are cut off", () => {
  assertThrows(() => readElfNeeds(new TextEncoder().encode("#!/bin/sh\n")), TypeError);
  assertThrows(() => readElfNeeds(elfFile(62).slice(0, 300)), RangeError);
});

Deno.test("highestVersion() counts in numbers", () => {
  assertEquals(highestVersion(readElfNeeds(elfFile(62)), "GLIBC"), "2.27");
  assertEquals(highestVersion(readElfNeeds(elfFile(62)), "GCC"), null);
  assertEquals([compareVersions("2.9", "2.27") < 0, compareVersions("2.27.1", "2.27") > 0], [true, true]);
  assertEquals(compareVersions("2.28", "2.28"), 0);
});
