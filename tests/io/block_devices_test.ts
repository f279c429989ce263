/** Who holds a block device, read from trees as Linux shows them. */
import { formatDeviceNumber, readBlockDeviceUse } from "../../src/io/block_devices.ts";
import { KernelError } from "../../src/base/errors.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { HostTree } from "../cli/host_tree.ts";

const nqn = "nqn.2016-01.com.example:volumes";

Deno.test("readBlockDeviceUse() finds paths with and without multipath, and those that ANA lets serve", async () => {
  await using tree = await HostTree.make();
  await tree.addController({
    name: "nvme0",
    subsysnqn: nqn,
    paths: { nvme0c0n1: "optimized", nvme0c0n2: null },
  });
  await tree.addController({ name: "nvme1", subsysnqn: nqn, paths: { nvme0c1n1: "inaccessible" } });
  await tree.addController({ name: "nvme2", subsysnqn: nqn, paths: { nvme0c2n1: "non-optimized" } });
  await tree.addController({
    name: "nvme3",
    subsysnqn: "nqn.2016-01.com.example:one",
    paths: { nvme3n1: null },
  });
  const { paths, held } = await readBlockDeviceUse(["nvme0", "nvme1", "nvme2", "nvme3", "nvme9"], tree.root);
  assertEquals(paths, [
    { controller: "nvme0", device: "nvme0n1", usable: true },
    { controller: "nvme0", device: "nvme0n2", usable: true },
    { controller: "nvme1", device: "nvme0n1", usable: false },
    { controller: "nvme2", device: "nvme0n1", usable: true },
    { controller: "nvme3", device: "nvme3n1", usable: true },
  ]);
  assertEquals(held.size, 0);
});

/** Lines of mountinfo with the words they must give for nvme0n1 (259:0) and its partition (259:01), or none. */
const mounts: readonly [line: string, words: readonly string[]][] = [
  ["36 1 259:0 / /mnt/a rw,noatime shared:1 - ext4 /dev/nvme0n1 rw", ["mounted at /mnt/a"]],
  ["36 1 259:0 / /mnt/a\\040b rw - xfs /dev/disk/by-id/x rw", ["mounted at /mnt/a b"]],
  ["36 1 259:01 / /boot rw - ext4 /dev/other rw", ["nvme0n1p1 mounted at /boot"]],
  ["36 1 0:45 /@ / rw - btrfs /dev/nvme0n1p1 rw", ["nvme0n1p1 mounted at /"]],
  ["36 1 0:5 /nvme0n1 /pods/1/dev rw - devtmpfs udev rw", ["mounted at /pods/1/dev"]],
  ["36 1 259:2 / /mnt/a rw - ext4 /dev/nvme0n12 rw", []],
  ["36 1 0:5 / /dev rw - devtmpfs udev rw", []],
  ["", []],
];

Deno.test("readBlockDeviceUse() tells mounts by number, by name and of the node itself", async () => {
  for (const [line, words] of mounts) {
    for (const who of ["self", "1"]) {
      await using tree = await HostTree.make();
      await tree.addController({ name: "nvme0", subsysnqn: nqn, paths: { nvme0c0n1: null } });
      await tree.addDevice("nvme0n1", "259:0", { nvme0n1p1: [] });
      await tree.write(`proc/${who}/mountinfo`, `${line}\n`);
      const { held } = await readBlockDeviceUse(["nvme0"], tree.root);
      assertEquals(held.get("nvme0n1") ?? [], words, line);
    }
  }
});

Deno.test("readBlockDeviceUse() tells devices on top, and swap", async () => {
  await using tree = await HostTree.make();
  await tree.addController({ name: "nvme0", subsysnqn: nqn, paths: { nvme0c0n1: null, nvme0c0n2: null } });
  await tree.addDevice("nvme0n1", "259:0", { nvme0n1: ["md0"], nvme0n1p1: ["dm-0"] });
  await tree.addDevice("nvme0n2", "259:7", { nvme0n2p2: [] });
  await tree.write(
    "proc/swaps",
    "Filename\t\t\t\tType\n/dev/nvme0n2p2                          partition\t1\n",
  );
  const { held } = await readBlockDeviceUse(["nvme0"], tree.root);
  assertEquals([...held], [
    ["nvme0n1", ["held by md0", "nvme0n1p1 held by dm-0"]],
    ["nvme0n2", ["nvme0n2p2 used for swap"]],
  ]);
});

Deno.test("readBlockDeviceUse() fails rather than calling unused what it could not read", async () => {
  await using tree = await HostTree.make();
  await tree.addController({ name: "nvme0", subsysnqn: nqn, paths: { nvme0c0n1: null } });
  await tree.addDevice("nvme0n1", "259:0");
  await Deno.remove(`${tree.root}/proc/self/mountinfo`);
  await Deno.mkdir(`${tree.root}/proc/self/mountinfo`);
  const message = "Cannot tell which devices are in use: EISDIR";
  await assertRejects(() => readBlockDeviceUse(["nvme0"], tree.root), KernelError, message);
});

Deno.test("formatDeviceNumber() takes st_rdev apart as the C library does", () => {
  assertEquals([0x10300, 0x10082c, 0x10301, 0xfff00fff].map(formatDeviceNumber), [
    "259:0",
    "8:300",
    "259:1",
    "15:1048575",
  ]);
});
