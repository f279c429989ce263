/** `disconnect`: takes away the controllers that a device or an NQN names, at an operator's word. */
import { KernelError } from "../base/errors.ts";
import { quoteText } from "../base/quote.ts";
import { RealClock } from "../io/real_clock.ts";
import type { Controller } from "../model/controller.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { disconnectControllers, isFabrics, tellDisconnected } from "./disconnect_run.ts";
import { parseNqn } from "./entry_arguments.ts";
import type { Environment } from "./environment.ts";
import { hostKernel } from "./host_kernel.ts";
import { outputFormat } from "./output.ts";

export async function disconnect(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  const devices = options.list("device").map(parseDevice);
  if ((devices.length > 0) === (options.text("nqn") !== undefined)) {
    throw new UsageError("Cannot tell what to disconnect: give either --device or --nqn");
  }
  const nqn = devices.length > 0 ? null : parseNqn(options, "nqn");
  const all = await hostKernel(environment, new RealClock()).controllers();
  const asked = nqn === null
    ? namedControllers(all, devices)
    : all.filter(({ subsysnqn }) => subsysnqn === nqn);
  if (asked.length === 0) {
    environment.stderr.write(`discovery-client: No controller is connected to ${nqn}\n`);
  }
  const done = await disconnectControllers(environment, { asked, all, force: options.flag("force") });
  return tellDisconnected(environment, format, done);
}

/** `nvme0` or `/dev/nvme0`, answered without the directory. Throws UsageError, also for a namespace. */
function parseDevice(text: string): string {
  const name = /^(?:\/dev\/)?(nvme\d{1,9})$/.exec(text)?.[1];
  if (name !== undefined) return name;
  throw new UsageError(
    `Cannot use --device ${quoteText(text)}: expected a controller such as nvme0 or /dev/nvme0`,
  );
}

/** Throws KernelError for the first one that is not there or no fabrics controller: nothing is done then. */
function namedControllers(all: readonly Controller[], devices: readonly string[]): Controller[] {
  return [...new Set(devices)].map((device) => {
    const found = all.find(({ name }) => name === device);
    if (found === undefined) {
      throw new KernelError("ENODEV", `Cannot disconnect ${device}: there is no such controller`);
    }
    if (isFabrics(found)) return found;
    const message = `its transport is ${found.transport}, there is no connection to end`;
    throw new KernelError("ENOTSUP", `Cannot disconnect ${device}: ${message}`);
  });
}
