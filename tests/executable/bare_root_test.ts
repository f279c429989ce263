import { assert, assertEquals } from "../assert.ts";
import { cluster, host, withDirectory } from "../cli/memory_environment.ts";
import { eventually, ProgramProcess, runProgramProcess } from "../cli/program_process.ts";
import { bindDatagramSocket, receiveTexts } from "../io/datagram_socket.ts";
import { closeDescriptor } from "../../src/io/libc.ts";
import { BareRoot } from "./bare_root.ts";

function inBareRoot(action: (bare: BareRoot) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => await action(await BareRoot.create(directory)));
}

Deno.test("the bare root is what it says: nothing can be written, nothing can be reached", async () => {
  await inBareRoot(async (bare) => {
    const options = await bare.options();
    const write = await runProgramProcess(["gen", "man", "--output", "/man"], options);
    assertEquals(write.status, 1);
    assert(write.stderr.includes("EROFS"), write.stderr);
    const reach = await runProgramProcess(["discover", "-a", "127.0.0.1", "-q", host], options);
    assertEquals(reach.status, 1);
    assert(reach.stderr.includes("ENETUNREACH"), reach.stderr);
  });
});

Deno.test("commands work without a home, a terminal, a network and anything to write to", async () => {
  await inBareRoot(async (bare) => {
    const options = await bare.options();
    for (const args of [["--version"], ["--help"], ["--licenses"], ["list", "ctrl"], ["gen", "man"]]) {
      const { status, stdout, stderr } = await runProgramProcess(args, options);
      assertEquals([status, stderr], [0, ""], args.join(" "));
      assert(stdout !== "", args.join(" "));
    }
  });
});

Deno.test("the agent gets ready, is asked and ends without a network, with its own directories alone", async () => {
  await inBareRoot(async (bare) => {
    const socket = "/run/discovery-client/notify";
    const descriptor = bindDatagramSocket(bare.outside(socket));
    const told: string[] = [];
    try {
      await Deno.mkdir(bare.outside("/etc/discovery-client/discovery.d"));
      await Deno.writeTextFile(
        bare.outside("/etc/discovery-client/discovery.d/volumes"),
        `-t tcp -a 10.0.0.1 -q ${host} -n ${cluster}\n`,
      );
      const options = await bare.options({ NOTIFY_SOCKET: socket });
      await using agent = new ProgramProcess(["serve", "--logging.filename", "/var/log/agent.log"], options);
      await eventually("the agent is ready", () => {
        told.push(...receiveTexts(descriptor));
        return told.some((text) => text.includes("READY=1"));
      });
      await agent.waitFor("Discovery session failed");
      await eventually(
        "its control socket is there",
        () => exists(bare.outside("/run/discovery-client/control.sock")),
      );
      const asked = await runProgramProcess(["status", "-o", "json"], await bare.options());
      assertEquals(asked.stderr, "");
      assertEquals(JSON.parse(asked.stdout).summary.endpoints, 1);
      agent.kill("SIGTERM");
      const { status, stderr } = await agent.end();
      assertEquals(status, 0, stderr);
      // A log that cannot be written is told, and costs nothing else.
      assert(stderr.includes("/var/log/agent.log"), stderr);
      const state = await Deno.readTextFile(bare.outside("/etc/discovery-client/internal/internal.json"));
      assert(state.includes("10.0.0.1"), state);
    } finally {
      closeDescriptor(descriptor);
    }
  });
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
