import type { Controller } from "../../../src/model/controller.ts";
import type { Path } from "../../../src/model/path.ts";
import { checkControllers } from "../../../src/report/doctor/controller_checks.ts";
import { assert, assertEquals } from "../../assert.ts";

const hostnqn = "nqn.2014-08.org.example:host1";
const subsysnqn = "nqn.2024-01.io.example:s1";

const path: Path = {
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: 4420,
  subsysnqn,
  hostnqn,
  options: {},
  cluster: { subsysnqn: "nqn.2024-01.io.example:c", hostnqn },
  secureChannelRequired: false,
};

function controller(change: Partial<Controller> = {}): Controller {
  const address = { traddr: "10.0.0.1", trsvcid: "4420" };
  return {
    name: "nvme3",
    instance: 3,
    transport: "tcp",
    state: "live",
    subsysnqn,
    address,
    hostnqn,
    ...change,
  };
}

function check(controllers: readonly Controller[], isComplete = true) {
  return checkControllers({ controllers, named: [path], isComplete }).map(({ verdict, message }) =>
    `${verdict}: ${message}`
  );
}

Deno.test("checkControllers() is content with what logs name, and with none", () => {
  assertEquals(check([controller()]), ["ok: 1 over TCP, each named by a log"]);
  assertEquals(check([]), ["ok: None over TCP"]);
  assertEquals(check([controller({ transport: "pcie" }), controller({ cntrltype: "discovery" })]), [
    "ok: None over TCP",
  ]);
});

Deno.test("checkControllers() tells what no log names: live is somebody else's, dead is a warning", () => {
  const away = { address: { traddr: "10.0.0.9", trsvcid: "4420" } };
  assertEquals(check([controller(away)]), [
    "ok: live as nvme3, named by no log: somebody else's, and left alone",
  ]);
  const [gone] = check([controller({ ...away, state: "connecting" })]);
  assert(/^warning: nvme3 is connecting, and no log names it any more/.test(gone!), gone);
});

Deno.test("checkControllers() tells who has a path under another host NQN or address", () => {
  const [other] = check([controller({ hostnqn: "nqn.other" })]);
  assert(/^warning: nvme3 is connected \(live\) as host NQN nqn\.other/.test(other!), other);
});

Deno.test("checkControllers() judges nothing while a log is missing", () => {
  const [unknown] = check([controller({ subsysnqn: "nqn.elsewhere" })], false);
  assert(/^skipped: 1 of 1 are named by no log that could be read/.test(unknown!), unknown);
});
