import { KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import {
  ControllerReader,
  parseController,
  parseControllerAddress,
  readControllers,
} from "../../src/io/sysfs.ts";
import type { Controller } from "../../src/model/controller.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

type Attributes = Readonly<Record<string, string>>;

const tcp: Attributes = {
  state: "live",
  transport: "tcp",
  subsysnqn: "nqn.2016-01.com.example:sub1",
  address: "traddr=10.0.0.1,trsvcid=4420,src_addr=10.0.0.9",
  hostnqn: "nqn.2014-08.org.nvmexpress:uuid:0D2F6CB6-0000-4000-8000-000000000001",
  hostid: "0D2F6CB6-0000-4000-8000-000000000001",
  cntlid: "7",
  cntrltype: "io",
};

/** A directory like /sys/class/nvme: links to the devices' directories. */
class SysfsTree {
  readonly root: string;
  readonly #base: string;
  #made = 0;

  constructor() {
    this.#base = Deno.makeTempDirSync();
    this.root = `${this.#base}/class`;
    Deno.mkdirSync(this.root);
  }

  add(name: string, attributes: Attributes): void {
    const device = `${this.#base}/device${this.#made++}`;
    Deno.mkdirSync(device);
    for (const [key, value] of Object.entries(attributes)) {
      Deno.writeTextFileSync(`${device}/${key}`, `${value}\n`);
    }
    Deno.symlinkSync(device, `${this.root}/${name}`);
  }

  write(name: string, attribute: string, value: string): void {
    Deno.writeTextFileSync(`${this.root}/${name}/${attribute}`, `${value}\n`);
  }

  remove(name: string): void {
    Deno.removeSync(`${this.root}/${name}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#base, { recursive: true });
  }
}

const namesOf = (controllers: Controller[]) => controllers.map(({ name }) => name);

Deno.test("readControllers() reads what the kernel shows, trimmed", async () => {
  using tree = new SysfsTree();
  tree.add("nvme0", tcp);
  assertEquals(await readControllers(tree.root), [{
    name: "nvme0",
    instance: 0,
    transport: "tcp",
    state: "live",
    subsysnqn: "nqn.2016-01.com.example:sub1",
    address: { traddr: "10.0.0.1", trsvcid: "4420", srcAddr: "10.0.0.9" },
    hostnqn: "nqn.2014-08.org.nvmexpress:uuid:0D2F6CB6-0000-4000-8000-000000000001",
    hostid: "0d2f6cb6-0000-4000-8000-000000000001",
    cntlid: 7,
    cntrltype: "io",
  }]);
});

Deno.test("readControllers() sorts by instance and leaves out what is no controller", async () => {
  using tree = new SysfsTree();
  for (const name of ["nvme10", "nvme9", "nvme-subsys0", "nvme9n1", "nvme9c9n1", "nvme", "ng0n1"]) {
    tree.add(name, tcp);
  }
  assertEquals(namesOf(await readControllers(tree.root)), ["nvme9", "nvme10"]);
});

Deno.test("readControllers() gives none without the class directory, and tells of one that is no directory", async () => {
  assertEquals(await readControllers("/nowhere/nvme"), []);
  const error = await assertRejects(() => readControllers("/dev/null"), KernelError, "Cannot list /dev/null");
  assertEquals(error.code, "ENOTDIR");
});

Deno.test("readControllers() knows every state", async () => {
  const states: [string, string][] = [
    ["new", "new"],
    ["live", "live"],
    ["resetting", "resetting"],
    ["connecting", "connecting"],
    ["deleting", "deleting"],
    ["deleting (no IO)", "deleting"],
    ["dead", "dead"],
    ["unknown state", "unknown"],
    ["only-admin", "unknown"],
  ];
  using tree = new SysfsTree();
  states.forEach(([text], at) => tree.add(`nvme${at}`, { ...tcp, state: text }));
  const controllers = await readControllers(tree.root);
  assertEquals(controllers.map(({ state }) => state as string), states.map(([, state]) => state));
});

Deno.test("readControllers() keeps other transports", async () => {
  using tree = new SysfsTree();
  tree.add("nvme0", {
    state: "live",
    transport: "pcie",
    subsysnqn: "nqn.2014-08.org.nvmexpress:8086",
    address: "0000:00:1f.0",
  });
  const [controller] = await readControllers(tree.root);
  assertEquals(controller?.transport, "pcie");
  assertEquals(controller?.address, { traddr: "0000:00:1f.0", trsvcid: "" });
  assert(controller !== undefined && !("hostnqn" in controller) && !("cntlid" in controller));
});

for (const attribute of Object.keys(tcp)) {
  Deno.test(`readControllers() takes it when ${attribute} has vanished`, async () => {
    using tree = new SysfsTree();
    const { [attribute]: _, ...rest } = tcp;
    tree.add("nvme0", rest);
    tree.add("nvme1", tcp);
    const controllers = await readControllers(tree.root);
    const isMandatory = ["state", "transport", "subsysnqn"].includes(attribute);
    assertEquals(namesOf(controllers), isMandatory ? ["nvme1"] : ["nvme0", "nvme1"]);
  });
}

Deno.test("readControllers() leaves out a controller whose directory is gone", async () => {
  using tree = new SysfsTree();
  Deno.symlinkSync("/nowhere/nvme0", `${tree.root}/nvme0`);
  assertEquals(await readControllers(tree.root), []);
});

Deno.test("readControllers() shows no subsystem while the kernel has none", async () => {
  using tree = new SysfsTree();
  tree.add("nvme0", { ...tcp, state: "connecting", subsysnqn: "(efault)", cntrltype: "reserved" });
  assertEquals((await readControllers(tree.root))[0]?.subsysnqn, "");
});

Deno.test("ControllerReader.read() follows states, newcomers and those that leave", async () => {
  using tree = new SysfsTree();
  const reader = new ControllerReader({ nowMs: () => 0 }, tree.root);
  tree.add("nvme0", tcp);
  tree.add("nvme1", tcp);
  assertEquals((await reader.read()).map(({ state }) => state), ["live", "live"]);
  tree.write("nvme1", "state", "connecting");
  tree.add("nvme2", tcp);
  tree.remove("nvme0");
  const controllers = await reader.read();
  assertEquals(namesOf(controllers), ["nvme1", "nvme2"]);
  assertEquals(controllers[0]?.state, "connecting");
});

Deno.test("ControllerReader.read() sees another controller under the old number", async () => {
  using tree = new SysfsTree();
  const reader = new ControllerReader({ nowMs: () => 0 }, tree.root);
  tree.add("nvme0", tcp);
  assertEquals((await reader.read())[0]?.subsysnqn, tcp.subsysnqn);
  tree.remove("nvme0");
  tree.add("nvme0", { ...tcp, subsysnqn: "nqn.2016-01.com.example:sub2" });
  assertEquals((await reader.read())[0]?.subsysnqn, "nqn.2016-01.com.example:sub2");
});

Deno.test("ControllerReader.read() reads a controller again until the kernel has identified it", async () => {
  using tree = new SysfsTree();
  const reader = new ControllerReader({ nowMs: () => 0 }, tree.root);
  tree.add("nvme0", { ...tcp, state: "connecting", subsysnqn: "(efault)", cntrltype: "reserved" });
  assertEquals((await reader.read())[0]?.subsysnqn, "");
  tree.write("nvme0", "subsysnqn", "nqn.2016-01.com.example:sub1");
  assertEquals((await reader.read())[0]?.subsysnqn, "nqn.2016-01.com.example:sub1");
  tree.write("nvme0", "cntrltype", "io");
  assertEquals((await reader.read())[0]?.cntrltype, "io");
});

Deno.test("ControllerReader.read() reads the details again after a change of state, and after a while", async () => {
  using tree = new SysfsTree();
  let nowMs = 0;
  const reader = new ControllerReader({ nowMs: () => nowMs }, tree.root);
  tree.add("nvme0", tcp);
  const sourceAddress = async () => (await reader.read())[0]?.address.srcAddr;
  assertEquals(await sourceAddress(), "10.0.0.9");
  tree.write("nvme0", "address", "traddr=10.0.0.1,trsvcid=4420,src_addr=10.0.0.8");
  assertEquals(await sourceAddress(), "10.0.0.9", "What is known is not read at every pass");
  nowMs += limits.sysfsDetailsMs;
  assertEquals(await sourceAddress(), "10.0.0.8");
  tree.write("nvme0", "address", "traddr=10.0.0.1,trsvcid=4420");
  tree.write("nvme0", "state", "connecting");
  assertEquals(await sourceAddress(), undefined);
});

Deno.test("parseController() takes no number for a controller id that is none", () => {
  const cntlidOf = (cntlid: string) =>
    parseController("nvme0", "live", { transport: "tcp", subsysnqn: "s", cntlid }).cntlid;
  assertEquals(cntlidOf("65534"), 65_534);
  // As a number it would be Infinity, which JSON does not know.
  assertEquals(cntlidOf("9".repeat(400)), undefined);
  assertEquals(cntlidOf("-1"), undefined);
});

Deno.test("parseControllerAddress() reads every part, in any order, and ignores others", () => {
  assertEquals(
    parseControllerAddress("trsvcid=4420,traddr=fe80::1%eth0,host_iface=eth0,host_traddr=fe80::2,new=1"),
    { traddr: "fe80::1%eth0", trsvcid: "4420", hostTraddr: "fe80::2", hostIface: "eth0" },
  );
  assertEquals(parseControllerAddress("traddr=10.0.0.1, trsvcid=4420,src_addr="), {
    traddr: "10.0.0.1",
    trsvcid: "4420",
  });
  assertEquals(parseControllerAddress(""), { traddr: "", trsvcid: "" });
});
