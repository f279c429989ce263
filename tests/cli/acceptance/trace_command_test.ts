/** `trace` asks a running agent for what its connections carry. */
import { assert, assertEquals } from "../../assert.ts";
import { readSegment, readStreams, readTrace } from "../../report/pcapng_reader.ts";
import { ControlledAgent, controlSocketOf } from "../controlled_agent.ts";
import { withDirectory } from "../memory_environment.ts";
import { eventually, ProgramProcess, runProgramProcess } from "../program_process.ts";
import { fields, tshark } from "../tshark.ts";

interface Place {
  readonly directory: string;
  /** Of the trace. */
  readonly path: string;
  readonly socket: string;
  readonly it: ControlledAgent;
  readonly agent: ProgramProcess;
}

async function withAgent(
  action: (place: Place) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    await using it = await ControlledAgent.create(directory, { nodes: 1, subsystems: 1 });
    const agent = it.serve();
    const socket = await controlSocketOf(agent);
    await eventually("all is live", async () => {
      const { status } = await runProgramProcess(["status", "--socket", socket]);
      return status === 0;
    });
    await action({ directory, path: `${directory}/t.pcapng`, socket, it, agent });
  });
}

Deno.test("trace records a session that was open before, from the keep alive to the log it is told to read", async () => {
  await withAgent(async ({ path, socket, it }) => {
    await using recording = new ProgramProcess(["trace", path, "--socket", socket]);
    await eventually("it has begun", () => Deno.stat(path).then(({ size }) => size > 0, () => false));
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    const busy = await runProgramProcess(["trace", `${path}.other`, "--socket", socket]);
    assertEquals(busy.status, 1);
    assert(busy.stderr.includes("one to the control socket is running already"), busy.stderr);
    assertEquals(await Deno.stat(`${path}.other`).catch(() => null), null, "It has left no file");
    it.fabric.addSubsystem("nqn.2024-01.org.example:added");
    await eventually("the log and a keep alive are in it", async () => {
      const { packets } = readTrace(await Deno.readFile(path));
      const carried = packets.map(({ bytes }) => readSegment(bytes).payload);
      const text = new TextDecoder("latin1").decode(Uint8Array.from(carried.flatMap((part) => [...part])));
      // A command capsule: PDU type 4 (NVMe/TCP 1.0 §3.6.2.5), opcode 18h behind its 8 bytes (Base 2.0 §5.18).
      const isKeepAlive = (part: Uint8Array) => part[0] === 4 && part[8] === 0x18;
      return text.includes("nqn.2024-01.org.example:added") && carried.some(isKeepAlive);
    });
    recording.kill("SIGINT");
    const { status, stderr } = await recording.end();
    assertEquals(status, 0, stderr);
    assert(
      /^\d+ packets of 1 connection, \d+ kB in \S+t\.pcapng; open it with wireshark /m.test(stderr),
      stderr,
    );
    const { packets } = readTrace(await Deno.readFile(path));
    const port = it.port("n1");
    const streams = [...readStreams(packets.map(({ bytes }) => bytes))];
    const said = streams.find(([key]) => key.endsWith(` > 127.0.0.1 ${port}`))?.[1];
    const answered = streams.find(([key]) => key.startsWith(`127.0.0.1 ${port} > `))?.[1];
    assert(said !== undefined && answered !== undefined, "The session is missing");
    assert(new TextDecoder("latin1").decode(answered.bytes).includes("nqn.2024-01.org.example:added"));
    const told = await tshark(path, port, "-Y", "nvme-tcp", ...fields("_ws.col.Info"));
    if (told === null) return;
    for (const command of ["Keep Alive", "Get Log Page"]) {
      assert(told.some((line) => line.includes(command)), `${command} is missing: ${told.join("\n")}`);
    }
  });
});

