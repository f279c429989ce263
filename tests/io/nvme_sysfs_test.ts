import { readNvmeSysfs } from "../../src/io/nvme_sysfs.ts";
import { HostTree } from "../cli/host_tree.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("readNvmeSysfs() tells controllers in their order, paths below them, subsystems and parameters", async () => {
  await using tree = await HostTree.make();
  await tree.addController({ name: "nvme10", subsysnqn: "nqn.b", paths: { nvme10c10n1: "optimized" } });
  await tree.addController({ name: "nvme2", subsysnqn: "nqn.a", state: "connecting" });
  await tree.write("sys/class/nvme/nvme2/dhchap_secret", "DHHC-1:00:hunter2:");
  await tree.write("sys/class/nvme/nvme2/dhchap_ctrl_secret", "DHHC-1:00:hunter2:");
  await tree.write("sys/class/nvme-subsystem/nvme-subsys2/iopolicy", "numa\n");
  await tree.write("sys/module/nvme_core/parameters/multipath", "Y\n");
  const lines = await readNvmeSysfs(tree.root);
  const at = (line: string) => {
    assert(lines.includes(line), `${line} in ${lines.join("\n")}`);
    return lines.indexOf(line);
  };
  assert(at("/sys/class/nvme/nvme2/state: connecting") < at("/sys/class/nvme/nvme10/subsysnqn: nqn.b"));
  at("/sys/class/nvme/nvme10/nvme10c10n1/ana_state: optimized");
  at("/sys/class/nvme-subsystem/nvme-subsys2/iopolicy: numa");
  at("/sys/module/nvme_core/parameters/multipath: Y");
  assert(!lines.some((line) => /dhchap|hunter2/.test(line)), "a secret is read");
});

Deno.test("readNvmeSysfs() tells nothing where there is nothing", async () => {
  await using tree = await HostTree.make();
  assertEquals(await readNvmeSysfs(tree.root), []);
  assertEquals(await readNvmeSysfs(`${tree.root}/nowhere`), []);
});
