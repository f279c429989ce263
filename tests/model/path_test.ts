import { assert, assertEquals } from "../assert.ts";
import { type Controller, type ControllerState, isKept } from "../../src/model/controller.ts";
import {
  controllerIndexKey,
  isSamePath,
  type Path,
  pathIndexKey,
  pathKey,
  pathLabel,
} from "../../src/model/path.ts";

const hostnqn = "nqn.2014-08.org.example:h";
const subsysnqn = "nqn.2016-01.com.example:s";

function pathOf(fields: Partial<Path> = {}): Path {
  return {
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: 4420,
    subsysnqn,
    hostnqn,
    options: {},
    cluster: { subsysnqn, hostnqn },
    secureChannelRequired: false,
    ...fields,
  };
}

function controllerOf(
  address: Partial<Controller["address"]> = {},
  fields: Partial<Controller> = {},
): Controller {
  return {
    name: "nvme0",
    instance: 0,
    transport: "tcp",
    state: "live",
    subsysnqn,
    hostnqn,
    address: { traddr: "10.0.0.1", trsvcid: "4420", ...address },
    ...fields,
  };
}

const pairs: readonly [what: string, Controller, Path, same: boolean][] = [
  ["plain", controllerOf(), pathOf(), true],
  ["another spelling", controllerOf({ traddr: "::ffff:10.0.0.1" }), pathOf(), true],
  ["IPv6 spelled out", controllerOf({ traddr: "2001:DB8:0:0::1" }), pathOf({ traddr: "2001:db8::1" }), true],
  ["scope shown by both", controllerOf({ traddr: "fe80::1%eth0" }), pathOf({ traddr: "fe80::1%eth0" }), true],
  ["scope wanted, not shown", controllerOf({ traddr: "fe80::1" }), pathOf({ traddr: "fe80::1%eth0" }), true],
  ["scope shown, not wanted", controllerOf({ traddr: "fe80::1%eth0" }), pathOf({ traddr: "fe80::1" }), true],
  ["another scope", controllerOf({ traddr: "fe80::1%eth1" }), pathOf({ traddr: "fe80::1%eth0" }), false],
  ["source not wanted", controllerOf({ srcAddr: "10.0.0.9", hostTraddr: "10.0.0.9" }), pathOf(), true],
  [
    "source wanted",
    controllerOf({ hostTraddr: "10.0.0.9" }),
    pathOf({ options: { hostTraddr: "10.0.0.9" } }),
    true,
  ],
  [
    "source by src_addr",
    controllerOf({ srcAddr: "10.0.0.9" }),
    pathOf({ options: { hostTraddr: "10.0.0.9" } }),
    true,
  ],
  [
    "another source",
    controllerOf({ srcAddr: "10.0.0.8" }),
    pathOf({ options: { hostTraddr: "10.0.0.9" } }),
    false,
  ],
  ["source not told", controllerOf(), pathOf({ options: { hostTraddr: "10.0.0.9" } }), true],
  ["interface", controllerOf({ hostIface: "eth0" }), pathOf({ options: { hostIface: "eth0" } }), true],
  [
    "another interface",
    controllerOf({ hostIface: "eth1" }),
    pathOf({ options: { hostIface: "eth0" } }),
    false,
  ],
  ["interface not told", controllerOf(), pathOf({ options: { hostIface: "eth0" } }), true],
  ["host not told", controllerOf({}, { hostnqn: undefined }), pathOf(), true],
  ["another host", controllerOf({}, { hostnqn: `${hostnqn}2` }), pathOf(), false],
  ["another subsystem", controllerOf({}, { subsysnqn: `${subsysnqn}2` }), pathOf(), false],
  ["another port", controllerOf({ trsvcid: "4421" }), pathOf(), false],
  ["another address", controllerOf({ traddr: "10.0.0.2" }), pathOf(), false],
  ["another transport", controllerOf({}, { transport: "rdma" }), pathOf(), false],
];

Deno.test("isSamePath() knows whether a controller is already the wanted path", () => {
  for (const [what, controller, path, same] of pairs) assertEquals(isSamePath(controller, path), same, what);
});

Deno.test("a controller and every path it serves meet under one index key", () => {
  const serving = pairs.filter(([, , , same]) => same);
  assert(serving.length > 8);
  for (const [what, controller, path] of serving) {
    assertEquals(controllerIndexKey(controller), pathIndexKey(path), what);
  }
});

Deno.test("pathKey() differs with each part of what a path is", () => {
  const others = [
    pathOf({ traddr: "10.0.0.2" }),
    pathOf({ trsvcid: 4421 }),
    pathOf({ subsysnqn: `${subsysnqn}2` }),
    pathOf({ hostnqn: `${hostnqn}2` }),
    pathOf({ options: { hostTraddr: "10.0.0.9" } }),
    pathOf({ options: { hostIface: "eth0" } }),
  ];
  assertEquals(new Set([pathOf(), ...others].map(pathKey)).size, others.length + 1);
  assertEquals(pathKey(pathOf({ hostid: "x", options: { tls: true } })), pathKey(pathOf()));
  assertEquals(pathLabel(pathOf()), `${subsysnqn} at 10.0.0.1:4420`);
});

Deno.test("isKept() counts the states that the kernel leads back to live by itself", () => {
  const kept: Record<ControllerState, boolean> = {
    new: true,
    live: true,
    resetting: true,
    connecting: true,
    deleting: false,
    dead: false,
    unknown: false,
  };
  for (const [state, expected] of Object.entries(kept)) {
    assertEquals(isKept(state as ControllerState), expected, state);
  }
});
