/**
 * `disconnect-all`: takes away every NVMe over Fabrics controller, on a terminal once the operator has confirmed it.
 * Scripts were never asked; what is in use stays in any case.
 */
import { RealClock } from "../io/real_clock.ts";
import type { Controller } from "../model/controller.ts";
import type { OptionValues } from "./command.ts";
import {
  disconnectControllers,
  type DisconnectRequest,
  isFabrics,
  keptControllers,
  tellDisconnected,
} from "./disconnect_run.ts";
import type { Environment } from "./environment.ts";
import { hostKernel } from "./host_kernel.ts";
import { outputFormat } from "./output.ts";

export async function disconnectAll(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  const isConfirmed = options.flag("yes") || environment.confirm === undefined;
  const kernel = hostKernel(environment, new RealClock());
  const request = toRequest(await kernel.controllers(), options);
  if (request.asked.length === 0) {
    environment.stderr.write("discovery-client: No fabrics controller is connected\n");
  }
  if (isConfirmed || request.asked.length === 0) {
    return tellDisconnected(environment, format, await disconnectControllers(environment, request));
  }
  if (!await ask(environment, request)) {
    environment.stderr.write("discovery-client: Nothing was disconnected\n");
    return 1;
  }
  // What was shown may go; what has come while the operator thought was not.
  const shown = new Map(request.asked.map((controller) => [controller.name, controller]));
  const now = toRequest(await kernel.controllers(), options);
  const asked = now.asked.filter(({ name, subsysnqn }) => shown.get(name)?.subsysnqn === subsysnqn);
  return tellDisconnected(environment, format, await disconnectControllers(environment, { ...now, asked }));
}

function toRequest(all: readonly Controller[], options: OptionValues): DisconnectRequest {
  return { asked: all.filter(isFabrics), all, force: options.flag("force") };
}

async function ask(environment: Environment, request: DisconnectRequest): Promise<boolean> {
  const kept = await keptControllers(environment, request);
  const lines = request.asked.map(({ name, subsysnqn, address }) => {
    const reason = kept.get(name);
    const what = `${name}  ${subsysnqn} at ${address.traddr}`;
    return reason === undefined ? `  ${what}\n` : `  ${what}: kept, ${reason}\n`;
  });
  environment.stderr.write(lines.join(""));
  const count = request.asked.length - kept.size;
  const many = `${count} ${count === 1 ? "controller" : "controllers"}`;
  return await environment.confirm?.(`Disconnect ${many}?`) ?? false;
}
