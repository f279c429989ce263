import { ConfigError } from "../../src/base/errors.ts";
import { LogLevelControl } from "../../src/cli/log_level_control.ts";
import type { LogTuning } from "../../src/io/log_sink.ts";
import { assertEquals, assertThrows } from "../assert.ts";

class Bench {
  tuning: LogTuning;
  readonly told: string[] = [];
  readonly control: LogLevelControl;

  constructor(tuning: LogTuning) {
    this.tuning = tuning;
    this.control = new LogLevelControl({
      // As the sink does: what the level hides is not told.
      info: (message) => void (["debug", "info"].includes(this.tuning.level!) && this.told.push(message)),
      reconfigure: (next) => void (this.tuning = next),
    }, tuning);
  }
}

Deno.test("LogLevelControl sets the level, leaves the rest as it is, and tells it while the log can", () => {
  const bench = new Bench({ level: "info", format: "json" });
  bench.control.setLevel("WARNING");
  assertEquals(bench.tuning, { level: "warn", format: "json" });
  bench.control.setLevel("fatal");
  assertEquals([bench.control.level(), bench.tuning.level], ["error", "error"]);
  bench.control.setLevel("debug");
  assertEquals(bench.told.length, 2);
  assertEquals(bench.told[1], "The log's level is debug from now on, it was error");
});

Deno.test("LogLevelControl keeps what was asked for until the settings name another level", () => {
  const bench = new Bench({ level: "info" });
  bench.control.setLevel("debug");
  bench.control.reconfigure({ level: "info", format: "json" });
  assertEquals(bench.tuning, { level: "debug", format: "json" });
  bench.control.reconfigure({ level: "warn" });
  assertEquals(bench.tuning, { level: "warn" });
  bench.control.reconfigure({ level: "info" });
  assertEquals(bench.control.level(), "info");
});

Deno.test("LogLevelControl refuses what is no level, and changes nothing", () => {
  const bench = new Bench({ level: "info" });
  assertThrows(() => bench.control.setLevel("loud"), ConfigError);
  assertEquals([bench.control.level(), bench.told], ["info", []]);
});
