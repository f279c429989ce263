import { controllersObject, controllersTable } from "../../src/cli/list_ctrl.ts";
import type { Controller } from "../../src/model/controller.ts";
import { assertEquals } from "../assert.ts";
import { runIn } from "./memory_environment.ts";

const controllers: readonly Controller[] = [{
  name: "nvme0",
  instance: 0,
  transport: "tcp",
  state: "live",
  subsysnqn: "nqn.2016-01.com.example:a",
  address: { traddr: "10.0.0.1", trsvcid: "4420", hostTraddr: "10.0.0.9", srcAddr: "10.0.0.8" },
}, {
  name: "nvme10",
  instance: 10,
  transport: "fc",
  state: "connecting",
  subsysnqn: "nqn.2016-01.com.example:b",
  address: { traddr: "nn-0x1:pn-0x2", trsvcid: "none" },
}];

Deno.test("controllersObject() has exactly the predecessor's names and State", () => {
  assertEquals(controllersObject(controllers), {
    nvme0: {
      Traddr: "10.0.0.1",
      Trsvcid: 4420,
      Transport: "tcp",
      Subsysnqn: "nqn.2016-01.com.example:a",
      HostTraddr: "10.0.0.9",
      Device: "/dev/nvme0",
      State: "live",
    },
    nvme10: {
      Traddr: "nn-0x1:pn-0x2",
      Trsvcid: 0,
      Transport: "fc",
      Subsysnqn: "nqn.2016-01.com.example:b",
      HostTraddr: "",
      Device: "/dev/nvme10",
      State: "connecting",
    },
  });
});

Deno.test("controllersTable() has a row a controller", () => {
  const [header = "", ...rows] = controllersTable(controllers).trimEnd().split("\n");
  assertEquals(header.split(/\s+/), [
    "DEVICE",
    "STATE",
    "TRANSPORT",
    "TRADDR",
    "TRSVCID",
    "HOST-TRADDR",
    "SUBSYSNQN",
  ]);
  assertEquals(rows.length, 2);
});

Deno.test("list ctrl answers with JSON on any host", async () => {
  const { status, stdout, stderr } = await runIn(["list", "ctrl"]);
  assertEquals([status, stderr], [0, ""]);
  for (const [name, one] of Object.entries(JSON.parse(stdout) as Record<string, { Device: string }>)) {
    assertEquals(one.Device, `/dev/${name}`);
  }
});
