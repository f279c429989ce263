/** What scripts/compile refuses, and how it says so; nothing is compiled. */
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";

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
