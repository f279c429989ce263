import { KernelError } from "../../src/base/errors.ts";
import { seededRandom } from "../../src/base/random.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { MemoryKernel, type MemoryKernelOptions } from "./memory_kernel.ts";
import type { ConnectAnswer } from "./reachability.ts";
import { VirtualClock } from "./virtual_clock.ts";

const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555555";
const hostid = "11111111-2222-4333-8444-555555555555";
/** The identifier that the kernel in memory made up at its load. */
const kernelHostid = "00000000-dead-4bad-8bad-000000000001";

function connectText(options: Record<string, string | null> = {}, flags = ""): string {
  const all: Record<string, string | null> = {
    transport: "tcp",
    nqn: "nqn.2020-01.com.example:a",
    traddr: "10.0.0.1",
    trsvcid: "4420",
    hostnqn,
    hostid,
    ...options,
  };
  const parts = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) =>
    `${name}=${value}`
  );
  return parts.join(",") + flags;
}

function setUp(options: Partial<MemoryKernelOptions> = {}) {
  const clock = new VirtualClock({ nowMs: 0 });
  /** By address; accepted where nothing stands. */
  const answers = new Map<string, ConnectAnswer>();
  const reachability = {
    connect: ({ traddr }: { traddr: string }) => answers.get(traddr) ?? "accepted" as const,
  };
  const kernel = new MemoryKernel({ clock, reachability, ...options });
  const connect = async (text: string): Promise<string> => {
    let result = "";
    kernel.connect(text).then(({ instance }) => result = `nvme${instance}`, (error) => result = error.code);
    await clock.runUntil(() => result !== "", 60_000);
    return result;
  };
  const states = () => kernel.list().map(({ name, state }) => `${name} ${state}`);
  return { clock, answers, kernel, connect, states };
}

