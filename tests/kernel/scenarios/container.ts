/** The consumers' container: nothing of the host but /dev and the entry files, no capability, and one variable. */
import { Container } from "../container.ts";
import type { Fabric } from "../fabric.ts";
import {
  controllerAttribute,
  controllers,
  deleteAllControllers,
  lookForExactly,
  rawConnect,
} from "../initiator.ts";
import { discoveryPort } from "../network.ts";
import { formatSeconds, until } from "../poll.ts";
import { processorsOn, switchOnProcessors } from "../processors.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const container: Scenario = {
  name: "container",
  title:
    "in a container with /dev and entry files alone, no capability, DC_MAXIOQUEUES=2: live with 2 queues",
  seconds: 16,
  run,
};

const [host] = hosts;
/** The admin queue and those for I/O. */
const queues = { asked: "3", without: "4" };

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ subsystems: 2 });
  const switchOff = await switchOnProcessors(3);
  lab.cleanups.push(["Cannot switch off processors", switchOff]);
  await expectMoreQueuesWithout(fabric);

  const box = await Container.create(`${lab.dir}/container`);
  lab.cleanups.unshift(["Cannot stop the container", () => box.stop()]);
  box.start({ DC_MAXIOQUEUES: "2" });
  try {
    return await inside(fabric, box);
  } catch (error) {
    throw new Error(`${(error as Error).message}; the log: ${await box.log()}`, { cause: error });
  }
}

async function inside(fabric: Fabric, box: Container): Promise<string> {
  await until("an answer to HEAD /metrics", 30_000, async () => {
    const answer = await fetch("http://localhost:6060/metrics", { method: "HEAD" }).catch(() => null);
    return answer?.status === 200 ? null : `${answer?.status ?? "nobody listens"}`;
  });
  const there = await box.look(
    "ls /etc; ls /etc/nvme 2>&1; ls -d /run/systemd /var/log /sys/class/nvme 2>&1",
  );
  expect(
    /^discovery-client$/m.test(there) && /\/etc\/nvme: No such/.test(there) &&
      /\/run\/systemd: No such/.test(there) && /^\/sys\/class\/nvme$/m.test(there),
    `Precondition: the container has ${there}`,
  );
  const rights = await box.rights();
  expect(/^Cap/.test(rights) && !/[1-9a-f]/.test(rights.replace(/^\w+:/gm, "")), `It has rights: ${rights}`);
  const line = `-t tcp -a ${fabric.address(1)} -s ${discoveryPort} -q ${host.hostnqn} -n ${fabric.nqns[0]}\n`;
  await Deno.writeTextFile(`${box.clientConfigDir}/volume`, line, { mode: 0o600 });
  const liveMs = await until("6 controllers live", 20_000, () => lookForExactly(fabric.paths()));
  for (const { name, hostid } of await controllers()) {
    const count = await controllerAttribute(name, "queue_count");
    expect(count === queues.asked, `${name} has ${count} queues`);
    expect(hostid === host.hostid, `${name} goes by ${hostid}`);
  }
  await Deno.remove(`${box.clientConfigDir}/volume`);
  await until("no session is left", 10_000, async () => {
    const text = await (await fetch("http://localhost:6060/metrics")).text();
    return /^discovery_entries_total 0$/m.test(text) ? null : "discovery_entries_total is not 0";
  });
  const left = await lookForExactly(fabric.paths());
  expect(left === null, `After the detach: ${left}`);
  const noise = (await box.log()).split("\n").filter((one) => / ERROR /.test(one));
  expect(noise.length === 0, `The log has errors: ${noise.join(" | ")}`);
  await box.stop();
  return `6 controllers with 2 I/O queues each live in ${formatSeconds(liveMs)}, kept after the detach`;
}

/** A connect without a word of queues makes more of them. */
async function expectMoreQueuesWithout(fabric: Fabric): Promise<void> {
  expect(await processorsOn() === "0-2", `Precondition: processors ${await processorsOn()} are on`);
  await rawConnect(fabric.paths()[0]!, host);
  const [one] = await controllers();
  const count = await controllerAttribute(one?.name ?? "", "queue_count");
  expect(count === queues.without, `Precondition: without a word there are ${count} queues`);
  await deleteAllControllers();
}
