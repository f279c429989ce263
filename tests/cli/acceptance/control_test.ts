/** The real agent on a fabric of three nodes, asked by the real commands on its control socket. */
import { limits } from "../../../src/base/limits.ts";
import type { StatusDocument } from "../../../src/report/status_document.ts";
import { assert, assertEquals } from "../../assert.ts";
import { ControlledAgent, controlSocketOf } from "../controlled_agent.ts";
import { type CliResult, cluster, host, withDirectory } from "../memory_environment.ts";
import { eventually, ProgramProcess, runProgramProcess } from "../program_process.ts";
import { nobody, withoutRoot } from "../without_root.ts";

async function withAgent(action: (it: ControlledAgent) => Promise<void>): Promise<void> {
  await withDirectory(async (root) => {
    await using it = await ControlledAgent.create(root);
    await action(it);
  });
}

/** Asks again and again until it answers so; answers the last one. */
async function statusWith(socket: string, status: number, text: string | RegExp): Promise<CliResult> {
  let last: CliResult = { status: -1, stdout: "", stderr: "" };
  try {
    await eventually("The status", async () => {
      last = await runProgramProcess(["status", "--socket", socket]);
      const isThere = typeof text === "string" ? last.stdout.includes(text) : text.test(last.stdout);
      return last.status === status && isThere;
    });
  } catch {
    assert(false, `No status ${status} with ${text}:\n${JSON.stringify(last)}\n${last.stdout}`);
  }
  return last;
}

/** Numbers and times that differ from run to run as `N`, blanks that align them as one. */
function steady(text: string): string {
  return text.replace(/\b(?:\d+[dhms])+\b/g, "AGE").replace(/127\.0\.0\.(\d):\d+/g, "n$1:PORT")
    .replace(/process \d+/, "process N").replace(
      / {2,}(?=\S)/g,
      (blanks, at, all) => all[at - 1] === "\n" || at === 0 ? blanks : "  ",
    ).replace(/nvme\d+/g, "nvmeN").replace(/log \d+/g, "log N");
}

const refused = "nqn.2024-01.org.example:refused";

