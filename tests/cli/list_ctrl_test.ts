import { controllersObject, controllersTable, isDiscoveryController } from "../../src/cli/list_ctrl.ts";
import type { Controller } from "../../src/model/controller.ts";
import { assertEquals } from "../assert.ts";
import { HostTree } from "./host_tree.ts";
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

Deno.test("isDiscoveryController() goes by the type, and by the name where the kernel tells no type", () => {
  const [one] = controllers;
  const well = "nqn.2014-08.org.nvmexpress.discovery";
  const rows = [
    [{}, false],
    [{ cntrltype: "io" }, false],
    [{ cntrltype: "discovery" }, true],
    [{ subsysnqn: well }, true],
    [{ subsysnqn: well, cntrltype: "discovery" }, true],
    [{ subsysnqn: well, cntrltype: "admin" }, false],
  ] as const;
  for (const [change, expected] of rows) {
    assertEquals(isDiscoveryController({ ...one!, ...change }), expected, JSON.stringify(change));
  }
});

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

Deno.test("list ctrl -d lists discovery controllers alone, by type or, where the kernel tells none, by name", async () => {
  await using tree = await HostTree.make();
  const nqn = "nqn.2016-01.com.example:volumes";
  const wellKnown = "nqn.2014-08.org.nvmexpress.discovery";
  await tree.addController({ name: "nvme0", subsysnqn: nqn, cntrltype: "io" });
  await tree.addController({ name: "nvme1", subsysnqn: nqn, cntrltype: "discovery" });
  await tree.addController({ name: "nvme2", subsysnqn: wellKnown });
  await tree.addController({ name: "nvme3", subsysnqn: nqn });
  await tree.addController({ name: "nvme4", subsysnqn: nqn, transport: "pcie" });
  const names = async (...args: string[]) => {
    const { stdout } = await runIn(["list", "ctrl", ...args], {}, { hostRoot: tree.root });
    return Object.keys(JSON.parse(stdout));
  };
  assertEquals(await names(), ["nvme0", "nvme1", "nvme2", "nvme3", "nvme4"], "Those of PCIe among them");
  assertEquals(await names("-d"), ["nvme1", "nvme2"]);
  assertEquals(await names("--discovery"), ["nvme1", "nvme2"]);
});
