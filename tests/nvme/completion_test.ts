import { assertEquals, assertThrows } from "../assert.ts";
import { fc } from "../property.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { type Completion, decodeCompletion, encodeCompletion } from "../../src/nvme/completion.ts";
import { hexOf, wire } from "./wire.ts";

const invalidHost: Completion = {
  cid: 0x0607,
  sqid: 0x0405,
  sqhd: 0x0203,
  dw0: 0xf1223344,
  dw1: 0x55667788,
  status: 0x184,
  dnr: true,
  more: false,
  crd: 2,
};
/** DW0 · DW1 · SQHD · SQID · CID · status: SCT 1, SC 84h shifted by the phase bit is 0308h, CRD 2 2000h, DNR 8000h. */
const invalidHostBytes = wire("443322f1 88776655 0302 0504 0706 08a3");

Deno.test("decodeCompletion() reads an entry written by hand", () => {
  assertEquals(decodeCompletion(invalidHostBytes), invalidHost);
});

Deno.test("encodeCompletion() writes it the same", () => {
  assertEquals(hexOf(encodeCompletion(invalidHost)), hexOf(invalidHostBytes));
});

Deno.test("encodeCompletion() fills in zeroes", () => {
  assertEquals(hexOf(encodeCompletion({ cid: 1 })), hexOf(wire("00*12 0100 0000")));
});

Deno.test("decodeCompletion() ignores the phase bit", () => {
  assertEquals(decodeCompletion(wire("00*12 0100 0100")).status, 0);
});

Deno.test("decodeCompletion() tells the bits beside the status apart", () => {
  const bits = (low: string) => {
    const { status, dnr, more, crd } = decodeCompletion(wire(`00*14 ${low}`));
    return { status, dnr, more, crd };
  };
  const none = { status: 0, dnr: false, more: false, crd: 0 };
  assertEquals(bits("fe0f"), { ...none, status: 0x7ff });
  assertEquals(bits("0030"), { ...none, crd: 3 });
  assertEquals(bits("0040"), { ...none, more: true });
  assertEquals(bits("0080"), { ...none, dnr: true });
});

Deno.test("decodeCompletion() refuses every other length", () => {
  for (const length of [0, 1, 15, 17, 64]) {
    assertThrows(() => decodeCompletion(new Uint8Array(length)), ProtocolError);
  }
});

Deno.test("encodeCompletion() asserts its ranges", () => {
  for (const bad of [{ status: 0x800 }, { status: -1 }, { crd: 4 }]) {
    assertThrows(() => encodeCompletion({ cid: 1, ...bad }), AssertionError);
  }
});

Deno.test("decodeCompletion() gives back what encodeCompletion() took", () => {
  const completion = fc.record({
    cid: fc.nat(0xffff),
    sqid: fc.nat(0xffff),
    sqhd: fc.nat(0xffff),
    dw0: fc.nat(0xffff_ffff),
    dw1: fc.nat(0xffff_ffff),
    status: fc.nat(0x7ff),
    dnr: fc.boolean(),
    more: fc.boolean(),
    crd: fc.nat(3),
  }, { noNullPrototype: true });
  fc.assert(fc.property(completion, (c) => assertEquals(decodeCompletion(encodeCompletion(c)), c)));
});
