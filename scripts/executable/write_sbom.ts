/** Writes EXECUTABLE.cdx.json for scripts/compile. Arguments: parts file, executable, commit, its time in seconds. */
import { billOfMaterials } from "./bill_of_materials.ts";
import { highestVersion, readElfNeeds } from "./elf_needs.ts";
import type { Parts } from "./parts.ts";

const [partsFile = "", executable = "", commit = "", seconds = ""] = Deno.args;
const bytes = Deno.readFileSync(executable);
const needs = readElfNeeds(bytes);
const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const bill = billOfMaterials(JSON.parse(Deno.readTextFileSync(partsFile)) as Parts, {
  file: executable.replace(/^.*\//, ""),
  sha256: Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join(""),
  processor: needs.processor,
  glibc: highestVersion(needs, "GLIBC") ?? "any",
  commit,
  builtAtMs: Number(seconds) * 1_000,
});
Deno.writeTextFileSync(`${executable}.cdx.json`, `${JSON.stringify(bill, null, 2)}\n`);
