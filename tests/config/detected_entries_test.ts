import { assert, assertEquals } from "../assert.ts";
import { detectEntries } from "../../src/config/detected_entries.ts";
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { formatEntryFile } from "../../src/config/entry_line.ts";
import type { Controller } from "../../src/model/controller.ts";

const options = { subsystemMatch: ["com.lightbitslabs"], discoveryServicePort: 8009 };
const hostnqn = "nqn.2014-08.org.example:host";
const subsysnqn = "nqn.2016-01.com.lightbitslabs:uuid:s";

function controller(fields: Partial<Controller> = {}, traddr = "10.0.0.1"): Controller {
  return {
    name: "nvme10",
    instance: 10,
    transport: "tcp",
    state: "live",
    subsysnqn,
    address: { traddr, trsvcid: "4420" },
    hostnqn,
    hostid: "00112233-4455-6677-8899-AABBCCDDEEFF",
    cntrltype: "io",
    ...fields,
  };
}
const addressesOf = (...controllers: Controller[]) =>
  detectEntries(controllers, options).entries.map((entry) => entry.traddr);

Deno.test("detectEntries() makes an entry of a live I/O controller, its host identifier kept", () => {
  const { entries, skipped } = detectEntries([controller()], { ...options, discoveryServicePort: 8011 });
  assertEquals(skipped, []);
  assertEquals(entries, [{
    cluster: { subsysnqn, hostnqn },
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: 8011,
    hostid: "00112233-4455-6677-8899-aabbccddeeff",
    persistent: false,
    options: {},
  }]);
});

Deno.test("detectEntries() takes any form of address", () => {
  const address = { traddr: "10.0.0.1", trsvcid: "4420", srcAddr: "10.0.0.9", hostTraddr: "10.0.0.9" };
  assertEquals(addressesOf(controller({ address })), ["10.0.0.1"]);
  assertEquals(addressesOf(controller({}, "FE80:0::1%eth0")), ["fe80::1%eth0"]);
  assertEquals(addressesOf(controller({}, "::ffff:10.0.0.1")), ["10.0.0.1"]);
  assertEquals(addressesOf(controller({ cntrltype: undefined, cntlid: 1, hostid: undefined })), ["10.0.0.1"]);
});

Deno.test("detectEntries() gives one entry for each address, host NQN and subsystem NQN", () => {
  const found = addressesOf(
    controller(),
    controller({ name: "nvme11", address: { traddr: "10.0.0.1", trsvcid: "4421" } }),
    controller({}, "::ffff:10.0.0.1"),
    controller({}, "10.0.0.2"),
    controller({ hostnqn: `${hostnqn}2` }),
    controller({ subsysnqn: `${subsysnqn}2` }),
  );
  assertEquals(found, ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.1"]);
});

Deno.test("detectEntries() leaves other controllers alone", () => {
  assertEquals(
    addressesOf(
      controller({ transport: "rdma" }),
      controller({ transport: "pcie" }),
      controller({ cntrltype: "discovery" }),
      controller({ cntrltype: "admin" }),
      controller({ subsysnqn: "nqn.2016-01.com.example:s" }),
    ),
    [],
  );
  const other = controller({ subsysnqn: "nqn.2016-01.com.example:s" });
  assertEquals(
    detectEntries([other], { ...options, subsystemMatch: ["x", "com.example"] }).entries.length,
    1,
  );
  assertEquals(detectEntries([other], { ...options, subsystemMatch: [] }).entries.length, 0);
});

Deno.test("detectEntries() says why a controller cannot be used", () => {
  const rows: [Controller, string][] = [
    [controller({ hostnqn: undefined }), "sysfs does not tell its host NQN"],
    [controller({ hostnqn: "host,x" }), "its host NQN is none"],
    [controller({ hostnqn: "" }), "its host NQN is none"],
    [controller({ subsysnqn: "com.lightbitslabs,x" }), "its subsystem NQN is none"],
    [controller({}, ""), "sysfs does not tell its IP address"],
    [controller({}, "10.0.0.1,x=y"), "sysfs does not tell its IP address"],
  ];
  for (const [bad, part] of rows) {
    const { entries, skipped } = detectEntries([bad, controller()], options);
    assertEquals([entries.length, skipped.map((skip) => skip.controller)], [1, ["nvme10"]]);
    assert(skipped[0]?.reason.startsWith(part), skipped[0]?.reason);
  }
});

Deno.test("what detectEntries() finds can be written and read back", () => {
  const { entries } = detectEntries([controller(), controller({}, "fe80::1%eth0")], options);
  const parsed = parseEntryFile("detected", new TextEncoder().encode(formatEntryFile(entries)));
  assertEquals(parsed.errors, []);
  assertEquals(parsed.entries.map(({ origin: _, ...entry }) => entry), [...entries]);
});
