import { ControllerLog } from "../../src/agent/controller_log.ts";
import { limits } from "../../src/base/limits.ts";
import type { Controller } from "../../src/model/controller.ts";
import { assertEquals } from "../assert.ts";
import { MemoryLog } from "../sim/memory_log.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

function controller(instance: number, fields: Partial<Controller> = {}): Controller {
  const address = { traddr: "10.0.0.1", trsvcid: "4420" };
  return {
    name: `nvme${instance}`,
    instance,
    transport: "tcp",
    state: "live",
    subsysnqn: "nqn.a",
    address,
    ...fields,
  };
}

function told(before: Controller[], after: Controller[]): string[] {
  const log = new MemoryLog(new VirtualClock());
  new ControllerLog(log).record(before, after);
  assertEquals(log.violations, []);
  return log.lines.map(({ message, fields }) =>
    `${message} ${fields.device ?? ""} ${fields.path ?? ""}`.trim()
  );
}

Deno.test("ControllerLog tells of controllers that come, go, change their state or are others by the same name", () => {
  const path = "nqn.a at 10.0.0.1:4420";
  assertEquals(told([], [controller(0)]), [`Controller appeared, live nvme0 ${path}`]);
  assertEquals(told([controller(0)], []), [`Controller is gone nvme0 ${path}`]);
  assertEquals(told([controller(0)], [controller(0)]), []);
  assertEquals(told([controller(0)], [controller(0, { state: "connecting" })]), [
    `Controller live → connecting nvme0 ${path}`,
  ]);
  assertEquals(told([controller(0)], [controller(0, { subsysnqn: "nqn.b" })]), [
    "Controller is another one now, live nvme0 nqn.b at 10.0.0.1:4420",
  ]);
  const pcie = controller(1, { transport: "pcie", address: { traddr: "0000:01:00.0", trsvcid: "" } });
  assertEquals(told([], [pcie]), ["Controller appeared, live nvme1 nqn.a at 0000:01:00.0"]);
});

Deno.test("ControllerLog names so many only, and counts the rest", () => {
  const all = Array.from({ length: limits.controllersToldMax + 7 }, (_, at) => controller(at));
  const lines = told([], all);
  assertEquals(lines.length, limits.controllersToldMax + 1);
  assertEquals(lines.at(-1), "Controllers changed: 7 more");
});
