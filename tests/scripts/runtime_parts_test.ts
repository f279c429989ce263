import { findRuntimeParts } from "../../scripts/executable/runtime_parts.ts";
import { assertEquals, assertThrows } from "../assert.ts";

const texts = { deno: { file: "LICENSE", text: "D" }, v8: { file: "LICENSE", text: "V" } };
const find = (content: string) => findRuntimeParts(new TextEncoder().encode(content), texts);
const versions = "\0Deno/2.6.10\0 14.5.201.2-rusty\0";
const crate = (name: string) => `\0/home/x/.cargo/registry/src/index-1949cf8c6b5b557f/${name}/src/lib.rs\0`;

Deno.test("findRuntimeParts() reads the versions and the crates, each once and in order", () => {
  const { deno, parts, crates } = find(
    versions + crate("tokio-1.47.1") + crate("ash-0.38.0+1.3.281") + crate("tokio-1.47.1") +
      crate("md-5-0.10.6"),
  );
  assertEquals([deno.version, deno.texts[0]?.text], ["2.6.10", "D"]);
  assertEquals(parts.map(({ name, version }) => `${name} ${version}`), ["V8 14.5.201.2"]);
  assertEquals(crates, [
    { name: "ash", version: "0.38.0+1.3.281" },
    { name: "md-5", version: "0.10.6" },
    { name: "tokio", version: "1.47.1" },
  ]);
});

Deno.test("findRuntimeParts() knows which native libraries come with a crate", () => {
  assertEquals(find(versions + crate("rusqlite-0.37.0")).parts.map(({ name }) => name), ["V8", "SQLite"]);
});

Deno.test("findRuntimeParts() rejects a file that does not tell Deno's version", () => {
  assertThrows(() => find(crate("tokio-1.47.1")), Error);
  assertThrows(() => find("Deno/2.6.10"), Error);
});
