/** Says what an executable wants of its system, for scripts/compile. Argument: file. */
import { highestVersion, readElfNeeds } from "./elf_needs.ts";

const [file = ""] = Deno.args;
const needs = readElfNeeds(Deno.readFileSync(file));
console.log(
  `${needs.processor}, glibc ${highestVersion(needs, "GLIBC")} or newer; loads ${needs.libraries.join(", ")}`,
);