Deno.test("MemoryKernel connects, shows the controller as sysfs does, and takes the lowest free name", async () => {
  const { kernel, connect, clock, states } = setUp({ srcAddr: "10.0.0.200" });
  assertEquals(await connect(connectText()), "nvme0");
  assertEquals(await connect(connectText({ traddr: "10.0.0.2" })), "nvme1");
  const [first] = await kernel.controllers();
  assertEquals(first, {
    name: "nvme0",
    instance: 0,
    transport: "tcp",
    state: "live",
    subsysnqn: "nqn.2020-01.com.example:a",
    address: { traddr: "10.0.0.1", trsvcid: "4420", srcAddr: "10.0.0.200" },
    hostnqn,
    hostid,
    cntlid: 1,
    cntrltype: "io",
  });
  kernel.deleteController("nvme0");
  assertEquals(await connect(connectText({ traddr: "10.0.0.3" })), "nvme0");
  assertEquals(states(), ["nvme0 live", "nvme1 live"]);
  assertEquals(kernel.losses, [
    { name: "nvme0", subsysnqn: "nqn.2020-01.com.example:a", atMs: kernel.losses[0]!.atMs, cause: "deleted" },
  ]);
  kernel.close();
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("MemoryKernel refuses what Linux refuses, with its errno", async () => {
  const rows: [text: string, errno: string][] = [
    ["", "EINVAL"],
    [connectText({}, ",duplicate"), "EINVAL"],
    [connectText({}, ",tls=1"), "EINVAL"],
    [connectText({ nqn: null }), "EINVAL"],
    [connectText({ traddr: null }), "EINVAL"],
    [connectText({ traddr: "node1" }), "EINVAL"],
    [connectText({ trsvcid: "70000" }), "EINVAL"],
    [connectText({ transport: "rdma" }), "EINVAL"],
    [connectText({ hostid: "none" }), "EINVAL"],
    [connectText({ nqn: "n".repeat(223) }), "EINVAL"],
    [connectText({ queue_size: "15" }), "EINVAL"],
    [connectText({ reconnect_delay: "0" }), "EINVAL"],
    [connectText({ ctrl_loss_tmo: "long" }), "EINVAL"],
    [connectText({ dhchap_secret: "secret" }), "EINVAL"],
    [connectText({ host_iface: "x".repeat(4_096) }), "ENOMEM"],
    // One half of the host identity pairs with the kernel's own other half; another's identifier does not fit it.
    [connectText({ hostnqn: null, hostid: kernelHostid }), "nvme0"],
    [connectText({ hostid: kernelHostid }), "EINVAL"],
    [connectText({ hostid: null }), "EINVAL"],
  ];
  for (const [text, errno] of rows) {
    const { connect, kernel } = setUp();
    assertEquals(await connect(text), errno, text.slice(0, 200));
    assertEquals(kernel.list().length, errno.startsWith("nvme") ? 1 : 0);
  }
});

Deno.test("MemoryKernel keeps one hostnqn to one hostid while a controller lives", async () => {
  const { connect, kernel } = setUp();
  const other = connectText({ traddr: "10.0.0.2", hostid: "99999999-2222-4333-8444-555555555555" });
  assertEquals(await connect(connectText()), "nvme0");
  assertEquals(await connect(other), "EINVAL");
  kernel.deleteController("nvme0");
  assertEquals(await connect(other), "nvme0");
});

Deno.test("MemoryKernel says EALREADY by comparing strings", async () => {
  const { connect } = setUp();
  assertEquals(await connect(connectText({ traddr: "fd00::1" })), "nvme0");
  assertEquals(await connect(connectText({ traddr: "fd00::1" })), "EALREADY");
  assertEquals(await connect(connectText({ traddr: "fd00:0::1" })), "nvme1");
  assertEquals(await connect(connectText({ traddr: "fd00::1", host_traddr: "fd00::2" })), "nvme2");
  assertEquals(await connect(connectText({ traddr: "fd00::1" }, ",duplicate_connect")), "nvme3");
});

Deno.test("MemoryKernel: a connect into a black hole holds every other for seconds", async () => {
  const { clock, answers, kernel, states } = setUp();
  answers.set("10.0.0.1", "swallowed");
  const results: string[] = [];
  const note = (name: string) => (value: unknown) =>
    results.push(`${name} ${value instanceof KernelError ? value.code : "ok"} at ${clock.nowMs()}`);
  kernel.connect(connectText()).then(note("dead"), note("dead"));
  kernel.connect(connectText({ traddr: "10.0.0.2" })).then(note("good"), note("good"));
  await clock.advance(2_000);
  assertEquals([states(), results, kernel.inFlight], [["nvme0 connecting"], [], 2]);
  await clock.advance(2_000);
  assertEquals(results, ["dead ETIMEDOUT at 3000", "good ok at 3031"]);
  assertEquals(states(), ["nvme0 live"]);
  assertEquals(kernel.connects.map(({ result, name, startedMs }) => [result, name, startedMs]), [
    ["ETIMEDOUT", "nvme0", 0],
    ["connected", "nvme0", 3_000],
  ]);
});

Deno.test("MemoryKernel tells refusals, missing subsystems, network errors and a missing module", async () => {
  const { connect, answers, kernel } = setUp();
  answers.set("10.0.0.1", "refused").set("10.0.0.2", "denied").set("10.0.0.3", "absent");
  answers.set("10.0.0.4", { errno: "EHOSTUNREACH" });
  const results = [];
  for (const node of [1, 2, 3, 4]) results.push(await connect(connectText({ traddr: `10.0.0.${node}` })));
  assertEquals(results, ["ECONNREFUSED", "EIO", "EIO", "EHOSTUNREACH"]);
  kernel.loaded = false;
  assertEquals(await connect(connectText()), "ENOENT");
  assertEquals((await assertRejects(() => kernel.supportedOptions(), KernelError)).code, "ENOENT");
  kernel.loaded = true;
  assert((await kernel.supportedOptions())!.has("host_iface"));
  kernel.readError = "EIO";
  await assertRejects(() => kernel.controllers(), KernelError, "sysfs");
});

Deno.test("MemoryKernel with fewer tokens refuses the newer ones; an old one tells none", async () => {
  const { connect, kernel } = setUp({
    tokens: ["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid"],
  });
  assertEquals((await kernel.supportedOptions())!.size, 6);
  assertEquals(await connect(connectText({}, ",tls")), "EINVAL");
  assertEquals(await connect(connectText()), "nvme0");
  assertEquals(await setUp({ tokens: null }).kernel.supportedOptions(), null);
});

Deno.test("MemoryKernel loses, reconnects and gives up controllers by itself", async () => {
  const { clock, answers, connect, kernel, states } = setUp();
  await connect(connectText({ ctrl_loss_tmo: "20", reconnect_delay: "5" }));
  answers.set("10.0.0.1", "denied");
  await clock.advance(10_000);
  assertEquals(states(), ["nvme0 live"]);
  answers.set("10.0.0.1", "swallowed");
  await clock.advance(5_000);
  assertEquals(states(), ["nvme0 connecting"]);
  answers.clear();
  await clock.advance(5_000);
  assertEquals(states(), ["nvme0 live"]);
  answers.set("10.0.0.1", "absent");
  kernel.checkConnections();
  assertEquals(states(), ["nvme0 connecting"]);
  await clock.advance(19_999);
  assertEquals(states(), ["nvme0 connecting"]);
  await clock.advance(1);
  assertEquals([states(), kernel.losses.map(({ cause }) => cause)], [[], ["expired"]]);
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("MemoryKernel hints at changes, late or never when told so", async () => {
  const { clock, kernel } = setUp();
  let hints = 0;
  const closer = kernel.watch(() => hints++);
  const name = kernel.addController(connectText());
  await clock.advance(0);
  assert(hints > 0);
  kernel.dropHints = true;
  const before = hints;
  kernel.loseConnection(name);
  await clock.advance(0);
  assertEquals(hints, before);
  kernel.dropHints = false;
  kernel.hintDelayMs = 500;
  kernel.deleteController(name);
  await clock.advance(499);
  assertEquals(hints, before);
  await clock.advance(1);
  assertEquals(hints, before + 1);
  closer.close();
  assertEquals(kernel.watchers, 0);
});

Deno.test("MemoryKernel: slow, busy and refusing, and well again", async () => {
  const { clock, kernel, connect } = setUp();
  const timed = async (traddr: string) => {
    const startMs = clock.nowMs();
    return [await connect(connectText({ traddr })), clock.nowMs() - startMs];
  };
  assertEquals(await timed("10.0.0.1"), ["nvme0", 31]);
  kernel.connectFactor = 10;
  assertEquals(await timed("10.0.0.2"), ["nvme1", 310]);
  kernel.connectFactor = 1;
  kernel.extraMs = 500;
  assertEquals(await timed("10.0.0.3"), ["nvme2", 531]);
  assertEquals(kernel.connects[2]!.startedMs - kernel.connects[2]!.writtenMs, 500);
  kernel.extraMs = 0;
  kernel.refuse = "ENOMEM";
  assertEquals(await timed("10.0.0.4"), ["ENOMEM", 31]);
  assertEquals(await timed("10.0.0.1"), ["EALREADY", 0]);
  kernel.refuse = null;
  assertEquals(await timed("10.0.0.4"), ["nvme3", 31]);
  assertEquals(kernel.list().length, 4);
});

Deno.test("MemoryKernel: a slow sysfs answers what was there when it was asked", async () => {
  const { clock, kernel } = setUp();
  kernel.readMs = 50;
  let found: string[] | null = null;
  kernel.controllers().then((controllers) => found = controllers.map(({ name }) => name));
  await clock.advance(10);
  kernel.addController(connectText());
  await clock.advance(39);
  assertEquals(found, null);
  await clock.advance(1);
  assertEquals(found, []);
});

Deno.test("MemoryKernel: a torn sysfs lacks attributes of what is being made, and of nothing else", async () => {
  const { clock, kernel, answers } = setUp({ random: seededRandom(5) });
  const standing = kernel.addController(connectText({ traddr: "10.0.0.9" }));
  answers.set("10.0.0.1", "swallowed");
  kernel.connect(connectText()).catch(() => {});
  await clock.advance(10);
  const whole = JSON.stringify(kernel.list()[1]);
  assertEquals(JSON.stringify((await kernel.controllers())[1]), whole);
  kernel.tornSysfs = true;
  const seen = new Set<string>();
  let absent = 0;
  for (let read = 0; read < 500; read++) {
    const [first, second, ...more] = await kernel.controllers();
    assertEquals([first, more.length], [kernel.list()[0], 0]);
    if (second === undefined) absent++;
    else seen.add(JSON.stringify(second));
  }
  assert(absent > 0 && seen.size > 20 && seen.has(whole), `${seen.size} pictures, ${absent} without`);
  for (const text of seen) {
    const { name, state, subsysnqn } = JSON.parse(text);
    assert(name === "nvme1" && ["new", "connecting"].includes(state));
    assert(["", "nqn.2020-01.com.example:a"].includes(subsysnqn));
  }
  kernel.deleteController(standing);
});

Deno.test("MemoryKernel gives new numbers while it renumbers", async () => {
  const { kernel, connect } = setUp();
  assertEquals(await connect(connectText()), "nvme0");
  kernel.deleteController("nvme0");
  kernel.renumbers = true;
  assertEquals(await connect(connectText()), "nvme1");
  kernel.deleteController("nvme1");
  assertEquals(await connect(connectText()), "nvme2");
  kernel.renumbers = false;
  assertEquals(await connect(connectText({ traddr: "10.0.0.2" })), "nvme0");
});

Deno.test("MemoryKernel without its module has no controller, and fails what is under way", async () => {
  const { clock, kernel, connect, states } = setUp();
  assertEquals(await connect(connectText()), "nvme0");
  const results: string[] = [];
  for (const traddr of ["10.0.0.2", "10.0.0.3"]) {
    kernel.connect(connectText({ traddr })).catch((error) => results.push(error.code));
  }
  await clock.advance(10);
  kernel.removeModule();
  assertEquals([states(), kernel.loaded], [[], false]);
  assertEquals(kernel.losses.map(({ name, cause }) => `${name} ${cause}`), [
    "nvme0 unloaded",
    "nvme1 unloaded",
  ]);
  await clock.advance(100);
  assertEquals(results, ["EIO", "ENODEV"]);
  kernel.loadModule();
  assertEquals(await connect(connectText()), "nvme0");
  kernel.close();
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("MemoryKernel: a number that is another's by now does not become live by an old connect", async () => {
  const { clock, kernel, states } = setUp();
  let result = "";
  kernel.connect(connectText()).catch((error) => result = error.code);
  await clock.advance(10);
  kernel.deleteController("nvme0");
  kernel.addController(connectText({ traddr: "10.0.0.2" }));
  await clock.advance(100);
  assertEquals([result, states(), kernel.losses.length], ["EIO", ["nvme0 live"], 1]);
});

Deno.test("MemoryKernel tells the connects of one run from those of another", async () => {
  const { clock, kernel, answers } = setUp();
  answers.set("10.0.0.1", "swallowed");
  kernel.run = 1;
  kernel.connect(connectText()).catch(() => {});
  kernel.run = 2;
  for (const traddr of ["10.0.0.2", "10.0.0.3"]) void kernel.connect(connectText({ traddr }));
  await clock.advance(100);
  assertEquals([kernel.inFlightOf(1), kernel.inFlightOf(2), kernel.inFlight], [1, 2, 3]);
  await clock.advance(3_500);
  assertEquals([kernel.inFlight, kernel.connects.map(({ run }) => run)], [0, [1, 2, 2]]);
});

Deno.test("MemoryKernel says in its log why a connect failed, and the error repeats it; unless nobody may read it", async () => {
  const { kernel, clock } = setUp();
  kernel.refuse = "EIO";
  const failure = async () => {
    const failing = assertRejects(() => kernel.connect(connectText()), KernelError);
    await clock.advance(5_000);
    return (await failing).message;
  };
  const words = 'the kernel says: Connect Invalid Data Parameter, subsysnqn "nqn.2020-01.com.example:a"';
  assert((await failure()).endsWith(words));
  kernel.log.readable = false;
  assert((await failure()).endsWith("EIO; the kernel's log, dmesg, may say why"));
  assertEquals(kernel.log.listeners, 0);
});
