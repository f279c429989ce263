import { limits } from "../../src/base/limits.ts";
import { KernelError, NvmeStatusError, ProtocolError, TransportError } from "../../src/base/errors.ts";
import {
  connectRetryDelayMs,
  isAddressFailure,
  probeRetryDelayMs,
  sessionRetryDelayMs,
  toFailure,
} from "../../src/plan/retry.ts";
import { assert, assertEquals } from "../assert.ts";

const middle = () => 0.5;
const lost = new TransportError("ECONNRESET", "Reset");
const status = (value: number, dnr: boolean) => new NvmeStatusError("s", "S", { status: value, dnr, crd: 0 });

function sessionDelay(error: unknown, failures: number, random = middle): number {
  return sessionRetryDelayMs({ error, failures, reconnectIntervalMs: 5_000, random });
}

Deno.test("sessionRetryDelayMs() begins with the interval, doubles, and ends at a bound", () => {
  const delays = [1, 2, 3, 4, 5, 1_000, 1e9].map((failures) => sessionDelay(lost, failures));
  assertEquals(delays, [5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000]);
});

Deno.test("sessionRetryDelayMs() is jittered by a quarter either way", () => {
  assertEquals([sessionDelay(lost, 1, () => 0), sessionDelay(lost, 1, () => 1)], [3_750, 6_250]);
});

Deno.test("sessionRetryDelayMs() keeps a long interval that the operator chose", () => {
  const options = { error: lost, failures: 3, reconnectIntervalMs: 120_000, random: middle };
  assertEquals(sessionRetryDelayMs(options), 120_000);
});

interface Row {
  name: string;
  error: unknown;
  delayMs: number;
}

const sessionRows: Row[] = [
  { name: "a refusal with Do Not Retry", error: status(0x184, true), delayMs: limits.refusedRetryMsMin },
  { name: "a refusal without", error: status(0x184, false), delayMs: 5_000 },
  { name: "a busy controller, Do Not Retry or not", error: status(0x181, true), delayMs: 5_000 },
  { name: "a broken protocol", error: new ProtocolError("p", "P"), delayMs: 5_000 },
];

for (const { name, error, delayMs } of sessionRows) {
  Deno.test(`sessionRetryDelayMs() answers ${delayMs} ms after ${name}`, () => {
    assertEquals(sessionDelay(error, 1), delayMs);
  });
}

Deno.test("connectRetryDelayMs() doubles up to a bound, and waits longer where somebody must change something", () => {
  const delay = (code: string, failures: number) =>
    connectRetryDelayMs({ error: new KernelError(code, "K"), failures, random: middle });
  assertEquals([1, 2, 3, 99].map((failures) => delay("EIO", failures)), [1_000, 2_000, 4_000, 30_000]);
  assertEquals([delay("EINVAL", 1), delay("EINVAL", 99)], [limits.refusedRetryMsMin, 30_000]);
});

Deno.test("probeRetryDelayMs() comes round sooner than connects", () => {
  const delays = [1, 2, 99].map((failures) => probeRetryDelayMs({ failures, random: middle }));
  assertEquals(delays, [1_000, 2_000, 15_000]);
});

Deno.test("isAddressFailure() holds for what the address does, not for what the subsystem says", () => {
  for (const code of ["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ECONNRESET"]) {
    assert(isAddressFailure(new KernelError(code, "K")), code);
  }
  for (const code of ["EIO", "EINVAL", "EALREADY", "ENOKEY"]) {
    assert(!isAddressFailure(new KernelError(code, "K")), code);
  }
  assert(!isAddressFailure(new TransportError("ECONNREFUSED", "Not from the kernel")));
});

Deno.test("toFailure() keeps code, words and causes", () => {
  const error = new KernelError("EINVAL", "Cannot connect", { cause: new KernelError("EINVAL", "why") });
  assertEquals(toFailure(error, 5), { code: "EINVAL", message: "Cannot connect: why", atMs: 5 });
});
