/** What doctor gathers of this host: the agent's answer or silence, processes, directories, the machine's UUID. */
import { limits } from "../../src/base/limits.ts";
import { OptionValues } from "../../src/cli/command.ts";
import type { Environment } from "../../src/cli/environment.ts";
import { askForStatus, readMachineUuid, readRivals } from "../../src/cli/doctor_host.ts";
import { directoryRights, processesNamed } from "../../src/io/host_sights.ts";
import { checkAgent } from "../../src/report/doctor/agent_checks.ts";
import { assert, assertEquals } from "../assert.ts";
import { eventually } from "../io/eventually.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { MemoryEnvironment, withDirectory } from "./memory_environment.ts";
import { healthy } from "./status_samples.ts";

function ask(socket: string, clock = new VirtualClock()) {
  return askForStatus(new MemoryEnvironment([]), new OptionValues({ socket }), clock);
}

/** Answers every request with this, or with nothing at all. */
async function withAgent(text: string | null, action: (socket: string) => Promise<void>): Promise<void> {
  await withDirectory(async (root) => {
    const socket = `${root}/control.sock`;
    const open: Deno.UnixConn[] = [];
    const listener = Deno.listen({ transport: "unix", path: socket });
    const serving = (async () => {
      for await (const connection of listener) {
        open.push(connection);
        if (text === null) continue;
        await connection.read(new Uint8Array(1_024));
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`;
        await connection.write(new TextEncoder().encode(head + text));
        connection.closeWrite();
      }
    })().catch(() => {});
    try {
      await action(socket);
    } finally {
      listener.close();
      for (const connection of open) connection.close();
      await serving;
    }
  });
}

Deno.test("askForStatus() reads the status of an agent that answers", async () => {
  await withAgent(JSON.stringify(healthy), async (socket) => {
    const reading = await ask(socket);
    assert(reading.kind === "status", JSON.stringify(reading));
    assertEquals(reading.status.pid, healthy.pid);
  });
});

Deno.test("askForStatus() tells an agent that is stopped: its socket takes connections, and nobody answers", async () => {
  await withAgent(null, async (socket) => {
    const clock = new VirtualClock();
    const asked = ask(socket, clock);
    await eventually("the question waits for its answer", () => clock.liveTimers() > 0);
    await clock.advance(limits.controlAnswerTimeoutMs);
    const reading = await asked;
    assertEquals(reading.kind, "stuck");
    const [finding] = checkAgent(reading, { pids: [77], isNeeded: true, version: "0.1.0" });
    assertEquals(finding?.verdict, "failure");
    assert(
      /does not answer.*77.*No answer on/.test(finding!.message) && /SIGSTOP/.test(finding!.advice!),
      finding!.message,
    );
  });
});

Deno.test("askForStatus() tells no agent, one that died, and an answer of no agent or another version", async () => {
  await withDirectory(async (root) => {
    const missing = await ask(`${root}/none.sock`);
    assert(missing.kind === "absent" && missing.problem.includes("ENOENT"), JSON.stringify(missing));
    // Whoever is killed leaves the socket's file.
    const left = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `Deno.listen({ transport: "unix", path: ${
          JSON.stringify(`${root}/left.sock`)
        } }); Deno.kill(Deno.pid, "SIGKILL")`,
      ],
    }).output();
    assert(!left.success);
    const dead = await ask(`${root}/left.sock`);
    assert(dead.kind === "absent" && dead.problem.includes("ECONNREFUSED"), JSON.stringify(dead));
  });
  for (const text of ["{}", "[]", "hello"]) {
    await withAgent(text, async (socket) => assertEquals((await ask(socket)).kind, "stuck", text));
  }
});

Deno.test("processesNamed() finds processes by name, cut names and scripts of an interpreter too", async () => {
  await withDirectory(async (root) => {
    const processes: Record<string, [comm: string, cmdline: string]> = {
      "7": ["discovery-clien", "/usr/bin/discovery-client\0serve\0"],
      "8": ["python3", "/usr/bin/python3\0/usr/sbin/stafd\0--x\0"],
      "9": ["bash", "bash\0/tmp/stafd\0"],
      "10": ["python3.13", "python3\0-c\0pass\0"],
    };
    for (const [pid, [comm, cmdline]] of Object.entries(processes)) {
      await Deno.mkdir(`${root}/proc/${pid}`, { recursive: true });
      await Deno.writeTextFile(`${root}/proc/${pid}/comm`, `${comm}\n`);
      await Deno.writeTextFile(`${root}/proc/${pid}/cmdline`, cmdline);
    }
    await Deno.mkdir(`${root}/proc/self`);
    assertEquals(await processesNamed(new Set(["stafd", "discovery-client"]), root), [
      { name: "discovery-client", pid: 7, args: ["serve"] },
      { name: "stafd", pid: 8, args: ["--x"] },
    ]);
    assertEquals(await processesNamed(new Set(["stafd"]), `${root}/nowhere`), []);
  });
});

Deno.test("readRivals() counts agents as its own kind, and not those who ask one", async () => {
  await withDirectory(async (root) => {
    const commands = [["serve", "--config", "/x.yaml"], ["watch"], ["trace", "t.pcapng"]];
    for (const [at, args] of commands.entries()) {
      await Deno.mkdir(`${root}/proc/${at + 7}`, { recursive: true });
      await Deno.writeTextFile(`${root}/proc/${at + 7}/comm`, "discovery-clien\n");
      const words = ["/usr/bin/discovery-client", ...args].map((word) => `${word}\0`);
      await Deno.writeTextFile(`${root}/proc/${at + 7}/cmdline`, words.join(""));
    }
    const environment = { hostRoot: root } as Environment;
    assertEquals(await readRivals(environment), { others: [], ownKind: [7] });
  });
});

Deno.test("directoryRights() tells a directory from what is none", async () => {
  await withDirectory(async (root) => {
    await Deno.mkdir(`${root}/open`);
    await Deno.chmod(`${root}/open`, 0o777);
    await Deno.writeTextFile(`${root}/file`, "");
    const { kind, mode, isReadable } = await directoryRights(`${root}/open`);
    assertEquals([kind, mode, isReadable], ["directory", 0o777, true]);
    assertEquals((await directoryRights(`${root}/file`)).kind, "no-directory");
    assertEquals((await directoryRights(`${root}/none`)).kind, "missing");
  });
});

Deno.test("readMachineUuid() tells it in lower case, that it may not, and that there is none", async () => {
  await withDirectory(async (root) => {
    const environment = new MemoryEnvironment([], {}, { hostRoot: root });
    assertEquals(await readMachineUuid(environment), null);
    await Deno.mkdir(`${root}/sys/class/dmi/id`, { recursive: true });
    await Deno.writeTextFile(
      `${root}/sys/class/dmi/id/product_uuid`,
      "3727683D-0A94-4075-B94D-3F6B628C0E31\n",
    );
    assertEquals(await readMachineUuid(environment), "3727683d-0a94-4075-b94d-3f6b628c0e31");
    await Deno.remove(`${root}/sys/class/dmi/id/product_uuid`);
    await Deno.mkdir(`${root}/sys/class/dmi/id/product_uuid`);
    assertEquals(await readMachineUuid(environment), "forbidden");
  });
});
