import { parseControllerAddress } from "../../src/io/sysfs.ts";
import { formatConnectString } from "../../src/plan/connect_string.ts";
import { assert, assertEquals } from "../assert.ts";
import { fc } from "../property.ts";
import { fabricsTokens, parseFabricsOptions } from "../sim/fabrics_options.ts";
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

const here = "traddr=10.0.0.1,trsvcid=4420";
const bySource = { hostTraddr: "10.0.0.9" };
const byInterface = { hostIface: "eth0" };
const byBoth = { ...bySource, ...byInterface };

/**
 * The `address` attribute as kernels write it. `src_addr` came with 6.1 (nvme_tcp_get_address) and is there while the
 * admin queue is live; `host_traddr` and `host_iface` (5.14) are there when the connect named them, and only then.
 */
const shown: readonly [kernel: string, attribute: string, options: Path["options"], same: boolean][] = [
  ["5.10, by hand without a source", `${here}\n`, bySource, true],
  ["5.10, our source", `${here},host_traddr=10.0.0.9\n`, bySource, true],
  ["5.10, another source", `${here},host_traddr=10.0.0.8\n`, bySource, false],
  ["5.10, which cannot tell interfaces", `${here},host_traddr=10.0.0.9\n`, byBoth, true],
  ["6.1, nothing wanted", `${here},src_addr=10.0.0.9\n`, {}, true],
  [
    "6.1, nothing wanted, made with all",
    `${here},host_traddr=10.0.0.9,host_iface=eth0,src_addr=10.0.0.9\n`,
    {},
    true,
  ],
  ["6.1, by hand, the routes chose our source", `${here},src_addr=10.0.0.9\n`, bySource, true],
  ["6.1, by hand, the routes chose another", `${here},src_addr=10.0.0.8\n`, bySource, false],
  ["6.1, by hand, on its way back", `${here}\n`, bySource, true],
  ["6.1, our source, on its way back", `${here},host_traddr=10.0.0.9\n`, bySource, true],
  [
    "6.1, the source said counts, not the one shown",
    `${here},host_traddr=10.0.0.8,src_addr=10.0.0.9\n`,
    bySource,
    false,
  ],
  ["6.12, our interface", `${here},host_iface=eth0,src_addr=10.0.0.9\n`, byInterface, true],
  ["6.12, another interface", `${here},host_iface=eth1,src_addr=10.0.0.9\n`, byInterface, false],
  ["6.12, by hand, any interface", `${here},src_addr=10.0.0.9\n`, byInterface, true],
  ["6.12, both", `${here},host_traddr=10.0.0.9,host_iface=eth0,src_addr=10.0.0.9\n`, byBoth, true],
  ["6.12, our source, another interface", `${here},host_traddr=10.0.0.9,host_iface=eth1\n`, byBoth, false],
  ["6.12, our interface, another source", `${here},host_iface=eth0,src_addr=10.0.0.8\n`, byBoth, false],
];

for (const [kernel, attribute, options, same] of shown) {
  Deno.test(`isSamePath() ${same ? "takes" : "refuses"} what Linux shows: ${kernel}`, () => {
    const address = parseControllerAddress(attribute);
    assertEquals(isSamePath(controllerOf(address), pathOf({ options })), same);
  });
}

Deno.test("isSamePath() knows a link-local source, which src_addr shows without its scope", () => {
  const address = parseControllerAddress("traddr=fe80::1%eth0,trsvcid=4420,src_addr=fe80::9");
  for (const [hostTraddr, same] of [["fe80::9%eth0", true], ["fe80::8%eth0", false]] as const) {
    const path = pathOf({ traddr: "fe80::1%eth0", options: { hostTraddr } });
    assertEquals(isSamePath(controllerOf(address), path), same, hostTraddr);
  }
});

Deno.test("property: a controller made by our own connect is the path it was made for, on every kernel and in every state", () => {
  const hostid = "00112233-4455-6677-8899-aabbccddeeff";
  const options = fc.record({
    hostTraddr: fc.constantFrom("10.0.0.9", "fd00::9", "fe80::9%eth0"),
    hostIface: fc.constantFrom("eth0", "bond0.7"),
  }, { requiredKeys: [] });
  const old = ["host_iface", "host_traddr"];
  const tokens = fc.subarray(old).map((unknown) =>
    new Set(fabricsTokens.filter((it) => !unknown.includes(it)))
  );
  const traddr = fc.constantFrom("10.0.0.1", "fd00::1", "fe80::1%eth0");
  fc.assert(fc.property(traddr, options, tokens, fc.boolean(), (to, options, known, isLive) => {
    const path = pathOf({ traddr: to, options });
    const { text } = formatConnectString(path, hostid, {}, known);
    const made = parseFabricsOptions(text, known, { hostnqn, hostid });
    // The source is what was asked for; without, the routes choose.
    const source = options.hostTraddr?.replace(/%.*/, "") ?? "10.0.0.77";
    const attribute = [
      `traddr=${made.traddr},trsvcid=${made.trsvcid}`,
      ...made.hostTraddr === undefined ? [] : [`host_traddr=${made.hostTraddr}`],
      ...made.hostIface === undefined ? [] : [`host_iface=${made.hostIface}`],
      ...isLive && made.hostTraddr !== undefined ? [`src_addr=${source}`] : [],
    ].join(",");
    const controller = controllerOf(parseControllerAddress(`${attribute}\n`));
    assert(isSamePath(controller, path), attribute);
    assertEquals(controllerIndexKey(controller), pathIndexKey(path));
  }));
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
