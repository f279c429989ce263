/** The one write that takes a controller away, into a tree as sysfs shows it. */
import { KernelError } from "../../src/base/errors.ts";
import { deleteController } from "../../src/io/delete_controller.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { HostTree } from "../cli/host_tree.ts";

const subsysnqn = "nqn.2016-01.com.example:volumes";

Deno.test("deleteController() writes 1 to the attribute of a fabrics controller", async () => {
  for (const transport of ["tcp", "rdma", "fc", "loop"]) {
    await using tree = await HostTree.make();
    await tree.addController({ name: "nvme0", subsysnqn, transport });
    await tree.addController({ name: "nvme1", subsysnqn, transport });
    await deleteController({ name: "nvme1", subsysnqn }, `${tree.root}/sys/class/nvme`);
    assertEquals(await tree.deleted(), ["nvme1"]);
  }
});

Deno.test("deleteController() refuses PCIe, and a name that belongs to another subsystem by now", async () => {
  await using tree = await HostTree.make();
  await tree.addController({ name: "nvme0", subsysnqn, transport: "pcie" });
  await tree.addController({ name: "nvme1", subsysnqn: "nqn.2016-01.com.example:other" });
  const root = `${tree.root}/sys/class/nvme`;
  const pcie = () => deleteController({ name: "nvme0", subsysnqn }, root);
  await assertRejects(pcie, KernelError, "Cannot disconnect nvme0: its transport is pcie");
  const other = () => deleteController({ name: "nvme1", subsysnqn }, root);
  await assertRejects(
    other,
    KernelError,
    "Cannot disconnect nvme1: it is a controller of another subsystem now",
  );
  assertEquals(await tree.deleted(), []);
});

Deno.test("deleteController() is content when the controller has gone by itself", async () => {
  await using tree = await HostTree.make();
  await deleteController({ name: "nvme5", subsysnqn }, `${tree.root}/sys/class/nvme`);
  assertEquals(await tree.deleted(), []);
});
