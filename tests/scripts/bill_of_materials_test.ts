import { billOfMaterials } from "../../scripts/executable/bill_of_materials.ts";
import { assert, assertEquals } from "../assert.ts";
import { sampleParts } from "./parts_samples.ts";

const executable = {
  file: "discovery-client",
  sha256: "0123456789abcdef".repeat(4),
  processor: "x86_64",
  glibc: "2.27",
  commit: "abc",
  builtAtMs: 1_700_000_000_000,
};

// deno-lint-ignore no-explicit-any
const bill = () => billOfMaterials(sampleParts, executable) as any;

Deno.test("billOfMaterials() names libraries and crates by package URL, with sums and licences", () => {
  const [left, deno] = bill().components;
  assertEquals([left.purl, left.hashes[0].content], ["pkg:npm/%40scope/left@1.0.0", "ab".repeat(64)]);
  assertEquals(left.licenses, [{
    license: { id: "MIT", text: { contentType: "text/plain", content: "You may use left." } },
  }]);
  const [stones, sticks, tokio, ash] = deno.components;
  assertEquals(stones.licenses, [{ expression: "Apache-2.0 WITH LLVM-exception" }]);
  assertEquals([sticks.licenses, sticks.version], [undefined, undefined]);
  assertEquals([tokio.purl, ash.purl], ["pkg:cargo/tokio@1.47.1", "pkg:cargo/ash@0.38.0%2B1.3.281"]);
});

Deno.test("billOfMaterials() refers only to what it holds", () => {
  const { components, dependencies, compositions, metadata } = bill();
  const all = [metadata.component, ...components, ...components[1].components];
  const refs = all.map((component) => component["bom-ref"]);
  assertEquals(new Set(refs).size, refs.length);
  for (const { ref, dependsOn } of dependencies) {
    for (const name of [ref, ...dependsOn]) assert(refs.includes(name), name);
  }
  for (const { dependencies = [], assemblies = [] } of compositions) {
    for (const name of [...dependencies, ...assemblies]) assert(refs.includes(name), name);
  }
});

Deno.test("billOfMaterials() is the same for the same executable, and has its sum as its number", () => {
  assertEquals(bill(), bill());
  assertEquals(bill().serialNumber, "urn:uuid:01234567-89ab-8def-8123-456789abcdef");
  assertEquals(bill().metadata.timestamp, "2023-11-14T22:13:20Z");
});
