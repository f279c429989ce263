import { NvmeStatusError, ProtocolError, TimeoutError, TransportError } from "../../../src/base/errors.ts";
import {
  type EndpointExam,
  endpointFinding,
  type PathExam,
  pathFinding,
} from "../../../src/report/doctor/network_checks.ts";
import { assert, assertEquals } from "../../assert.ts";

const step = (name: string, ok = true) => ({ name, ok, ms: 0.5 });
const hostnqn = "nqn.2014-08.org.example:host1";

const well: EndpointExam = {
  label: "10.0.0.1:8009",
  origin: "cluster:1",
  hostnqn,
  steps: ["TCP", "ICResp", "Connect", "Identify", "log"].map((name) => step(name)),
  localAddress: "10.0.0.9",
  localInterface: { name: "eth1", mtu: 9000 },
  log: { generation: "7", records: 3, paths: 2 },
};

function failing(at: string, error: Error): ReturnType<typeof endpointFinding> {
  const names = ["TCP", "ICResp", "Connect", "Identify", "log"];
  const steps = names.slice(0, names.indexOf(at) + 1).map((name) => step(name, name !== at));
  return endpointFinding({ ...well, log: undefined, steps, error });
}

const refusal = (code: string) =>
  new NvmeStatusError(code, `Cannot connect: ${code}`, { status: 0x184, dnr: true, crd: 0 });

Deno.test("endpointFinding() tells a log, where it was seen from, and a log without a path", () => {
  const found = endpointFinding(well);
  assertEquals([found.verdict, found.check], ["ok", "10.0.0.1:8009"]);
  assertEquals(found.message, "log 7 with 3 records, 2 paths (cluster:1; from 10.0.0.9 on eth1, MTU 9000)");
  const empty = endpointFinding({ ...well, log: { generation: "7", records: 1, paths: 0 } });
  assertEquals(empty.verdict, "warning");
  assert(empty.message.includes(hostnqn) && /access list/.test(empty.advice!), empty.message);
});

const rows: [name: string, at: string, error: Error, advice: RegExp][] = [
  ["a port that is closed", "TCP", new TransportError("ECONNREFUSED", "Refused"), /nothing listens.*8009/],
  ["a host without a way to it", "TCP", new TransportError("EHOSTUNREACH", "No way"), /ip route get/],
  ["a node that is silent", "TCP", new TimeoutError("dial", "No answer in 4 s"), /Nothing answers/],
  ["a source that is not ours", "TCP", new TransportError("EADDRNOTAVAIL", "Not ours"), /--host-traddr/],
  ["what accepts and says nothing", "ICResp", new TimeoutError("icresp", "No ICResp"), /TLS|hangs/],
  [
    "what speaks something else",
    "ICResp",
    new ProtocolError("pdu-header", "No PDU"),
    /does not speak NVMe\/TCP/,
  ],
  [
    "large packets that are lost",
    "Identify",
    new TimeoutError("command", "No answer"),
    /eth1 has MTU 9000.*ping -M do -s 8972/,
  ],
  [
    "a host that is not allowed",
    "Connect",
    refusal("invalid-host"),
    /Allow host NQN nqn\.2014-08\.org\.example:host1/,
  ],
  [
    "secrets that are missing",
    "Connect",
    new ProtocolError("authentication-required", "Demands"),
    /dhChapSecret/,
  ],
  [
    "a port for I/O",
    "Identify",
    new ProtocolError("not-discovery", "Of type 1"),
    /Discovery is usually at 8009/,
  ],
  ["a port without discovery", "Connect", refusal("invalid-parameters"), /Discovery is usually at 8009/],
  ["a target that hangs up", "Connect", new TransportError("closed", "Closed"), /its log says why/],
];
for (const [name, at, error, advice] of rows) {
  Deno.test(`endpointFinding() says what to do about ${name}`, () => {
    const found = failing(at, error);
    assertEquals(found.verdict, "failure");
    assert(found.message.includes(error.message) && found.message.includes(`failed at ${at}`), found.message);
    assert(advice.test(found.advice!), found.advice!);
  });
}

