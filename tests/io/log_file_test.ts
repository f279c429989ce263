import { limits } from "../../src/base/limits.ts";
import { type LogDisk, type OpenLog, realLogDisk } from "../../src/io/log_disk.ts";
import { LogFile, type LogFileOptions } from "../../src/io/log_file.ts";
import { assert, assertEquals } from "../assert.ts";
import { eventually } from "./eventually.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

/** A disk that a test breaks: every call asks `fault` first. */
class FaultyDisk implements LogDisk {
  /** Errno of a call, null for none. */
  fault: (call: "open" | "write" | "rename" | "look") => string | null = () => null;
  /** Bytes that one write takes at most. */
  writeBytesMax = Infinity;
  /** Writes begun. */
  writes = 0;
  /** Writes wait for it. */
  held: Promise<void> | null = null;

  async open(path: string): Promise<OpenLog> {
    this.#check("open");
    const file = await realLogDisk.open(path);
    return {
      ...file,
      write: async (bytes) => {
        this.writes++;
        await this.held;
        this.#check("write");
        return await file.write(bytes.subarray(0, this.writeBytesMax));
      },
    };
  }

  openNow = realLogDisk.openNow;

  async look(path: string): ReturnType<LogDisk["look"]> {
    this.#check("look");
    return await realLogDisk.look(path);
  }

  async rename(path: string, to: string): Promise<void> {
    this.#check("rename");
    await realLogDisk.rename(path, to);
  }

  #check(call: Parameters<FaultyDisk["fault"]>[0]): void {
    const code = this.fault(call);
    if (code !== null) throw Object.assign(new Error(code), { code });
  }
}

class Bench implements AsyncDisposable {
  readonly clock = new VirtualClock({ wallMs: Date.UTC(2026, 7, 1, 12) });
  readonly disk = new FaultyDisk();
  readonly told: string[] = [];
  readonly directory = Deno.makeTempDirSync();
  readonly path = `${this.directory}/logs/dc.log`;
  readonly file: LogFile;

  constructor(options: Partial<LogFileOptions> = {}, prepare: (bench: Bench) => void = () => {}) {
    prepare(this);
    this.file = new LogFile({
      path: this.path,
      maxBytes: 1_000_000,
      maxAgeMs: 0,
      clock: this.clock,
      disk: this.disk,
      onTrouble: (message) => this.told.push(message.replaceAll(this.directory, "")),
      onRecovery: (message) => this.told.push(message.replaceAll(this.directory, "")),
      formatNotice: (message) => `(${message})\n`,
      ...options,
    });
  }

  text(): string {
    return Deno.readTextFileSync(this.path);
  }

  /** Names beside the log file. */
  list(): string[] {
    return [...Deno.readDirSync(`${this.directory}/logs`)].map(({ name }) => name).sort();
  }

  async write(...lines: string[]): Promise<void> {
    for (const line of lines) this.file.write(`${line}\n`);
    await this.file.idle();
  }

