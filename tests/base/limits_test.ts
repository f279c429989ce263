import { assert } from "../assert.ts";
import { limits } from "../../src/base/limits.ts";

Deno.test("every limit is a positive whole number", () => {
  const entries = Object.entries(limits);
  assert(entries.length > 30);
  for (const [name, value] of entries) assert(Number.isSafeInteger(value) && value > 0, name);
});

Deno.test("limits that lean on one another agree", () => {
  assert(limits.logChunkBytesMin <= limits.logChunkBytesMax);
  assert(limits.logChunkBytesMax + 4096 <= limits.pduBytesMax, "A chunk fits a PDU");
  assert(limits.sessionsReopeningMax < limits.sessionsOpeningMax, "The dead leave room for the new");
  assert(limits.connectRetryMsBase <= limits.connectRetryMsMax);
  assert(limits.entriesMax * 800 <= limits.stateBytesMax, "A full list of entries can be loaded again");
  assert(limits.rescanDelayMs < limits.rescanIntervalMs);
});
