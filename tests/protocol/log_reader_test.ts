import { limits } from "../../src/base/limits.ts";
import { NvmeStatusError, ProtocolError } from "../../src/base/errors.ts";
import type { DiscoveryRecord } from "../../src/nvme/discovery_log.ts";
import { encodeLogPage } from "../../src/nvme/discovery_log.ts";
import { assert, assertEquals } from "../assert.ts";
import { data, logRange, readAnswer, response, type SeenCommand } from "./scripted_controller.ts";
import { liveSession, SessionUnderTest } from "./session_samples.ts";

const records = (count: number, name = "s"): Partial<DiscoveryRecord>[] =>
  Array.from({ length: count }, (_, at) => ({
    traddr: `10.0.${at >> 8}.${at & 0xff}`,
    trsvcid: "4420",
    subnqn: `nqn.2024-01.io.example:${name}${at}`,
  }));

const ranges = (seen: SeenCommand[]): string[] =>
  seen.map(({ command }) => {
    const { offset, bytes, retain } = logRange(command);
    return `${offset}+${bytes}${retain ? " retain" : ""}`;
  });

Deno.test("LogReader reads an empty log twice: the last read clears the event all the same", () => {
  const { controller, logs } = bound(liveSession());
  assertEquals(ranges(controller.of("log")), ["0+1024 retain", "0+1024"]);
  assertEquals(logs(), [{ genctr: 1n, records: [] }]);
});

Deno.test("LogReader reads header, chunks that end with the log, header; only the last read clears the event", () => {
  const { controller, logs } = bound(
    liveSession({ logChunkBytesMax: 4096 }, (controller) => controller.records = records(6)),
  );
  assertEquals(ranges(controller.of("log")), [
    "0+1024 retain",
    "1024+4096 retain",
    "5120+2048 retain",
    "0+1024",
  ]);
  assertEquals(logs()[0]?.records.map(({ subnqn }) => subnqn), records(6).map(({ subnqn }) => subnqn!));
});

Deno.test("LogReader never reads past the end, whatever the chunk and the length", () => {
  for (const count of [1, 3, 4, 5, 63, 64, 65, 130]) {
    for (const logChunkBytesMax of [1024, 4096, 12_288, undefined]) {
      const { controller } = liveSession(
        { logChunkBytesMax },
        (controller) => controller.records = records(count),
      );
      let next = 1024;
      for (const { command } of controller.of("log").slice(1, -1)) {
        const { offset, bytes } = logRange(command);
        assertEquals(offset, next);
        next += bytes;
        assert(bytes <= limits.logChunkBytesMax);
      }
      assertEquals(next, 1024 + count * 1024, `${count} records in chunks of ${logChunkBytesMax}`);
    }
  }
});

Deno.test("LogReader keeps within MDTS", () => {
  const { controller } = liveSession({}, (controller) => {
    controller.identify = { mdts: 1 };
    controller.records = records(20);
  });
  assertEquals(Math.max(...controller.of("log").map(({ command }) => logRange(command).bytes)), 8192);
});

Deno.test("LogReader rounds a chunk that was wished down to whole pages", () => {
  const { controller } = liveSession(
    { logChunkBytesMax: 9_001 },
    (controller) => controller.records = records(20),
  );
  assertEquals(ranges(controller.of("log"))[1], "1024+8192 retain");
});

Deno.test("LogReader starts over when the generation moves, and gives the new log", () => {
  const test = new SessionUnderTest({}, (controller) => controller.records = records(2, "old"));
  const { controller } = test;
  controller.answer("log", (seen) => {
    if (controller.count("log") === 2) {
      controller.genctr = 2n;
      controller.records = records(3, "new");
    }
    return controller.usual(seen);
  });
  test.start();
  assertEquals(ranges(controller.of("log")), [
    "0+1024 retain",
    "1024+2048 retain",
    "0+1024",
    "0+1024 retain",
    "1024+3072 retain",
    "0+1024",
  ]);
  assertEquals(test.logs().map(({ genctr, records }) => [genctr, records.length]), [[2n, 3]]);
});

Deno.test("LogReader starts over when the length moves under the same generation", () => {
  const test = new SessionUnderTest({}, (controller) => controller.records = records(1));
  const { controller } = test;
  controller.answer("log", (seen) => {
    if (controller.count("log") === 3) controller.records = records(2);
    return controller.usual(seen);
  });
  test.start();
  assertEquals(test.logs().map(({ records }) => records.length), [2]);
});

Deno.test("LogReader pauses when the generation never rests, then tries again", () => {
  const test = new SessionUnderTest();
  const { controller } = test;
  controller.answer("log", (seen) => {
    controller.genctr++;
    return controller.usual(seen);
  });
  test.start();
  assertEquals(controller.count("log"), 2 * limits.logRestartsMax);
  controller.advance(limits.logRestartPauseMs - 1);
  assertEquals([controller.count("log"), test.kinds()], [2 * limits.logRestartsMax, "ready"]);
  controller.answer("log", null);
  controller.advance(1);
  assertEquals(test.kinds(), "ready log");
});

