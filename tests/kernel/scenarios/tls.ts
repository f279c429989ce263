/**
 * What of TLS the kernel is told: `--tls`, `--tls-key`, `--keyring`. No daemon shakes hands in the guest, so no path
 * comes about, and each option shows by what the kernel objects to. A kernel without TLS (Debian 12's) is not asked.
 */
import { type AgentHome, entryLine } from "../agent_process.ts";
import { makeDhchapSecret } from "../dhchap_secret.ts";
import type { Fabric } from "../fabric.ts";
import {
  controllers,
  describe,
  kernelClock,
  kernelLog,
  kernelOptions,
  kernelVersion,
  lookForExactly,
} from "../initiator.ts";
import { addTlsKey, keyringSerial } from "../keys.ts";
import { discoveryPort } from "../network.ts";
import { throughout, until } from "../poll.ts";
import { expect, hosts, type Lab, type Scenario } from "../scenario.ts";

export const tls: Scenario = {
  name: "tls",
  title: "TLS options reach the kernel, or the path waits: never connected without",
  seconds: 28,
  limitMs: 150_000,
  run,
};

const [host] = hosts;
const noSuchKey = 1;

async function run(lab: Lab): Promise<string> {
  const fabric = await lab.fabric({ nodes: [1], subsystems: 1 });
  const known = await kernelOptions();
  expect(known.has("tls") === (await kernelVersion() !== "6.1"), "Precondition: this kernel and TLS");
  expect(!known.has("concat"), "Precondition: this kernel knows concat");
  const agent = await lab.agent();
  const steps = new Steps(agent, fabric);
  await steps.give("--tls");
  agent.start();
  await agent.ready();
  if (known.has("tls")) await refusals(steps, fabric);
  else {
    await steps.expect(/does not know the option tls\b/);
    await steps.take(`--tls --tls-key ${noSuchKey}`, /does not know the option tls\b/);
  }
  await steps.take(`--concat -S ${makeDhchapSecret(2)}`, /does not know the option concat/);
  await throughout("nothing is connected unsecured", 2_000, async () => {
    const all = await controllers();
    return all.some((one) => one.state === "live") ? describe(all) : null;
  });
  await steps.give("");
  await until("live without TLS", 20_000, () => lookForExactly(fabric.paths()));
  return `${steps.count} sets of options, each told for what it lacks; live without`;
}

async function refusals(steps: Steps, fabric: Fabric): Promise<void> {
  await steps.expect(/ENOKEY/);
  for (const option of ["--tls-key", "--keyring"]) {
    const sinceSeconds = await kernelClock();
    await steps.take(`--tls ${option} ${noSuchKey}`, /ENOKEY/);
    await until(`the kernel looks for the key of ${option}`, 10_000, async () => {
      const said = (await kernelLog(sinceSeconds, 1_000)).join(" | ");
      return said.includes(`key id 0000000${noSuchKey} not found`) ? null : said;
    });
  }
  const keyring = await keyringSerial(".nvme");
  const key = addTlsKey(host.hostnqn, fabric.nqns[0] ?? "", keyring);
  // From here on the kernel has the key, and finds nobody to shake hands for it.
  await steps.take("--tls", /ESRCH .*tlshd/);
  await steps.take(`--tls --tls-key ${key}`, /ESRCH .*tlshd/);
}

/** One entry file, and what is told of its one path. */
class Steps {
  readonly #agent: AgentHome;
  readonly #fabric: Fabric;
  count = 0;

  constructor(agent: AgentHome, fabric: Fabric) {
    this.#agent = agent;
    this.#fabric = fabric;
  }

  async give(options: string): Promise<void> {
    const nqn = this.#fabric.nqns[0] ?? "";
    await this.#agent.drop("cluster", entryLine(this.#fabric.address(1), host, nqn, discoveryPort, options));
  }

  async expect(reason: RegExp): Promise<void> {
    this.count++;
    await until(`a path that waits for ${reason}`, 25_000, async () => {
      const status = await this.#agent.status();
      return reason.test(status) ? null : status;
    }, 100);
  }

  async take(options: string, reason: RegExp): Promise<void> {
    await this.give(options);
    await this.expect(reason);
  }
}
