/** The processes behind `deno task fuzz`: inputs counted, what hangs or dies named, violations carried over. */
import { assert, assertEquals } from "../assert.ts";
import { runPool } from "./fuzz_pool.ts";
import { parseArguments } from "./main.ts";

const options = { targets: ["crc32c", "growing_bytes"], jobs: 2, seed: 7, runs: 1_500, seconds: Infinity };

/** A process that runs this code in place of ours. */
function workerOf(code: string): URL {
  return new URL(`data:application/javascript,${encodeURIComponent(code)}`);
}

const begun = "console.log(JSON.stringify({ kind: 'begun', seed: 42 }));";

Deno.test("runPool() tries as many inputs of each target as it was told", async () => {
  const results = await runPool(options);
  assertEquals(results.map(({ target, inputs, violation }) => [target, inputs, violation]), [
    ["crc32c", 1_500, null],
    ["growing_bytes", 1_500, null],
  ]);
});

Deno.test("runPool() ends a process that hangs, and names target and seed", async () => {
  const worker = workerOf(`${begun} while (true);`);
  const [result] = await runPool({ ...options, targets: ["pdu"], jobs: 1, silenceMs: 1_000, worker });
  assert(result!.violation!.error.includes("hangs"), result!.violation!.error);
  assertEquals([result!.violation!.target, result!.violation!.seed], ["pdu", 42]);
});

Deno.test("runPool() names the target and seed of a process that dies, and goes on with the others", async () => {
  const die = "if (line.includes('pdu')) Deno.exit(3);";
  const done = "console.log(JSON.stringify({ kind: 'done', inputs: order.runs, ms: 1, violation: null, " +
    "residentBytes: 1 }));";
  const worker = workerOf(
    `for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
      const order = JSON.parse(line); ${begun} ${die} ${done} }`,
  );
  const results = await runPool({ ...options, targets: ["pdu", "crc32c"], jobs: 1, worker });
  assert(results[0]!.violation!.error.includes("died with status 3"), results[0]!.violation!.error);
  assertEquals(results[0]!.violation!.seed, 42);
  assertEquals([results[1]!.inputs, results[1]!.violation], [1_500, null]);
});

Deno.test("runPool() counts memory that grows without end as a violation", async () => {
  const worker = workerOf(
    `for await (const _ of Deno.stdin.readable) {
      console.log(JSON.stringify({ kind: "done", inputs: 5, ms: 1, violation: null, residentBytes: 4e9 })); }`,
  );
  const [result] = await runPool({ ...options, targets: ["pdu"], jobs: 1, worker });
  assert(result!.violation!.error.includes("MiB"), result!.violation!.error);
});

Deno.test("parseArguments() reads the flags of deno task fuzz", () => {
  const parse = (text: string) => parseArguments(text === "" ? [] : text.split(" "), 4, 9);
  const standard = parse("");
  assert(typeof standard !== "string" && standard.targets.length > 10);
  assertEquals([standard.jobs, standard.seed, standard.runs, standard.seconds], [4, 9, Infinity, 60]);
  const chosen = parse("--runs 10 --jobs 2 --seed 0 -o json pdu");
  assert(typeof chosen !== "string");
  assertEquals(chosen, {
    targets: ["pdu"],
    jobs: 2,
    seed: 0,
    runs: 10,
    seconds: Infinity,
    output: "json",
    list: false,
    input: null,
  });
  assertEquals(typeof parse("--input 1,2,3 pdu"), "object");
});

Deno.test("parseArguments() says what cannot be used", () => {
  const bad = ["--runs", "--runs 0", "--runs x", "--runs 1.5", "--jobs -1", "--bogus", "nothing", "-o xml"];
  for (const text of [...bad, "--input 1", "--input a pdu", "--seed -1"]) {
    assertEquals(typeof parseArguments(text.split(" "), 4, 9), "string", text);
  }
});
