/** What scripts/container/build-root refuses, before it downloads or removes anything. */
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";

const script = new URL("../../scripts/container/build-root", import.meta.url).pathname;

async function build(...args: string[]): Promise<[number, string]> {
  const { code, stderr } = await new Deno.Command(script, { args, stdout: "null" }).output();
  return [code, new TextDecoder().decode(stderr)];
}

Deno.test("scripts/container/build-root refuses what it does not know", async () => {
  const calls: readonly [args: readonly string[], said: string][] = [
    [[], "name the directory to make"],
    [["--fast", "root"], "unknown option --fast"],
    [["one", "two"], "one directory, not two: one and two"],
    [["--target", "riscv64", "root"], "cannot use --target riscv64"],
    [["root", "--binary"], "the last option lacks its value"],
  ];
  for (const [args, said] of calls) {
    const [status, error] = await build(...args);
    assertEquals(status, 2, error);
    assert(error.startsWith(`scripts/container/build-root: ${said}`), error);
  }
});

Deno.test("scripts/container/build-root needs an executable, and removes nothing that it did not make", async () => {
  await withDirectory(async (directory) => {
    const [status, error] = await build("--binary", `${directory}/nothing`, `${directory}/root`);
    assertEquals(status, 1, error);
    assert(error.includes(`there is no executable ${directory}/nothing`), error);
    await Deno.writeTextFile(`${directory}/program`, "");
    await Deno.mkdir(`${directory}/precious`);
    await Deno.writeTextFile(`${directory}/precious/file`, "kept");
    const [refused, why] = await build("--binary", `${directory}/program`, `${directory}/precious`);
    assertEquals(refused, 1, why);
    assert(why.includes("it is there, and no earlier image root"), why);
    assertEquals(await Deno.readTextFile(`${directory}/precious/file`), "kept");
  });
});
