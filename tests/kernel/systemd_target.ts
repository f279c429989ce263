/**
 * The storage of the guest with systemd, set up before the agent starts: three nodes with two volumes, each with a file
 * system. The file that names them is one as OpenStack leaves it: of another user, for nobody else to read.
 */
import { entryLine } from "./agent_process.ts";
import { runCommand } from "./command.ts";
import { Fabric } from "./fabric.ts";
import { setUpNetwork } from "./network.ts";
import { identifyNamespace } from "./nvmet.ts";
import { hosts } from "./scenario.ts";
import { entryFile, novaUid, volumes } from "./systemd_unit.ts";

/** When it is done, whoever waits for the storage may go on. */
export async function setUpTarget(): Promise<void> {
  await runCommand("modprobe", [
    "-a",
    ...["nvmet", "nvmet_tcp", "brd", "dummy", "nft_nat", "nft_chain_nat", "nft_ct", "configfs"],
  ]);
  await runCommand("mount", ["-t", "configfs", "configfs", "/sys/kernel/config"], { mayFail: true });
  await runCommand("ip", ["link", "set", "lo", "up"]);
  await setUpNetwork();
  await Deno.mkdir("/etc/nvme", { recursive: true });
  const fabric = await Fabric.build({ nodes: [1, 2, 3], subsystems: 0 });
  for (const [index, { uuid, mountPoint }] of volumes.entries()) {
    const nqn = await fabric.createSubsystem(`volume${index + 1}`, [hosts[0].hostnqn]);
    await identifyNamespace(nqn, uuid);
    await runCommand("mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0", `/dev/ram${index}`]);
    await fabric.linkEverywhere(nqn);
    await Deno.mkdir(mountPoint, { recursive: true });
  }
  await Deno.mkdir(entryFile.replace(/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(entryFile, entryLine(fabric.address(1), hosts[0], fabric.nqns[0] ?? ""), {
    mode: 0o600,
  });
  await Deno.chown(entryFile, novaUid, novaUid);
  await Deno.writeTextFile("/run/lab_target", "");
}
