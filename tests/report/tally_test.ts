import { KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { Tally } from "../../src/report/tally.ts";
import { assert, assertEquals } from "../assert.ts";
import { FabricWorld } from "../sim/fabric_world.ts";

function value(tally: Tally, name: string, label = "", suffix?: string): number | undefined {
  const family = tally.families().find((one) => one.name === `discovery_client_${name}`);
  assert(family !== undefined, name);
  return family.samples.find((sample) =>
    sample.suffix === suffix && (label === "" || Object.values(sample.labels ?? {}).join() === label)
  )?.value;
}

Deno.test("Tally counts codes beyond the bound together", () => {
  const tally = new Tally();
  for (let code = 0; code < limits.metricCodesMax + 40; code++) {
    tally.connected({ error: new KernelError(`E${code}`, "Cannot connect") }, 1);
  }
  const family = tally.families().find(({ name }) => name === "discovery_client_connects_total");
  assertEquals(family?.samples.length, limits.metricCodesMax + 1);
  assertEquals(value(tally, "connects_total", "other"), 42);
});

Deno.test("an agent counts what happens to it", async () => {
  const tally = new Tally();
  const world = new FabricWorld({ nodes: 2, subsystems: 2 });
  world.dropFile("cluster", ["n1"]);
  await world.start({ meter: tally });
  await world.untilLive(4, 5_000);
  assertEquals(value(tally, "connects_total", "connected"), 4);
  assertEquals(value(tally, "connect_duration_seconds", "", "_count"), 4);
  assert(value(tally, "reconcile_duration_seconds", "", "_count")! > 3);
  assertEquals(value(tally, "event_to_live_seconds", "", "_count"), 0);
  assertEquals(value(tally, "retries_total", "session"), 0);

  world.fabric.addSubsystem("nqn.2024-01.org.example:late");
  await world.untilLive(6, 5_000);
  await world.memory.clock.advance(1_000);
  assertEquals(value(tally, "event_to_live_seconds", "", "_count"), 2);
  const seconds = value(tally, "event_to_live_seconds", "", "_sum")!;
  assert(seconds > 0 && seconds < 2, `${seconds} s`);

  world.fabric.setNodeDown("n2");
  await world.memory.clock.advance(60_000);
  assert(value(tally, "retries_total", "session")! > 1);
  const failures = tally.families().find(({ name }) => name === "discovery_client_session_failures_total");
  assert(failures!.samples.length > 0);

  assertEquals(value(tally, "file_errors"), 0);
  world.memory.configDir.write("bad", "-t rdma\n-t tcp\n");
  await world.memory.clock.advance(3_000);
  assertEquals(value(tally, "file_errors"), 2);
  await world.stop();
});

Deno.test("an agent counts the questions that it asks I/O ports", async () => {
  const tally = new Tally();
  const world = new FabricWorld({ nodes: 1, subsystems: 1 });
  world.memory.kernel.refuse = "EIO";
  world.dropFile("cluster", ["n1"]);
  await world.start({ meter: tally });
  await world.memory.clock.advance(30_000);
  assert(value(tally, "connects_total", "EIO")! > 1);
  assert(value(tally, "retries_total", "connect")! > 1);
  assert(value(tally, "probes_total", "port,answered")! > 0);
  assert(value(tally, "probes_total", "connect,answered")! > 0);
  assertEquals(
    value(tally, "probe_duration_seconds", "", "_count"),
    ["port,answered", "port,failed", "connect,answered", "connect,failed"].reduce(
      (sum, label) => sum + value(tally, "probes_total", label)!,
      0,
    ),
  );
  await world.stop();
});
