import { checkWay, type WayReading } from "../../../src/report/doctor/way_checks.ts";
import { assert, assertEquals } from "../../assert.ts";

const jumbo: WayReading = {
  address: "10.0.0.1",
  sourceAddress: "10.0.0.9",
  interfaceName: "eth1",
  interfaceMtuBytes: 9000,
  routeMtuBytes: 9000,
  tcp: { sendBytesMax: 8948, receiveBytesMax: 8948, roundTripMs: 0.21 },
  echo: { packetBytes: 9000, small: "back", large: "back" },
};

Deno.test("checkWay() is content where the largest packets come back, and says by where", () => {
  const { group, check, verdict, message } = checkWay(jumbo);
  assertEquals([group, check, verdict], ["network", "way to 10.0.0.1", "ok"]);
  assertEquals(
    message,
    "from 10.0.0.9 on eth1, MTU 9000, segments of 8948, round trip 0.2 ms, echoes of 9000 bytes come back",
  );
});

Deno.test("checkWay() tells a way that swallows what is large", () => {
  for (const large of ["lost", "too-large"] as const) {
    const finding = checkWay({ ...jumbo, echo: { packetBytes: 9000, small: "back", large } });
    assertEquals(finding.verdict, "failure");
    assert(finding.message.startsWith("Packets of 9000 bytes do not get there and back"), finding.message);
    assert(/eth1 \(9000\).*ip link set eth1 mtu 1500/.test(finding.advice!), finding.advice!);
  }
});

Deno.test("checkWay() only warns where TCP has agreed on less than what is lost", () => {
  const finding = checkWay({
    ...jumbo,
    tcp: { sendBytesMax: 1448, receiveBytesMax: 8948, roundTripMs: 20.4 },
    echo: { packetBytes: 9000, small: "back", large: "lost" },
  });
  assertEquals(finding.verdict, "warning");
  assert(/TCP gets by.*1448.*round trip 20 ms/.test(finding.message), finding.message);
});

Deno.test("checkWay() tells that the other side has a smaller MTU", () => {
  const finding = checkWay({ ...jumbo, tcp: { sendBytesMax: 1448, receiveBytesMax: 8948, roundTripMs: 1 } });
  assertEquals(finding.verdict, "warning");
  assert(/1448 bytes a segment, this host 8948/.test(finding.message), finding.message);
});

Deno.test("checkWay() holds nothing against a way that answers no echoes, or over which none may be sent", () => {
  const silent = checkWay({ ...jumbo, echo: { packetBytes: 9000, small: "lost", large: "lost" } });
  assertEquals(silent.verdict, "ok");
  assert(silent.message.endsWith("echoes are not answered"), silent.message);
  const forbidden = checkWay({
    ...jumbo,
    echo: { packetBytes: 9000, small: "forbidden", large: "forbidden" },
  });
  assertEquals(forbidden.verdict, "ok");
  assert(/for root.*ping_group_range/.test(forbidden.message), forbidden.message);
  const bare = {
    ...jumbo,
    interfaceName: null,
    interfaceMtuBytes: null,
    routeMtuBytes: null,
    tcp: null,
    echo: null,
  };
  assertEquals([checkWay(bare).verdict, checkWay(bare).message], ["ok", "from 10.0.0.9"]);
});

Deno.test("checkWay() names a route that has less than its interface, and leaves loopback alone", () => {
  assert(checkWay({ ...jumbo, routeMtuBytes: 1500 }).message.includes("MTU 9000 (1500 that way)"));
  const local = checkWay({
    ...jumbo,
    interfaceName: "lo",
    tcp: { sendBytesMax: 1, receiveBytesMax: 65483, roundTripMs: 0 },
  });
  assertEquals(local.verdict, "ok");
});