Deno.test("status, watch, rescan and log-level of a healthy and of a broken fabric, and of an agent that stops", async () => {
  await withAgent(async (it) => {
    await using agent = it.serve();
    const socket = await controlSocketOf(agent);
    assertEquals((await Deno.stat(socket)).mode! & 0o777, 0o660);
    const healthy = await statusWith(socket, 0, "6 of 6 paths live");
    const endpoint = (id: number, source: string) =>
      `    n${id}:PORT  live  AGE  log N with 5 records; ${source}`;
    const path = (id: number) => `    n${id}:PORT  live  AGE  nvmeN`;
    assertEquals(steady(healthy.stdout).split("\n").slice(1), [
      "",
      cluster,
      `  as ${host}`,
      "  discovery",
      endpoint(1, "from command-line:1"),
      endpoint(2, "referral of n1:PORT and 1 more"),
      endpoint(3, "referral of n1:PORT and 1 more"),
      "  nqn.2024-01.org.example:sub1",
      ...[1, 2, 3].map(path),
      "  nqn.2024-01.org.example:sub2",
      ...[1, 2, 3].map(path),
      "",
      "6 of 6 paths live, 3 of 3 endpoints in session, 1 cluster",
      "",
    ]);

    await using text = new ProgramProcess(["watch", "--socket", socket]);
    await using lines = new ProgramProcess(["watch", "-o", "json", "--socket", socket]);
    // Both have begun when they have seen something that is made to happen again and again.
    await eventually("Watchers", async () => {
      assertEquals((await runProgramProcess(["rescan", "--socket", socket])).status, 0);
      return [text, lines].every(({ stdout }) => stdout.includes("Asked on the control socket"));
    });

    // The first is named by a log that knows nothing of access lists.
    it.fabric.addSubsystem(refused, { hosts: ["nqn.2014-08.org.example:other"] });
    it.fabric.injectRecords("n1", [{
      traddr: "127.0.0.1",
      trsvcid: String(it.fabric.node("n1").io[0]!.trsvcid),
      subnqn: refused,
    }, { traddr: "127.0.0.1", trsvcid: "9", subnqn: "nqn.2024-01.org.example:wrong-port" }]);
    it.fabric.setNodeDown("n3");
    const broken = await statusWith(socket, 1, /refused\n.*Connect Invalid Host/);
    const shown = steady(broken.stdout);
    assert(
      /n3:PORT {2}failed {2}AGE {2}Cannot connect to n3:PORT: ECONNREFUSED .*next attempt in AGE/.test(shown),
      shown,
    );
    assert(
      /n1:PORT {2}failed {2}AGE {2}.*Connect Invalid Host: the subsystem does not allow this host NQN; next attempt in AGE/
        .test(shown),
      shown,
    );
    assert(/n1:PORT {2}unreachable {2}AGE {2}.*ECONNREFUSED/.test(shown), shown);
    assert(
      /4 of 8 paths live, 2 of 3 endpoints in session, 1 cluster: 4 paths missing\n$/.test(shown),
      shown,
    );

    for (
      const [kind, words] of [
        ["event", "The discovery log changed"],
        ["log", `Discovery log read: .*changes=.*came: .*${refused}`],
        ["session", "Discovery session failed"],
        ["connect", "Connect failed"],
        ["controller", "Controller live → connecting"],
        ["path", "Path lost"],
      ] as const
    ) {
      const pattern = new RegExp(`^\\S+Z ${kind} +${words}`, "m");
      await eventually(`${kind}: ${words}`, () => pattern.test(text.stdout));
    }
    const events = lines.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    for (const { time, kind, level, message } of events) {
      assert([time, kind, level, message].every((value) => typeof value === "string"), message);
    }
    assert(events.some(({ kind, device }) => kind === "controller" && /^nvme\d$/.test(device)));

    const json = await runProgramProcess(["status", "-o", "json", "--socket", socket]);
    const document = JSON.parse(json.stdout) as StatusDocument;
    assertEquals([json.status, document.pid, document.ready], [1, agent.pid, true]);
    const [first, second] = document.clusters[0]!.endpoints;
    assertEquals(first!.origins, [{ file: "command-line", line: 1 }]);
    assert(second!.namedBy.includes(first!.address));
    assertEquals(document.paths.find(({ subsysnqn }) => subsysnqn === refused)?.code, "invalid-host");
    const yaml = await runProgramProcess(["status", "-o", "yaml", "--socket", socket]);
    assert(yaml.stdout.includes(`\n  - subsysnqn: ${cluster}\n    hostnqn: ${host}\n`), yaml.stdout);

    assertEquals((await runProgramProcess(["log-level", "debug", "--socket", socket])).stdout, "debug\n");
    await agent.waitFor("The log's level is debug from now on, it was info");
    await agent.waitFor(" DEBUG ");
    assertEquals((await runProgramProcess(["log-level", "--socket", socket])).stdout, "debug\n");

    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
    for (const watcher of [text, lines]) {
      const { status, stderr } = await watcher.end();
      assertEquals([status, stderr], [1, "discovery-client: The agent has stopped\n"]);
    }
    const calls = [["status"], ["watch"], ["rescan"], ["log-level"], ["log-level", "info"]];
    for (const result of await Promise.all(calls.map((c) => runProgramProcess([...c, "--socket", socket])))) {
      assertEquals([result.status, result.stdout], [2, ""]);
      assert(result.stderr.startsWith("discovery-client: The agent is not running: "), result.stderr);
    }
  });
});

Deno.test("the control socket serves root and its group, replaces what a dead agent left, and goes with the agent", async () => {
  await withAgent(async (it) => {
    const socket = `${it.root}/run/control.sock`;
    const own = ["--control.socket", socket];
    // Nobody's group may be given by root alone; others have one of their own.
    const gid = Deno.uid() === 0 ? nobody : Deno.gid()!;
    await using first = it.serve(...own, "--control.group", String(gid));
    await statusWith(socket, 0, "6 of 6 paths live");
    const { mode, gid: given } = await Deno.stat(socket);
    assertEquals([mode! & 0o777, given], [0o660, gid]);

    const member = await withoutRoot(it.root);
    for (const command of [["status"], ["log-level"], ["rescan"]]) {
      const result = await runProgramProcess([...command, "--socket", socket], member);
      assertEquals([result.status, result.stderr], [0, ""], command.join(" "));
    }
    if (Deno.uid() === 0) {
      const stranger = await withoutRoot(it.root, nobody - 1);
      const { status, stderr } = await runProgramProcess(["status", "--socket", socket], stranger);
      assertEquals(status, 2);
      assert(stderr.includes("permission denied"), stderr);
    }

    // Another agent does not take it away.
    await using second = it.serve(...own);
    await second.waitFor(
      /The control socket is not there, the agent goes on without: .*another program listens there/,
    );
    second.kill("SIGTERM");
    assertEquals((await second.end()).status, 0);
    assertEquals((await runProgramProcess(["status", "--socket", socket])).status, 0);

    first.kill("SIGKILL");
    await first.end();
    assert((await Deno.lstat(socket)).isSocket, "Precondition: it is still there");
    const dead = await runProgramProcess(["status", "--socket", socket]);
    assertEquals(dead.status, 2);
    assert(dead.stderr.includes("ECONNREFUSED (nobody answers)"), dead.stderr);

    await using third = it.serve(...own, "--control.group", "no-such-group");
    await third.waitFor(/Only our own user may use the control socket: Cannot find the group no-such-group/);
    await statusWith(socket, 0, "6 of 6 paths live");
    third.kill("SIGTERM");
    assertEquals((await third.end()).status, 0);
    assertEquals(await Deno.lstat(socket).catch(() => null), null, "It goes with the agent");
  });
});