  /** The next attempt after a failure. */
  async retry(): Promise<void> {
    await this.clock.advance(limits.logRetryMs);
    await this.file.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
    await this.file.tidied;
    assertEquals(this.clock.liveTimers(), 0, "No timer is left");
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("LogFile makes its directory and file, for root's eyes only, and appends", async () => {
  await using bench = new Bench();
  await bench.write("one", "two");
  await bench.write("three");
  assertEquals(bench.text(), "one\ntwo\nthree\n");
  assertEquals((Deno.statSync(bench.path).mode ?? 0) & 0o777, 0o600);
  assertEquals(bench.told, []);
});

Deno.test("LogFile goes on where the last run ended", async () => {
  await using bench = new Bench({}, ({ directory, path }) => {
    Deno.mkdirSync(`${directory}/logs`);
    Deno.writeTextFileSync(path, "before\n");
  });
  await bench.write("after");
  assertEquals(bench.text(), "before\nafter\n");
});

Deno.test("LogFile rotates before a file grows beyond its size, and compresses", async () => {
  await using bench = new Bench({ maxBytes: 10 });
  await bench.write("12345678");
  await bench.write("abcdefghi", "x");
  await bench.write("a line longer than a file may be", "y");
  assertEquals(bench.text(), "y\n");
  await bench.file.tidied;
  const rotated = [0, 1, 2, 3].map((ms) => `dc-2026-08-01T12-00-00.00${ms}.log.gz`);
  assertEquals(bench.list(), [...rotated, "dc.log"]);
  assertEquals(bench.told, []);
  const paths = rotated.map((name) => `${bench.directory}/logs/${name}`);
  const { stdout } = await new Deno.Command("gzip", { args: ["-dc", ...paths] }).output();
  assertEquals(
    new TextDecoder().decode(stdout),
    "12345678\nabcdefghi\nx\na line longer than a file may be\n",
  );
});

Deno.test("LogFile rotates a file that was too large when it was opened", async () => {
  await using bench = new Bench({ maxBytes: 10 }, ({ directory, path }) => {
    Deno.mkdirSync(`${directory}/logs`);
    Deno.writeTextFileSync(path, "12345678901234567890\n");
  });
  await bench.write("new");
  assertEquals(bench.text(), "new\n");
});

Deno.test("LogFile follows when somebody else moves, removes or truncates its file", async () => {
  await using bench = new Bench();
  await bench.write("one");
  Deno.renameSync(bench.path, `${bench.path}.1`);
  await bench.write("two");
  assertEquals([bench.text(), Deno.readTextFileSync(`${bench.path}.1`)], ["two\n", "one\n"]);
  Deno.removeSync(bench.path);
  await bench.write("three");
  assertEquals(bench.text(), "three\n");
  Deno.truncateSync(bench.path);
  await bench.write("four");
  assertEquals(bench.text(), "four\n");
  Deno.removeSync(`${bench.directory}/logs`, { recursive: true });
  await bench.write("five");
  assertEquals(bench.text(), "five\n");
  assertEquals(bench.told, []);
});

Deno.test("LogFile makes the file anew at once when it is asked to reopen it", async () => {
  await using bench = new Bench();
  await bench.write("one");
  Deno.renameSync(bench.path, `${bench.path}.1`);
  bench.file.reopen();
  await bench.file.idle();
  assertEquals(bench.text(), "");
});

Deno.test("LogFile tells once that the disk is full, tries again, and loses nothing that fits into its queue", async () => {
  await using bench = new Bench();
  await bench.write("one");
  bench.disk.fault = (call) => call === "write" ? "ENOSPC" : null;
  await bench.write("two");
  await bench.write("three");
  await bench.retry();
  await bench.retry();
  assertEquals(bench.told, [
    "Cannot write the log file /logs/dc.log: ENOSPC (no space left on the device); it is tried again",
  ]);
  assertEquals(bench.text(), "one\n");
  bench.disk.fault = () => null;
  await bench.retry();
  assertEquals(bench.text(), "one\ntwo\nthree\n");
  assertEquals(bench.told.slice(1), ["The log file /logs/dc.log is written again: no line was lost"]);
});

Deno.test("LogFile keeps at most so much, counts the rest, and says in the file where it is missing", async () => {
  await using bench = new Bench({ maxBytes: 1e8 });
  bench.disk.fault = (call) => call === "write" ? "ENOSPC" : null;
  const line = "x".repeat(1023);
  const fitting = limits.logQueueBytesMax / 1024;
  await bench.write(...Array<string>(fitting + 5).fill(line));
  bench.disk.fault = () => null;
  await bench.retry();
  await bench.write("after");
  assertEquals(bench.text(), `${`${line}\n`.repeat(fitting)}(Lines of the log were lost here: 5)\nafter\n`);
  assertEquals(bench.told[1], "The log file /logs/dc.log is written again: 5 lines were lost");
});

Deno.test("LogFile writes on in the middle of a line where the disk took half of it", async () => {
  await using bench = new Bench();
  bench.disk.writeBytesMax = 3;
  let writes = 0;
  bench.disk.fault = (call) => call === "write" && ++writes === 3 ? "ENOSPC" : null;
  await bench.write("abcdefgh", "two");
  assertEquals(bench.text(), "abcdef");
  await bench.retry();
  assertEquals(bench.text(), "abcdefgh\ntwo\n");
});

Deno.test("LogFile writes a whole line again where the file with its first half is gone", async () => {
  await using bench = new Bench();
  bench.disk.writeBytesMax = 3;
  let writes = 0;
  bench.disk.fault = (call) => call === "write" && ++writes === 3 ? "ENOSPC" : null;
  await bench.write("abcdefgh");
  Deno.removeSync(bench.path);
  await bench.retry();
  assertEquals(bench.text(), "abcdefgh\n");
});

Deno.test("LogFile starts without a place to write to, and has all lines when there is one", async () => {
  await using bench = new Bench({}, ({ disk }) => disk.fault = (call) => call === "open" ? "EACCES" : null);
  await bench.write("one");
  assertEquals(bench.told, [
    "Cannot write the log file /logs/dc.log: EACCES (permission denied); it is tried again",
  ]);
  bench.disk.fault = () => null;
  await bench.retry();
  assertEquals(bench.text(), "one\n");
});

Deno.test("LogFile tells a change of trouble", async () => {
  await using bench = new Bench();
  let code = "ENOSPC";
  bench.disk.fault = (call) => call === "write" ? code : null;
  await bench.write("one");
  code = "EROFS";
  await bench.retry();
  assertEquals(bench.told.map((text) => /E[A-Z]+/.exec(text)?.[0]), ["ENOSPC", "EROFS"]);
  bench.disk.fault = () => null;
  await bench.retry();
});

Deno.test("LogFile refuses what is no regular file: a pipe would hold it for ever", async () => {
  await using bench = new Bench({ path: "/dev/null" });
  await bench.write("one");
  assert(bench.told[0]?.includes("it is not a regular file"), bench.told[0]);
});

Deno.test("LogFile writes on beyond the size when it cannot rotate, up to twice as much", async () => {
  await using bench = new Bench({ maxBytes: 20 });
  bench.disk.fault = (call) => call === "rename" ? "EACCES" : null;
  await bench.write("123456789", "123456789", "123456789");
  assertEquals(bench.text().length, 30);
  assertEquals(bench.told, ["Cannot rotate the log file /logs/dc.log: EACCES (permission denied)"]);
  await bench.write("123456789", "abc");
  assertEquals(bench.text().length, 40);
  assert(bench.told[1]?.includes("Cannot rotate"), bench.told[1]);
  bench.disk.fault = () => null;
  await bench.retry();
  assertEquals(bench.text(), "abc\n");
});

Deno.test("LogFile holds nobody up while the disk hangs, and tells it once", async () => {
  await using bench = new Bench();
  let release = () => {};
  bench.disk.held = new Promise((resolve) => release = resolve);
  bench.file.write("one\n");
  await eventually("a write", () => bench.disk.writes > 0);
  await bench.clock.advance(limits.logSlowMs);
  bench.file.write("two\n");
  bench.file.write("three\n");
  assertEquals(bench.told, ["The log file /logs/dc.log takes no line since 5 s; it is tried again"]);
  release();
  bench.disk.held = null;
  await bench.file.idle();
  assertEquals(bench.text(), "one\ntwo\nthree\n");
  assertEquals(bench.told.slice(1), ["The log file /logs/dc.log is written again: no line was lost"]);
});

Deno.test("LogFile.close() writes what is left; of a disk that hangs it waits for no longer than its time", async () => {
  await using bench = new Bench();
  bench.file.write("one\n");
  await bench.file.close();
  assertEquals(bench.text(), "one\n");
  await using hung = new Bench();
  let release = () => {};
  hung.disk.held = new Promise((resolve) => release = resolve);
  hung.file.write("one\n");
  const closed = hung.file.close();
  await hung.clock.advance(limits.logCloseMs);
  await closed;
  assertEquals(hung.told, ["The log file /logs/dc.log lacks the last 1 lines"]);
  release();
});

Deno.test("LogFile.close() makes a last attempt where the disk was full", async () => {
  await using bench = new Bench();
  bench.disk.fault = (call) => call === "write" ? "ENOSPC" : null;
  await bench.write("one");
  bench.disk.fault = () => null;
  await bench.file.close();
  assertEquals(bench.text(), "one\n");
});

Deno.test("LogFile.flushNow() has all lines on disk when it returns, also those of a write under way", async () => {
  await using bench = new Bench();
  await bench.write("one");
  bench.file.write("two\n");
  bench.file.write("three\n");
  bench.file.flushNow();
  assertEquals(bench.text(), "one\ntwo\nthree\n");
});

Deno.test("LogFile.flushNow() writes no line twice that a write under way has brought to the disk", async () => {
  await using bench = new Bench();
  await bench.write("one");
  const write = Promise.withResolvers<void>();
  bench.disk.held = write.promise;
  bench.file.write("two\n");
  await eventually("a second write", () => bench.disk.writes > 1);
  // As far as the disk has come with it.
  Deno.writeTextFileSync(bench.path, "tw", { append: true });
  bench.file.write("three\n");
  bench.file.flushNow();
  assertEquals(bench.text(), "one\ntwo\nthree\n");
  bench.disk.fault = (call) => call === "write" ? "EBADF" : null;
  write.resolve();
});

Deno.test("LogFile.flushNow() does not wait for a disk that hangs", async () => {
  await using bench = new Bench();
  await bench.write("one");
  const write = Promise.withResolvers<void>();
  bench.disk.held = write.promise;
  bench.file.write("two\n");
  await eventually("a second write", () => bench.disk.writes > 1);
  await bench.clock.advance(limits.logSlowMs + 1);
  bench.file.flushNow();
  assertEquals(bench.text(), "one\n");
  assertEquals(bench.told, ["The log file /logs/dc.log lacks the last 1 lines"]);
  bench.disk.fault = (call) => call === "write" ? "EBADF" : null;
  write.resolve();
});

Deno.test("LogFile removes old rotated files by the hour, also when nothing is logged", async () => {
  await using bench = new Bench({ maxBytes: 10, maxAgeMs: 3_600_000 });
  await bench.write("12345678", "abc");
  await bench.file.tidied;
  assertEquals(bench.list(), ["dc-2026-08-01T12-00-00.000.log.gz", "dc.log"]);
  await bench.clock.advance(2 * limits.logTidyMs + 1);
  await bench.file.tidied;
  assertEquals(bench.list(), ["dc.log"]);
});
