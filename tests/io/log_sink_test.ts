import { limits } from "../../src/base/limits.ts";
import { LogSink, type LogSinkOptions } from "../../src/io/log_sink.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

interface Captured {
  readonly log: LogSink;
  text: string;
}

function capture(options: LogSinkOptions = {}): Captured {
  const captured = { text: "" } as { log: LogSink; text: string };
  captured.log = new LogSink({
    journal: false,
    colours: false,
    clock: new VirtualClock({ wallMs: Date.UTC(2026, 7, 1, 12, 0, 0, 5) }),
    write: (bytes) => {
      captured.text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
    ...options,
  });
  return captured;
}

Deno.test("LogSink writes lines for people", () => {
  const captured = capture({ level: "debug" });
  captured.log.info("Connected", {
    endpoint: "10.0.0.1:8009",
    entries: 3,
    persistent: true,
    absent: undefined,
  });
  captured.log.warn("Cannot connect", { error: 'no "route" to host', file: "" });
  captured.log.error("Stopped");
  captured.log.debug("100 % of %s", { path: "a=b" });
  assertEquals(
    captured.text,
    "2026-08-01T12:00:00.005Z INFO Connected endpoint=10.0.0.1:8009 entries=3 persistent=true\n" +
      '2026-08-01T12:00:00.005Z WARN Cannot connect error="no \\"route\\" to host" file=""\n' +
      "2026-08-01T12:00:00.005Z ERROR Stopped\n" +
      '2026-08-01T12:00:00.005Z DEBUG 100 % of %s path="a=b"\n',
  );
});

Deno.test("LogSink writes lines for the journal: a priority, no time", () => {
  const captured = capture({ level: "debug", journal: true });
  captured.log.debug("a");
  captured.log.info("b", { cluster: "c" });
  captured.log.warn("d");
  captured.log.error("e");
  assertEquals(captured.text, "<7>a\n<6>b cluster=c\n<4>d\n<3>e\n");
});

Deno.test("LogSink.reconfigure() changes the level at once, both ways, and the form of lines", () => {
  const captured = capture({ journal: true });
  captured.log.debug("unseen");
  captured.log.reconfigure({ level: "debug" });
  captured.log.debug("seen");
  captured.log.reconfigure({ level: "error", format: "json" });
  captured.log.warn("unseen");
  captured.log.error("seen", { path: "p" });
  assertEquals(captured.text, '<7>seen\n<3>{"level":"error","message":"seen","path":"p"}\n');
});

Deno.test("LogSink keeps a message on its line, and a terminal from obeying it", () => {
  const captured = capture({ journal: true });
  captured.log.info("a\nb\r\x1b[31m\u2028\u202e", { "k\n": "v\0\x7f\x85", level: "x", message: "y" });
  assertEquals(
    captured.text,
    "<6>a\\x0ab\\x0d\\x1b[31m\\u2028\\u202e k\\x0a=v\\x00\\x7f\\x85 level=x message=y\n",
  );
});

Deno.test("LogSink takes half a surrogate pair", () => {
  const captured = capture({ journal: true });
  captured.log.info("\ud800", { name: "\udc00x" });
  assertEquals(captured.text.split("\n").length, 2);
});

Deno.test("LogSink cuts a line beyond the bound, and says by how much", () => {
  const captured = capture({ journal: true });
  captured.log.info("x".repeat(limits.logLineCharsMax + 7));
  assertEquals(captured.text, `<6>${"x".repeat(limits.logLineCharsMax)}… (7 characters more)\n`);
});

Deno.test("LogSink writes on where a write took only a part, and waits for a full pipe", () => {
  let calls = 0;
  let text = "";
  const log = new LogSink({
    journal: true,
    write: (bytes) => {
      if (++calls % 2 === 0) throw Object.assign(new Error("full"), { code: "EAGAIN" });
      text += new TextDecoder().decode(bytes.subarray(0, 2));
      return Math.min(2, bytes.length);
    },
  });
  log.info("abcdef");
  assertEquals(text, "<6>abcdef\n");
});

Deno.test("LogSink survives a reader that is gone, and counts what it lost", () => {
  for (const code of ["EPIPE", "EAGAIN", "EIO"]) {
    let broken = true;
    let text = "";
    const log = new LogSink({
      journal: true,
      write: (bytes) => {
        if (broken) throw Object.assign(new Error(code), { code });
        text += new TextDecoder().decode(bytes);
        return bytes.length;
      },
    });
    log.info("one");
    log.info("two");
    broken = false;
    log.info("three");
    log.info("four");
    assertEquals(text, "<6>three (2 lines before this were lost)\n<6>four\n");
  }
});

Deno.test("LogSink names the line that wrote, when asked to", () => {
  const captured = capture({ reportCaller: true });
  captured.log.warn("a");
  const here = new Error().stack ?? "";
  const line = Number(/log_sink_test\.ts:(\d+):/.exec(here)?.[1]) - 1;
  assertEquals(captured.text, `2026-08-01T12:00:00.005Z WARN a caller=log_sink_test.ts:${line}\n`);
});

Deno.test("LogSink writes into its file what it writes on stderr, with the time and without colours", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/a.log`;
  const captured = capture({ journal: true, colours: true });
  captured.log.info("on stderr alone");
  captured.log.reconfigure({ file: { path, maxBytes: 1e6, maxAgeMs: 0 } });
  captured.log.info("one", { endpoint: "10.0.0.1:8009" });
  captured.log.noteInFile("error", "in the file alone");
  await captured.log.close();
  captured.log.info("too late for the file");
  assertEquals(
    await Deno.readTextFile(path),
    "2026-08-01T12:00:00.005Z INFO one endpoint=10.0.0.1:8009\n" +
      "2026-08-01T12:00:00.005Z ERROR in the file alone\n",
  );
  assertEquals(
    captured.text,
    "<6>on stderr alone\n<6>one endpoint=10.0.0.1:8009\n<6>too late for the file\n",
  );
  await Deno.remove(directory, { recursive: true });
});

Deno.test("LogSink takes a directory that cannot be made as a reason for a warning, on stderr", async () => {
  const captured = capture({ journal: true, file: { path: "/proc/none/a.log", maxBytes: 1e6, maxAgeMs: 0 } });
  captured.log.info("one");
  await captured.log.close();
  const [first = "", second = "", third = ""] = captured.text.split("\n");
  assertEquals(first, "<6>one");
  assert(second.startsWith("<4>Cannot write the log file /proc/none/a.log: E"), captured.text);
  assertEquals(third, "<4>The log file /proc/none/a.log lacks the last 1 lines");
});

const module = new URL("../../src/io/log_sink.ts", import.meta.url).href;

/** Runs a program that logs through a shell that may set variables first; answers its stderr. */
async function runLogging(shell = ""): Promise<string> {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${directory}/main.ts`,
    `import { LogSink } from ${JSON.stringify(module)};
    new LogSink().info("last words");
    Deno.exit(0);`,
  );
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const run = `exec 2>stderr; ${shell} exec "$0" run --config "$1" --allow-all --quiet main.ts`;
  const { success } = await new Deno.Command("sh", {
    args: ["-c", run, Deno.execPath(), config],
    cwd: directory,
    env: { JOURNAL_STREAM: "9:12345" },
  }).output();
  const text = await Deno.readTextFile(`${directory}/stderr`);
  await Deno.remove(directory, { recursive: true });
  assert(success, text);
  return text;
}