/** Sends the bytes and takes what comes until the other side ends. */
async function exchange(path: string, ...parts: (string | Uint8Array)[]): Promise<string> {
  using socket = await Deno.connect({ transport: "unix", path });
  let text = "";
  try {
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
      for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
    }
    const buffer = new Uint8Array(4096);
    for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
  } catch {
    // A reset is an end.
  }
  return text;
}

Deno.test("the control socket answers garbage and what is too large with an error, and outlives those that hang", async () => {
  await withAgent(async (it) => {
    await using agent = it.serve();
    const socket = await controlSocketOf(agent);
    await statusWith(socket, 0, "6 of 6 paths live");
    const garbage = Uint8Array.from({ length: 9_000 }, (_, at) => (at * 7_919) % 251);
    const put = (length: number | string) =>
      `PUT /v1/log-level HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n`;
    const answers: readonly [parts: (string | Uint8Array)[], answer: RegExp][] = [
      [["garbage\r\n\r\n"], /^HTTP\/1.1 400 /],
      [[garbage], /^(?:HTTP\/1.1 4\d\d |$)/],
      [[`GET /${"x".repeat(limits.httpHeadBytesMax)}`], /^(?:HTTP\/1.1 431 |$)/],
      [["GET /v1/nothing HTTP/1.1\r\n\r\n"], /^HTTP\/1.1 404 [^]*"error":"Nothing is at \/v1\/nothing/],
      [["DELETE /v1/status HTTP/1.1\r\n\r\n"], /^HTTP\/1.1 405 [^]*Allow: GET/],
      [[put(limits.controlBodyBytesMax + 1)], /^HTTP\/1.1 413 /],
      [[put("many")], /^HTTP\/1.1 400 /],
      [[put(5), "\x00\x01\x02{}"], /^HTTP\/1.1 400 [^]*Cannot read the level/],
      [[put(16), '{"level":"loud"}'], /^HTTP\/1.1 400 [^]*expected one of debug, info/],
      [["PUT /v1/log-level HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], /^HTTP\/1.1 411 /],
    ];
    for (const [parts, answer] of answers) {
      const text = await exchange(socket, ...parts);
      assert(answer.test(text), `${String(parts[0]).slice(0, 60)} → ${text.slice(0, 300)}`);
    }
    // More of them than there may be: the oldest give way.
    const hanging: Deno.UnixConn[] = [];
    for (let at = 0; at < limits.httpConnectionsMax + 10; at++) {
      hanging.push(await Deno.connect({ transport: "unix", path: socket }));
    }
    await hanging[0]!.write(new TextEncoder().encode("GET /v1/status HTTP/1.1\r\n")).catch(() => {});
    assertEquals((await runProgramProcess(["status", "--socket", socket])).status, 0);
    for (const connection of hanging) connection.close();
    assertEquals((await runProgramProcess(["status", "--socket", socket])).status, 0);
    assertEquals(agent.lines("bug"), []);
  });
});

Deno.test("the control socket is back when somebody has removed its file, and that is told", async () => {
  await withDirectory(async (directory) => {
    await using it = await ControlledAgent.create(directory, { nodes: 1, subsystems: 1 });
    const agent = it.serve();
    const socket = await controlSocketOf(agent);
    const ask = async () => (await runProgramProcess(["rescan", "--socket", socket])).status;
    await using watcher = new ProgramProcess(["watch", "--socket", socket]);
    const seen = () => watcher.stdout.split("Asked on the control socket").length - 1;
    await eventually("Precondition: it is there, and somebody watches", async () => {
      assertEquals(await ask(), 0);
      return seen() > 0;
    });
    const before = seen();
    await Deno.remove(socket);
    assertEquals(await ask(), 2);
    await agent.waitFor("Cannot be found on");
    await eventually("it can be asked again", async () => await ask() === 0);
    assertEquals((await Deno.lstat(socket)).mode! & 0o777, 0o660);
    await eventually("who watched before goes on watching", () => seen() > before);
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
    assertEquals((await watcher.end()).stderr, "discovery-client: The agent has stopped\n");
  });
});
