import { limits } from "../../src/base/limits.ts";
import { hasKernelSymbol } from "../../src/io/kernel_symbols.ts";
import { assertEquals } from "../assert.ts";

async function look(text: string, name: string): Promise<boolean | null> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    return await hasKernelSymbol(name, path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("hasKernelSymbol() goes by the whole name, of what is built in and of modules", async () => {
  const text = "0000000000000000 T wake_up\nffffffffc0412340 t nvme_setup\t[nvme_core]\n";
  assertEquals(await look(text, "wake_up"), true);
  assertEquals(await look(text, "nvme_setup"), true);
  for (const name of ["wake", "up", "setup", "nvme_core", "wake_up_all"]) {
    assertEquals(await look(text, name), false);
  }
});

Deno.test("hasKernelSymbol() finds a name wherever two reads part it", async () => {
  const line = "0000000000000000 T nvme_auth_negotiate\n";
  for (let at = 0; at <= line.length; at++) {
    const before = `${"0000000000000000 T a\n".repeat(limits.kernelSymbolsReadBytes)}`.slice(
      -(
        limits.kernelSymbolsReadBytes - at
      ),
    );
    assertEquals(
      await look(`${before.slice(before.indexOf("\n") + 1)}${line}x`, "nvme_auth_negotiate"),
      true,
    );
    assertEquals(await look(`${before}${line}`, "nvme_auth_negotiate"), true);
  }
});

Deno.test("hasKernelSymbol() is null where the kernel does not tell", async () => {
  assertEquals(await hasKernelSymbol("wake_up", "/nowhere/kallsyms"), null);
  assertEquals(await hasKernelSymbol("wake_up", "/"), null);
  assertEquals(await look("", "wake_up"), null);
});
