import { callerOf, parseCaller } from "../../src/io/log_caller.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("callerOf() answers the line that called the function named", () => {
  const inner = (): string | undefined => callerOf(logged);
  function logged(): string | undefined {
    return inner();
  }
  const line = Number(/log_caller_test\.ts:(\d+):/.exec(new Error().stack ?? "")?.[1]);
  assertEquals(logged(), `log_caller_test.ts:${line + 1}`);
  assert(Error.stackTraceLimit > 1, "The limit is as it was");
});

Deno.test("parseCaller() shortens files to the way from the project's root", () => {
  for (
    const [frame, expected] of [
      ["Error\n    at Agent.start (file:///usr/src/dc/src/agent/agent.ts:99:7)", "src/agent/agent.ts:99"],
      ["Error\n    at async file:///tmp/deno-compile-x/dc/src/cli/serve.ts:1:2", "src/cli/serve.ts:1"],
      ["Error\n    at file:///home/me/main.ts:12:34", "main.ts:12"],
      [
        "Error\n    at Object.warn (file:///p/src/agent/event_log.ts:15:9)\n" +
        "    at KernelWatch.read (file:///p/src/agent/kernel_watch.ts:78:5)",
        "src/agent/kernel_watch.ts:78",
      ],
      ["Error\n    at Array.map (<anonymous>)", undefined],
      ["Error", undefined],
    ] as const
  ) assertEquals(parseCaller(frame), expected);
});
