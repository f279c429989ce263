import { watchSignals } from "../../src/io/signals.ts";
import { assertEquals } from "../assert.ts";
import { eventually } from "./eventually.ts";

Deno.test("watchSignals() calls the handler of the signal, and of no other", async () => {
  const called: string[] = [];
  const closer = watchSignals({ SIGHUP: () => called.push("SIGHUP"), SIGTERM: () => called.push("SIGTERM") });
  Deno.kill(Deno.pid, "SIGHUP");
  await eventually("the handler is called", () => called.length > 0);
  assertEquals(called, ["SIGHUP"]);
  closer.close();
  closer.close();
});
