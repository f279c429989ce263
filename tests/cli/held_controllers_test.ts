/** Which controllers may go: a table of hosts, and what is asked. */
import { heldControllers } from "../../src/cli/held_controllers.ts";
import type { Controller, ControllerState } from "../../src/model/controller.ts";
import { assert, assertEquals } from "../assert.ts";

function controller(instance: number, state: ControllerState = "live"): Controller {
  return {
    name: `nvme${instance}`,
    instance,
    transport: "tcp",
    state,
    subsysnqn: "nqn.2016-01.com.example:volumes",
    address: { traddr: "10.0.0.1", trsvcid: "4420" },
  };
}

/** `0:1 1:1!` is nvme0 and nvme1 serving nvme9n1, the second without being able to; `held` names namespaces. */
interface Row {
  readonly what: string;
  readonly paths: string;
  readonly held: readonly number[];
  readonly asked: readonly number[];
  readonly notLive?: readonly number[];
  readonly kept: readonly number[];
}

const rows: readonly Row[] = [
  { what: "nobody holds anything", paths: "0:1 1:1", held: [], asked: [0, 1], kept: [] },
  { what: "the only path", paths: "0:1", held: [1], asked: [0], kept: [0] },
  { what: "another live path", paths: "0:1 1:1", held: [1], asked: [0], kept: [] },
  { what: "another path that is not live", paths: "0:1 1:1", held: [1], asked: [0], notLive: [1], kept: [0] },
  { what: "another live path that ANA bars", paths: "0:1 1:1!", held: [1], asked: [0], kept: [0] },
  { what: "all paths asked: all stay", paths: "0:1 1:1 2:1", held: [1], asked: [0, 1, 2], kept: [0, 1, 2] },
  {
    what: "one that is not live, while another serves",
    paths: "0:1 1:1",
    held: [1],
    asked: [0],
    notLive: [0],
    kept: [],
  },
  { what: "the only path, on its way back", paths: "0:1", held: [1], asked: [0], notLive: [0], kept: [0] },
  { what: "another namespace is held", paths: "0:1 1:2", held: [2], asked: [0], kept: [] },
  { what: "one of two namespaces is held", paths: "0:1 0:2 1:1", held: [2], asked: [0, 1], kept: [0] },
  { what: "both namespaces, one path each", paths: "0:1 1:2", held: [1, 2], asked: [0, 1], kept: [0, 1] },
];

Deno.test("heldControllers() keeps the last ways to a device that somebody holds", () => {
  for (const { what, paths, held, asked, notLive = [], kept } of rows) {
    const all = [0, 1, 2].map((at) => controller(at, notLive.includes(at) ? "connecting" : "live"));
    const use = {
      paths: paths.split(" ").map((text) => {
        const [at, namespace = ""] = text.split(":");
        return {
          controller: `nvme${at}`,
          device: `nvme9n${namespace.replace("!", "")}`,
          usable: !namespace.endsWith("!"),
        };
      }),
      held: new Map(held.map((namespace) => [`nvme9n${namespace}`, ["mounted at /mnt"]])),
    };
    const found = heldControllers(asked.map((at) => all[at]!), all, use);
    assertEquals([...found.keys()], kept.map((at) => `nvme${at}`), what);
  }
});

Deno.test("heldControllers() names each device and who holds it, of many a few", () => {
  const one = controller(0);
  const holders = Array.from({ length: 6 }, (_, at) => `mounted at /mnt/${at}`);
  const use = {
    paths: [1, 2].map((namespace) => ({ controller: "nvme0", device: `nvme0n${namespace}`, usable: true })),
    held: new Map([["nvme0n1", holders], ["nvme0n2", ["held by dm-0"]]]),
  };
  const reason = heldControllers([one], [one], use).get("nvme0") ?? "";
  assert(reason.startsWith("it serves nvme0n1 (mounted at /mnt/0, "), reason);
  assert(reason.includes(" and 2 more), nvme0n2 (held by dm-0), which no other live path"), reason);
});