const path: PathExam = {
  subsysnqn: "nqn.2024-01.io.example:s1",
  hostnqn,
  traddr: "10.0.0.1",
  trsvcid: 4420,
  steps: [step("TCP"), step("ICResp")],
  isLookedAfter: true,
};

Deno.test("pathFinding() tells a path that is live, and one that is live though its port is dead", () => {
  const live = pathFinding({ ...path, device: "nvme1", state: "live" });
  assertEquals([live.verdict, live.message], ["ok", "live as nvme1"]);
  const error = new TransportError("ECONNREFUSED", "Refused");
  const shaky = pathFinding({ ...path, device: "nvme1", state: "live", error, steps: [step("TCP", false)] });
  assertEquals(shaky.verdict, "warning");
  assert(shaky.message.startsWith("nvme1 is live still"), shaky.message);
});

Deno.test("pathFinding() tells a refusal by its status, and what the agent says", () => {
  const found = pathFinding({ ...path, refusal: refusal("invalid-host"), reason: "EIO" });
  assertEquals(found.verdict, "failure");
  assert(
    found.message.includes("invalid-host") && found.message.includes("the agent says: EIO"),
    found.message,
  );
  assert(/Allow host NQN/.test(found.advice!), found.advice!);
  assertEquals(
    pathFinding({ ...path, refusal: new ProtocolError("authentication-required", "Demands") }).verdict,
    "warning",
  );
});

Deno.test("pathFinding() tells a port that is dead, one that is something else, and a subsystem that is silent", () => {
  const at = (name: string, code: string) => {
    const names = ["TCP", "ICResp", "Connect"];
    const steps = names.slice(0, names.indexOf(name) + 1).map((each) => step(each, each !== name));
    return pathFinding({ ...path, steps, error: new TransportError(code, "Failed") });
  };
  assert(/nothing listens/.test(at("TCP", "ECONNREFUSED").advice!), "dead");
  assert(/does not speak NVMe\/TCP/.test(at("ICResp", "pdu-header").advice!), "something else");
  assert(/subsystem does not: it hangs/.test(at("Connect", "command").advice!), "silent");
});

Deno.test("pathFinding() tells a path that nobody connects from one that the agent fails at, and one on its way", () => {
  const missing = pathFinding({ ...path, isLookedAfter: false });
  assertEquals(missing.verdict, "failure");
  assert(/Nobody connects it/.test(missing.advice!), missing.advice!);
  assert(/rescan/.test(pathFinding(path).advice!), "the agent");
  const connecting = pathFinding({ ...path, device: "nvme2", state: "connecting" });
  assertEquals(connecting.verdict, "failure");
  assert(connecting.message.startsWith("nvme2 is connecting, though its port answers"), connecting.message);
});

Deno.test("endpointFinding() names a port that is not for discovery", () => {
  const wrong = failing("Connect", refusal("invalid-parameters"));
  assert(wrong.message.startsWith("This port speaks NVMe/TCP and is not for discovery: "), wrong.message);
  assert(!failing("Connect", refusal("invalid-host")).message.includes("not for discovery"));
});

Deno.test("pathFinding() names a port that is for discovery, and the state of what the kernel holds", () => {
  const wrong = pathFinding({ ...path, refusal: refusal("invalid-parameters"), isDiscovery: true });
  assert(wrong.message.startsWith("This port answers as a discovery controller: "), wrong.message);
  assert(/I\/O is usually at 4420/.test(wrong.advice!), wrong.advice!);
  const held = pathFinding({
    ...path,
    refusal: refusal("invalid-host"),
    device: "nvme2",
    state: "connecting",
  });
  assert(held.message.endsWith("; nvme2 is connecting"), held.message);
});