Deno.test("trace ends with a signal, or with its time and a last block; - is standard output", async () => {
  await withAgent(async ({ path, socket }) => {
    await using recording = new ProgramProcess(["trace", path, "--socket", socket]);
    const packetsIn = async () => readTrace(await Deno.readFile(path)).packets.length;
    await eventually("there is a keep alive", () => packetsIn().then((count) => count > 0, () => false));
    recording.kill("SIGINT");
    assertEquals((await recording.end()).status, 0);
    assert(await packetsIn() > 0);
    const timed = await runProgramProcess(["trace", path, "--socket", socket, "--duration", "1s"]);
    assertEquals(timed.status, 0, timed.stderr);
    const { packets, end } = readTrace(await Deno.readFile(path));
    assertEquals([end?.received, end?.dropped], [packets.length, 0]);
    const { status, stdout: text } = await runProgramProcess([
      "trace",
      "-",
      "--socket",
      socket,
      "--duration",
      "1500ms",
    ]);
    assertEquals(status, 0);
    assert(
      text.length > 100 && text.includes("what its own NVMe/TCP connections carried"),
      text.slice(0, 200),
    );
  });
});

Deno.test("trace - writes to a socket, as ssh gives one, and ends well when its reader has seen enough", async () => {
  await withAgent(async ({ socket }) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    // bash(1), REDIRECTION: it opens a connection.
    const onSocket = `exec "$@" >/dev/tcp/127.0.0.1/${listener.addr.port}`;
    await using recording = new ProgramProcess(["trace", "-", "--socket", socket], {
      wrapper: ["bash", "-c", onSocket, "bash"],
    });
    const reader = await listener.accept();
    const buffer = new Uint8Array(4_096);
    const count = await Promise.race([reader.read(buffer), recording.end().then(() => null)]);
    assert(count !== null, `Nothing was recorded: ${recording.stderr}`);
    assertEquals([...buffer.subarray(0, 4)], [0x0a, 0x0d, 0x0d, 0x0a], "The type of a section's block");
    reader.close();
    listener.close();
    const { status, stderr } = await recording.end();
    assertEquals(status, 0, stderr);
  });
});

Deno.test("trace is not held up at its end by a pipe that nobody reads", async () => {
  await withAgent(async ({ directory, socket, agent }) => {
    const pipe = `${directory}/pipe`;
    assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
    let attempts = 0;
    await eventually("it is asked to end when it waits for a reader already", async () => {
      attempts++;
      await using recording = new ProgramProcess(["trace", pipe, "--socket", socket]);
      const asked = "Asked on the control socket: recording our connections";
      await eventually("it records", () => agent.lines(asked).length === attempts);
      assertEquals((await runProgramProcess(["status", "--socket", socket])).status, 0);
      recording.kill("SIGTERM");
      const { status, stderr } = await recording.end();
      const isStuck = stderr.includes("Cannot write the trace");
      const says = isStuck ? `Cannot write the trace to ${pipe}: nobody takes it` : "Nothing was recorded";
      assertEquals([status, stderr], [1, `discovery-client: ${says}\n`]);
      return isStuck;
    });
    const ended = "The recording on the control socket has ended";
    await eventually("all of them have ended", () => agent.lines(ended).length === attempts);
  });
});

Deno.test("trace says what it cannot: no agent, a file that cannot be written, an agent that goes away", async () => {
  await withAgent(async ({ directory, path, socket, it }) => {
    const none = await runProgramProcess(["trace", path, "--socket", `${directory}/none.sock`]);
    assertEquals([none.status, /The agent is not running/.test(none.stderr)], [2, true], none.stderr);
    const bad = await runProgramProcess(["trace", "/nonexistent/t.pcapng", "--socket", socket]);
    assertEquals(bad.status, 1);
    const nameless = await runProgramProcess(["trace", "--socket", socket]);
    assertEquals([nameless.status, nameless.stderr.split("\n")[0]], [
      2,
      "discovery-client: Cannot record: name the FILE to write, or - for standard output",
    ]);
    assert(bad.stderr.includes("Cannot write the trace to /nonexistent/t.pcapng: "), bad.stderr);
    const full = await runProgramProcess(["trace", "/dev/full", "--socket", socket]);
    assertEquals([full.status, /ENOSPC/.test(full.stderr)], [1, true], full.stderr);
    // Each of them has left, and the next one may record.
    await using recording = new ProgramProcess(["trace", path, "--socket", socket]);
    await eventually("it has begun", () => Deno.stat(path).then(({ size }) => size > 0, () => false));
    await it[Symbol.asyncDispose]();
    const { status, stderr } = await recording.end();
    assert(status === 0 || stderr.includes("The agent broke off"), stderr);
    readTrace(await Deno.readFile(path));
  });
});