Deno.test("LogSink has its last line out before the process exits, and obeys no other's JOURNAL_STREAM", async () => {
  assert(/^\d{4}-\d\d-\d\dT\S+Z INFO last words\n$/.test(await runLogging()));
});

Deno.test("LogSink knows the journal by JOURNAL_STREAM", async () => {
  const shell = "JOURNAL_STREAM=$(stat -Lc %d:%i stderr); export JOURNAL_STREAM;";
  assertEquals(await runLogging(shell), "<6>last words\n");
});

Deno.test("LogSink has all lines in its file when a bug ends the process in the midst of them", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${directory}/main.ts`,
    `import { LogSink } from ${JSON.stringify(module)};
    const log = new LogSink({ file: { path: "${directory}/a.log", maxBytes: 1e9, maxAgeMs: 0 } });
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      log.error("last words");
      log.flushNow();
      Deno.exit(1);
    });
    for (let round = 0; round < 10; round++) {
      for (let at = 0; at < 100; at++) log.info("line", { number: 100 * round + at });
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    for (let at = 0; at < 100; at++) log.info("line", { number: 1_000 + at });
    queueMicrotask(() => { throw new Error("bug"); });
    await new Promise(() => setTimeout(() => {}, 1e6));`,
  );
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--config", config, "--allow-all", "--quiet", `${directory}/main.ts`],
    stderr: "null",
  }).output();
  assertEquals(code, 1);
  const lines = (await Deno.readTextFile(`${directory}/a.log`)).trimEnd().split("\n");
  const told = lines.map((line) => line.slice(line.indexOf(" ") + 1));
  assertEquals(told.slice(0, -1), Array.from({ length: 1_100 }, (_, number) => `INFO line number=${number}`));
  assertEquals(told.at(-1), "ERROR last words");
  await Deno.remove(directory, { recursive: true });
});
