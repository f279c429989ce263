import { assert, assertEquals } from "../assert.ts";
import { NvmeStatusError } from "../../src/base/errors.ts";
import { decodeCompletion, encodeCompletion } from "../../src/nvme/completion.ts";
import { statusError, statusName, statusText } from "../../src/nvme/status.ts";

Deno.test("statusName() and statusText() name what a host meets", () => {
  assertEquals(statusName(0), "success");
  assertEquals(statusName(0x182), "invalid-parameters");
  assertEquals(statusName(0x184), "invalid-host");
  assertEquals(statusText(0x184), "Connect Invalid Host: the subsystem does not allow this host NQN");
  assertEquals(statusName(0x191), "authentication-required");
});

Deno.test("statusName() and statusText() have an answer for every status, names are unique", () => {
  const names = new Set<string>();
  for (let status = 0; status <= 0x7ff; status++) {
    const name = statusName(status);
    assert(/^[a-z][a-z0-9-]+$/.test(name), name);
    const text = statusText(status);
    assert(/^[A-Z].*[^.]$/.test(text), text);
    names.add(name);
  }
  assertEquals(names.size, 0x800);
});

Deno.test("statusName() gives a number to the unknown", () => {
  assertEquals(statusName(0x1ff), "status-0x1ff");
  assertEquals(statusText(0x1ff), "Status 0x1ff (type 1, code 255)");
});

const errorOf = (status: number, dw0 = 0) =>
  statusError(
    "Cannot connect",
    decodeCompletion(encodeCompletion({ cid: 1, status, dw0, dnr: true, crd: 1 })),
  );

Deno.test("statusError() carries status, Do Not Retry and the delay index", () => {
  const error = errorOf(0x181);
  assert(error instanceof NvmeStatusError);
  assertEquals([error.code, error.status, error.dnr, error.crd], ["controller-busy", 0x181, true, 1]);
  assertEquals(error.message, "Cannot connect: Connect Controller Busy: no controller is free");
});

const parameters: readonly [dw0: number, words: string][] = [
  [0x1_0100, "subsystem NQN (no such subsystem, or not at this port), byte 256 of the data"],
  [0x1_0200, "host NQN, byte 512 of the data"],
  [0x1_0010, "controller ID, byte 16 of the data"],
  [0x1_0000, "host identifier, byte 0 of the data"],
  [0x0_002a, "queue ID, byte 42 of the command"],
  [0x0_002c, "queue size, byte 44 of the command"],
  [0x0_0100, "byte 256 of the command"],
  [0x1_0011, "byte 17 of the data"],
];

for (const [dw0, words] of parameters) {
  Deno.test(`statusError() says which Connect parameter 0x${dw0.toString(16)} is`, () => {
    assertEquals(errorOf(0x182, dw0).message, `Cannot connect: Connect Invalid Parameters: ${words}`);
  });
}
