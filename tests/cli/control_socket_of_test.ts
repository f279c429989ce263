import { OptionValues } from "../../src/cli/command.ts";
import { controlSocketOf } from "../../src/cli/control_socket_of.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { MemoryEnvironment, withDirectory } from "./memory_environment.ts";

async function socketOf(options: Record<string, string>, env: Record<string, string> = {}): Promise<string> {
  return await controlSocketOf(new MemoryEnvironment([], env), new OptionValues(options));
}

Deno.test("controlSocketOf() takes the flag, the variable, the settings or the default, in this order", async () => {
  await withDirectory(async (root) => {
    const config = `${root}/settings.yaml`;
    await Deno.writeTextFile(config, "Control: {Socket: /run/own.sock}\n");
    assertEquals(await socketOf({ config, socket: "/a.sock" }, { DC_CONTROL_SOCKET: "/b.sock" }), "/a.sock");
    assertEquals(await socketOf({ config }, { DC_CONTROL_SOCKET: "/b.sock" }), "/b.sock");
    assertEquals(await socketOf({ config }), "/run/own.sock");
    await Deno.writeTextFile(config, "kato: 5\n");
    assertEquals(await socketOf({ config }), "/run/discovery-client/control.sock");
    assertEquals(await socketOf({ config: `${root}/none` }), "/run/discovery-client/control.sock");
    await Deno.writeTextFile(config, "control: {socket: [1]}\n");
    await assertRejects(() => socketOf({ config }), ConfigError, "control.socket");
  });
});
