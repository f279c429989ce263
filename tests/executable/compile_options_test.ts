/** What scripts/compile refuses, how it says so, and what it makes for another processor. */
import { readElfNeeds } from "../../scripts/executable/elf_needs.ts";
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";
import { executable } from "./bare_root.ts";
import { runtimePart } from "./runtime_part.ts";

const script = new URL("../../scripts/compile", import.meta.url).pathname;
const machines = { x86_64: 62, aarch64: 183 } as const;
type Processor = keyof typeof machines;
const own = Deno.build.arch;
const other: Processor = own === "x86_64" ? "aarch64" : "x86_64";

async function compile(args: readonly string[], env: Record<string, string> = {}): Promise<[number, string]> {
  const { code, stderr } = await new Deno.Command(script, { args: [...args], env, stdout: "null" }).output();
  return [code, new TextDecoder().decode(stderr)];
}

Deno.test("scripts/compile refuses what it does not know", async () => {
  for (const args of [["--target", "riscv64"], ["--target=arm"], ["--fast"]]) {
    const [status, said] = await compile(args);
    assertEquals(status, 2, said);
    assert(said.startsWith("scripts/compile: "), said);
  }
});

Deno.test("scripts/compile takes no base runtime of another processor than the target's", async () => {
  await withDirectory(async (directory) => {
    for (const [target, args] of [[own, []], [other, ["--target", other]]] as const) {
      const file = new Uint8Array(64);
      new DataView(file.buffer).setUint16(18, machines[target === own ? other : own], true);
      await Deno.writeFile(`${directory}/denort`, file);
      const [status, said] = await compile(args, { DENORT_BIN: `${directory}/denort` });
      assertEquals(status, 1, said);
      assert(said.includes(`it is no base runtime for ${target}`), said);
    }
    const [status, said] = await compile([], { DENORT_BIN: `${directory}/nothing` });
    assertEquals(status, 1, said);
    assert(said.includes("there is no such file"), said);
  });
});

/** The runtime that the executable was built on, made to look as if it were for another processor. */
function foreignRuntime(): Uint8Array<ArrayBuffer> {
  const runtime = runtimePart(Deno.readFileSync(executable));
  new DataView(runtime.buffer).setUint16(18, machines[other], true);
  return runtime;
}

Deno.test("scripts/compile --target makes a file for another processor, and leaves that for this one", async () => {
  await withDirectory(async (directory) => {
    await Deno.writeFile(`${directory}/denort`, foreignRuntime(), { mode: 0o755 });
    await Deno.mkdir(`${directory}/out`);
    await Deno.writeTextFile(`${directory}/out/discovery-client`, "this one");
    const [status, said] = await compile(
      ["--target", other, "--output", `${directory}/out`],
      { DENORT_BIN: `${directory}/denort` },
    );
    assertEquals(status, 0, said);
    const name = `discovery-client-${other}`;
    assertEquals(readElfNeeds(Deno.readFileSync(`${directory}/out/${name}`)).processor, other);
    const bill = JSON.parse(Deno.readTextFileSync(`${directory}/out/${name}.cdx.json`));
    assert(
      JSON.stringify(bill.metadata.component.properties).includes(other),
      "The bill names the processor",
    );
    const sums = Deno.readTextFileSync(`${directory}/out/SHA256SUMS`);
    assertEquals(sums.trim().split("\n").map((line) => line.split("  ")[1]), [
      "discovery-client",
      name,
      `${name}.cdx.json`,
    ]);
    assertEquals(Deno.readTextFileSync(`${directory}/out/discovery-client`), "this one");
  });
});
