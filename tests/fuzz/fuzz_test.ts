/** Every target on a few inputs; and the proof that the fuzzer finds what is wrong, and says it so that it can be seen again. */
import { decodeCompletion, encodeCompletion } from "../../src/nvme/completion.ts";
import { parseIpAddress } from "../../src/base/address.ts";
import { assert, assertEquals } from "../assert.ts";
import { checkSame } from "./check.ts";
import type { Choices } from "./choices.ts";
import { type FuzzTarget, replayInput, tryInputs } from "./fuzz_target.ts";
import { fuzzTargets } from "./index.ts";
import { HostileController } from "./hostile_controller.ts";
import { cutUp } from "./mutate.ts";

for (const target of fuzzTargets) {
  Deno.test(`fuzz target ${target.name} breaks no promise on its first inputs`, () => {
    const violation = tryInputs(target, { runs: 250, seed: 1 });
    assertEquals(violation, null);
  });
}

Deno.test("every file of targets/ is a target of that name, and is listed", () => {
  const files = [...Deno.readDirSync(new URL("targets", import.meta.url))].map(({ name }) => name);
  assertEquals(fuzzTargets.map(({ name }) => `${name}.ts`).sort(), files.sort());
});

/** Decoders and machines broken on purpose; each must be caught within these inputs. */
const runs = 5_000;

const broken: Record<string, (choices: Choices) => void> = {
  "a completion decoder that loses Do Not Retry": (choices) => {
    const bytes = choices.bytes(16);
    bytes[14]! &= 0xfe;
    checkSame(encodeCompletion({ ...decodeCompletion(bytes), dnr: false }), bytes, "Decoded and encoded");
  },
  "a framer that takes the length from one byte": (choices) => {
    const stream = new Uint8Array([choices.edgy(300) & 0xff, ...choices.bytes(choices.below(300))]);
    const taken = cutUp(choices, stream).map((chunk) => chunk.length & 0xff).reduce((sum, length) =>
      sum + length
    );
    checkSame(taken, stream.length, "Bytes taken");
  },
  "an address parser that throws a plain error": (choices) => {
    const text = choices.pick(["10.0.0.1", "::1", "x"]) + choices.pick(["", "%eth0"]);
    if (parseIpAddress(text)!.bytes.length === 0) throw new Error("Unreachable");
  },
  "a host that reads past the end of the log": (choices) => {
    const controller = new HostileController(choices, { header: false, data: false });
    controller.handleBytes(logRead(1024 * choices.below(8)));
  },
};

/** CapsuleCmd with Get Log Page of 1024 bytes at the offset. */
function logRead(offset: number): Uint8Array {
  const bytes = new Uint8Array(72);
  bytes.set([4, 0, 72, 0, 72]);
  bytes.set([2, 0x40, 1, 0], 8);
  bytes.set([0x70, 0, 255, 0], 48);
  new DataView(bytes.buffer).setUint32(56, offset, true);
  return bytes;
}

for (const [name, tryInput] of Object.entries(broken)) {
  Deno.test(`tryInputs() catches ${name}, simplifies the input, and the input fails again`, () => {
    const target: FuzzTarget = { name: "broken", tryInput };
    const violation = tryInputs(target, { runs, seed: 1 });
    assert(violation !== null, "Nothing was caught");
    assert(violation.choices.length <= 4, `Simplified to ${violation.choices}`);
    assert(violation.seed === 1 && !violation.error.includes("not again"), violation.error);
    const again = replayInput(target, violation.choices);
    assertEquals(again?.error.split("\n")[0], violation.error.split("\n")[0]);
  });
}

Deno.test("tryInputs() simplifies to the smallest input that fails", () => {
  const tryInput = (choices: Choices) => {
    const numbers = Array.from({ length: choices.below(20) }, () => choices.below(1_000));
    choices.note("numbers", numbers);
    if (numbers.some((number) => number > 700)) throw new Error("Too large");
  };
  const violation = tryInputs({ name: "t", tryInput }, { runs, seed: 3 });
  assertEquals(violation?.choices, [1, 701]);
  assertEquals(violation?.notes, ["numbers: [ 701 ]"]);
});

Deno.test("tryInputs() draws the same inputs from the same seed, others from another", () => {
  const drawn = (seed: number) => {
    const numbers: number[] = [];
    tryInputs({ name: "t", tryInput: (choices) => void numbers.push(choices.uint32()) }, { runs: 20, seed });
    return numbers;
  };
  assertEquals(drawn(5), drawn(5));
  assert(drawn(5).length === 20 && String(drawn(5)) !== String(drawn(6)), "Other seeds give other inputs");
});