Deno.test("LogReader takes Discover Restart (190h) for a moved generation", () => {
  const test = new SessionUnderTest({}, (controller) => controller.records = records(1));
  const { controller } = test;
  controller.answer("log", (seen) => {
    if (controller.count("log") !== 2) return controller.usual(seen);
    return [response({ cid: seen.command.cid, status: 0x190 })];
  });
  assertEquals(test.start().kinds(), "ready log");
  assertEquals(ranges(controller.of("log"))[2], "0+1024 retain");
});

Deno.test("LogReader ends the session on any other status", () => {
  const test = new SessionUnderTest();
  test.controller.answer("log", ({ command: { cid } }) => [response({ cid, status: 0x109, dnr: true })]);
  assert(test.start().end() instanceof NvmeStatusError);
});

Deno.test("LogReader ends the session when less comes than asked for", () => {
  const test = new SessionUnderTest({}, (controller) => controller.records = records(4));
  test.controller.answer("log", ({ command }) => {
    const { offset, bytes } = logRange(command);
    const page = test.controller.logPage().subarray(offset, offset + bytes);
    return readAnswer(command.cid, offset === 0 ? page : page.subarray(0, 2048));
  });
  assertEquals(test.start().endCode(), "log-short");
});

const badHeaders: [name: string, header: Parameters<typeof encodeLogPage>[0], code: string][] = [
  ["another record format", { genctr: 1n, recfmt: 1 }, "log-format"],
  ["more records than we hold", { genctr: 1n, numrec: limits.logRecordsMax + 1 }, "log-too-long"],
];

for (const [name, header, code] of badHeaders) {
  Deno.test(`LogReader ends the session on a log with ${name}`, () => {
    const test = new SessionUnderTest();
    const page = encodeLogPage(header, []);
    test.controller.answer("log", ({ command: { cid } }) => readAnswer(cid, page.subarray(0, 1024)));
    assertEquals(test.start().endCode(), code);
    assert(test.end() instanceof ProtocolError);
  });
}

Deno.test("LogReader ends the session on a count that no number holds", () => {
  const test = new SessionUnderTest();
  const header = encodeLogPage({ genctr: 1n }, []).subarray(0, 1024);
  header.fill(0xff, 8, 16);
  test.controller.answer("log", ({ command: { cid } }) => readAnswer(cid, header));
  assertEquals(test.start().endCode(), "log-records");
});

Deno.test("LogReader takes no memory on the header's word alone", () => {
  const test = new SessionUnderTest();
  const page = encodeLogPage({ genctr: 1n, numrec: limits.logRecordsMax }, []);
  test.controller.answer("log", ({ command }) => {
    // The header only; the records never come.
    return logRange(command).offset === 0 ? readAnswer(command.cid, page.subarray(0, 1024)) : [];
  });
  const largest = largestAllocation(() => test.start());
  assertEquals(ranges(test.controller.of("log")).length, 2, "Precondition: it waits for the records");
  assert(largest <= 2 * limits.logChunkBytesMax, `${largest} bytes were allocated`);
});

Deno.test("LogReader takes a log of 1,500 records", () => {
  const { logs } = bound(
    liveSession({}, (controller) => controller.records = records(1_500)),
  );
  assertEquals(logs()[0]?.records.length, 1_500);
});

Deno.test("LogReader takes data in any number of PDUs", () => {
  const test = new SessionUnderTest({}, (controller) => controller.records = records(3));
  test.controller.answer("log", ({ command }) => {
    const { offset, bytes } = logRange(command);
    const page = test.controller.logPage().subarray(offset, offset + bytes);
    const pdus = [];
    for (let at = 0; at < bytes; at += 500) {
      const end = Math.min(at + 500, bytes);
      pdus.push(data(command.cid, at, page.subarray(at, end), end === bytes ? "success" : ""));
    }
    return pdus;
  });
  assertEquals(test.start().logs()[0]?.records.length, 3);
});

/** `logs` as a function of its own, for short tests. */
function bound(test: SessionUnderTest) {
  return { controller: test.controller, logs: () => test.logs() };
}

/** Bytes of the largest array that is made by its length meanwhile. */
function largestAllocation(action: () => void): number {
  const { Uint8Array: original } = globalThis;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args) {
      if (typeof args[0] === "number") largest = Math.max(largest, args[0]);
      return Reflect.construct(target, args);
    },
  });
  try {
    action();
  } finally {
    globalThis.Uint8Array = original;
  }
  return largest;
}
