import { ConnectRunner } from "../../src/agent/connect_runner.ts";
import { errorText, KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { Secret } from "../../src/base/secret.ts";
import type { Kernel } from "../../src/model/world.ts";
import type { Facts } from "../../src/plan/facts.ts";
import { derivedHostId } from "../../src/plan/host_identity.ts";
import { assert, assertEquals } from "../assert.ts";
import { facts } from "../plan/fact_samples.ts";
import { controller, hostid, wanted } from "../plan/path_samples.ts";
import { MemoryLog } from "../sim/memory_log.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const other = "99999999-4455-6677-8899-aabbccddeeff";

const silentKernel: Kernel = {
  connect: () => Promise.reject(new KernelError("EIO", "Nobody asked")),
  supportedOptions: () => Promise.resolve(null),
  controllers: () => Promise.resolve([]),
  watch: () => ({ close: () => {} }),
};

/** A kernel that answers every connect with this. */
function setUp(change: Partial<Facts>, answer: KernelError | { instance: number; cntlid: number }) {
  const texts: string[] = [];
  const kernel: Kernel = {
    ...silentKernel,
    connect: (text) => {
      texts.push(text);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const log = new MemoryLog(new VirtualClock());
  const policy = { dryRun: false, connectDefaults: {}, hostid };
  return { texts, log, runner: new ConnectRunner({ kernel, log }, facts({ policy, ...change })) };
}

const yes = { instance: 4, cntlid: 1 };
const one = wanted("10.0.1.1");

Deno.test("ConnectRunner tells the device of a path the kernel connected", async () => {
  const { runner, texts } = setUp({}, yes);
  assertEquals(await runner.connect(one), { ok: true, already: false, device: "nvme4" });
  assertEquals(texts.length, 1);
  assert(texts[0]!.includes(`,hostid=${hostid}`), texts[0]);
});

Deno.test("ConnectRunner takes EALREADY for success", async () => {
  const { runner } = setUp({}, new KernelError("EALREADY", "Already"));
  assertEquals(await runner.connect(one), { ok: true, already: true });
});

Deno.test("ConnectRunner connects under the identity in force, and says once that it is another", async () => {
  const lives = { list: [controller({ hostid: other, address: { traddr: "10.9.9.9" } })], readAtMs: 0 };
  const { runner, texts, log } = setUp({ controllers: lives }, yes);
  const asked = { ...one, path: { ...one.path, hostid } };
  await runner.connect(asked);
  await runner.connect(asked);
  assert(texts.every((text) => text.includes(`,hostid=${other}`)), texts[0]);
  const told = log.find("in force", "warn");
  assertEquals(told.length, 1);
  // Both values, who holds the other, and the way out.
  const text = JSON.stringify(told);
  for (const part of [hostid, other, lives.list[0]!.name, `-I ${other}`]) assert(text.includes(part), text);
});

Deno.test("ConnectRunner goes by the controllers as they are now, not as they were", async () => {
  const list = [controller({ hostid: other, transport: "rdma" })];
  const changing = {
    ...facts({ policy: { dryRun: false, connectDefaults: {}, hostid } }),
    controllers: { list, readAtMs: 0 },
  };
  const texts: string[] = [];
  const kernel = { ...silentKernel, connect: (text: string) => Promise.resolve((texts.push(text), yes)) };
  const runner = new ConnectRunner({ kernel, log: new MemoryLog(new VirtualClock()) }, changing);
  await runner.connect(one);
  changing.controllers = { list: [], readAtMs: 1 };
  await runner.connect(one);
  assertEquals(texts.map((text) => /,hostid=([^,]*)/.exec(text)?.[1]), [other, hostid]);
});

Deno.test("ConnectRunner takes the machine's identifier where there is no file", async () => {
  const policy = { dryRun: false, connectDefaults: {}, hostid: null, fallbackHostid: other };
  const { runner, texts } = setUp({ policy }, yes);
  await runner.connect({ ...one, path: { ...one.path, hostnqn: "nqn.2024-01.io.example:plain" } });
  assert(texts[0]!.includes(`,hostid=${other}`), texts[0]);
});

Deno.test("ConnectRunner explains an EINVAL by the pairing that the kernel holds", async () => {
  const list = [controller({ hostnqn: "nqn.2024-01.io.example:other", hostid })];
  const { runner } = setUp({ controllers: { list, readAtMs: 0 } }, new KernelError("EINVAL", "Invalid"));
  const outcome = await runner.connect({ ...one, path: { ...one.path, hostid } });
  assert(!outcome.ok);
  assert(/belongs to host NQN .*other.*: Invalid/.test(errorText(outcome.error)), errorText(outcome.error));
});

Deno.test("ConnectRunner gives the kernel's own words where nothing explains them", async () => {
  for (const code of ["EINVAL", "EIO"]) {
    const error = new KernelError(code, "The kernel's words");
    const { runner } = setUp({}, error);
    assertEquals(await runner.connect(one), { ok: false, error });
  }
});

Deno.test("ConnectRunner does not blame a pairing for a value that cannot be written, and asks no kernel", async () => {
  const list = [controller({ hostnqn: "nqn.2024-01.io.example:other", hostid })];
  const { runner, texts } = setUp({ controllers: { list, readAtMs: 0 } }, yes);
  const outcome = await runner.connect(wanted("10.0.1.1", one.path.subsysnqn, { hostIface: "a,b" }));
  assert(!outcome.ok && outcome.error.message.includes("host_iface"));
  assertEquals(texts, []);
});

Deno.test("ConnectRunner says once which options are left out, and never a secret", async () => {
  const options = new Set("transport nqn traddr trsvcid hostnqn hostid dhchap_secret".split(" "));
  const { runner, log } = setUp({ kernel: { present: true, failure: null, options } }, yes);
  log.forbid("hush");
  const path = wanted("10.0.1.1", one.path.subsysnqn, {
    hostIface: "eth0",
    dhchapSecret: new Secret("hush"),
  });
  await runner.connect(path);
  await runner.connect(path);
  assertEquals([log.find("host_iface", "warn").length, log.violations], [1, []]);
});

Deno.test("ConnectRunner tells so many different warnings, and once that there are more", async () => {
  const lives = { list: [controller({ hostid: other, address: { traddr: "10.9.9.9" } })], readAtMs: 0 };
  const { runner, log } = setUp({ controllers: lives }, yes);
  for (let number = 1; number <= limits.toldOnceMax + 5; number++) {
    const asked = `00112233-4455-6677-8899-${String(number).padStart(12, "0")}`;
    await runner.connect({ ...one, path: { ...one.path, hostid: asked } });
  }
  assertEquals(log.find("in force", "warn").length, limits.toldOnceMax);
  assertEquals(log.find("no further one is told", "warn").length, 1);
});

Deno.test("ConnectRunner gives way where another NQN holds the host's own identifier, and says so once", async () => {
  const list = [controller({ hostnqn: "nqn.2024-01.io.example:other", hostid })];
  const policy = { dryRun: false, connectDefaults: {}, hostid };
  const { runner, texts, log } = setUp({ controllers: { list, readAtMs: 0 }, policy }, yes);
  const path = { ...one.path, hostnqn: "nqn.2024-01.io.example:plain" };
  for (let time = 0; time < 2; time++) await runner.connect({ ...one, path });
  const written = texts.map((text) => /,hostid=([^,]*)/.exec(text)?.[1]);
  assertEquals(written, [derivedHostId(path.hostnqn, hostid), derivedHostId(path.hostnqn, hostid)]);
  assertEquals(log.find("goes by host ID", "warn").length, 1);
});
