/**
 * `connect`: has the kernel connect one controller, once. What is connected already is said so and left as it is.
 * Keeps nothing running: what comes later is the kernel's work, or the agent's.
 */
import { formatHostPort, isIpAddress } from "../base/address.ts";
import { AgentError, errorText, KernelError } from "../base/errors.ts";
import { ConnectRunner } from "../agent/connect_runner.ts";
import { NameResolver } from "../io/name_resolver.ts";
import { RealClock } from "../io/real_clock.ts";
import { type Controller, isKept } from "../model/controller.ts";
import { isSamePath, type Path, pathIndexKey, pathKey, pathLabel } from "../model/path.ts";
import type { Kernel, Log } from "../model/world.ts";
import type { Facts, Policy } from "../plan/facts.ts";
import type { WantedPath } from "../plan/wanted_paths.ts";
import type { OptionValues } from "./command.ts";
import { commandSecrets, loadCommandSettings } from "./command_settings.ts";
import { parseConnectOptions } from "./connect_options.ts";
import { type Address, checkTransport, parseAddress, parseNqn } from "./entry_arguments.ts";
import type { Environment } from "./environment.ts";
import { hostKernel } from "./host_kernel.ts";
import { outputFormat, printJson } from "./output.ts";
import { type ControllerAnswer, controllerAnswer, type OwnIdentity, ownIdentity } from "./own_identity.ts";
import { formatTable } from "./table.ts";

const ioPort = 4420;

export async function connect(environment: Environment, options: OptionValues): Promise<number> {
  const format = outputFormat(options, "json");
  checkTransport(options);
  const address = parseAddress(options.given("traddr"), "--traddr", options.text("trsvcid"), ioPort);
  const subsysnqn = parseNqn(options, "nqn");
  const connectOptions = await parseConnectOptions(environment, options);
  const settings = await loadCommandSettings(environment, options);
  const secrets = await commandSecrets(environment, options, settings, connectOptions);
  const identity = await ownIdentity(environment, options, settings);
  const kernel = hostKernel(environment, new RealClock());
  const paths = (await resolveAddress(address)).map((traddr): Path => ({
    transport: "tcp",
    traddr,
    trsvcid: address.port,
    subsysnqn,
    hostnqn: identity.hostnqn,
    ...(identity.wantedHostid === undefined ? {} : { hostid: identity.wantedHostid }),
    options: connectOptions,
    cluster: { subsysnqn, hostnqn: identity.hostnqn },
    secureChannelRequired: false,
  }));
  const answer = await connectOne({ environment, kernel, identity, secrets }, paths);
  if (format === "json") printJson(environment, answer);
  else environment.stdout.write(controllersTable([answer]));
  return 0;
}

export function controllersTable(answers: readonly ControllerAnswer[]): string {
  const rows = answers.map(({ Device, Instance, Cntlid }) => [Device, String(Instance), String(Cntlid)]);
  return formatTable(["DEVICE", "INSTANCE", "CNTLID"], rows);
}

async function resolveAddress({ host }: Address): Promise<readonly string[]> {
  return isIpAddress(host) ? [host] : await new NameResolver().resolve(host);
}

interface Connecting {
  readonly environment: Environment;
  readonly kernel: Kernel;
  readonly identity: OwnIdentity;
  readonly secrets: Pick<Policy, "connectDefaults" | "clusterDefaults">;
}

/** The first of the paths (one name's addresses) that is there or can be had. Throws KernelError that names each. */
async function connectOne(connecting: Connecting, paths: readonly Path[]): Promise<ControllerAnswer> {
  const { environment, kernel } = connecting;
  const controllers = await kernel.controllers();
  for (const path of paths) {
    const there = findServing(controllers, path);
    if (there !== null) return tellAlready(environment, path, there);
  }
  // Asked before: a missing device has nothing to do with any path.
  const facts = await kernelFacts(connecting, controllers);
  const failures: AgentError[] = [];
  for (const path of paths) {
    try {
      return await connectPath(connecting, facts, path);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      failures.push(error);
    }
  }
  throw new KernelError(failures.at(-1)?.code ?? "ENOENT", failures.map(({ message }) => message).join("\n"));
}

function findServing(controllers: readonly Controller[], path: Path): Controller | null {
  const serving = controllers.filter((controller) =>
    isKept(controller.state) && isSamePath(controller, path)
  );
  return serving.find(({ state }) => state === "live") ?? serving[0] ?? null;
}

function tellAlready({ stderr }: Environment, path: Path, controller: Controller): ControllerAnswer {
  const { name, state } = controller;
  const how = state === "live" ? "" : ` (${state}: the kernel retries by itself)`;
  stderr.write(`discovery-client: Already connected: ${pathLabel(path)} is ${name}${how}\n`);
  return controllerAnswer(controller);
}

/** Throws KernelError when the kernel cannot be asked. */
async function kernelFacts(
  { kernel, identity, secrets }: Connecting,
  list: readonly Controller[],
): Promise<Facts> {
  return {
    entries: null,
    resolutions: new Map(),
    list: new Map(),
    sessions: new Map(),
    probes: new Map(),
    connects: new Map(),
    controllers: { list, readAtMs: 0 },
    kernel: { present: true, failure: null, options: await kernel.supportedOptions() },
    policy: {
      dryRun: false,
      ...secrets,
      hostid: identity.hostid,
      fallbackHostid: identity.fallbackHostid,
    },
    hostidOwner: identity.hostidOwner,
  };
}

async function connectPath(
  { environment, kernel }: Connecting,
  facts: Facts,
  path: Path,
): Promise<ControllerAnswer> {
  let cntlid = -1;
  const asking: Pick<Kernel, "connect"> = {
    async connect(text) {
      const answer = await kernel.connect(text);
      cntlid = answer.cntlid;
      return answer;
    },
  };
  const world = { kernel: { ...unused(kernel), ...asking }, log: warningsOnly(environment) };
  const outcome = await new ConnectRunner(world, facts).connect(wantedPath(path));
  if (!outcome.ok) throw connectError(path, outcome.error);
  if (outcome.device !== undefined) {
    const instance = Number(outcome.device.slice("nvme".length));
    return { Instance: instance, Cntlid: cntlid, Device: `/dev/${outcome.device}` };
  }
  // Somebody was faster, or the kernel compares otherwise than we do.
  const there = findServing(await kernel.controllers(), path);
  if (there !== null) return tellAlready(environment, path, there);
  const message = "the kernel says that it is connected already, though sysfs shows no such controller";
  throw connectError(path, new KernelError("EALREADY", `Cannot connect: ${message}`));
}

function unused(kernel: Kernel): Omit<Kernel, "connect"> {
  return {
    supportedOptions: () => kernel.supportedOptions(),
    controllers: () => kernel.controllers(),
    watch: (onHint) => kernel.watch(onHint),
  };
}

function wantedPath(path: Path): WantedPath {
  return {
    key: pathKey(path),
    indexKey: pathIndexKey(path),
    addressKey: formatHostPort(path.traddr, path.trsvcid),
    path,
  };
}

function connectError(path: Path, error: Error): AgentError {
  const reason = errorText(error).replace(/^Cannot connect: /, "");
  const code = error instanceof AgentError ? error.code : "unknown";
  return new KernelError(code, `Cannot connect ${pathLabel(path)}: ${reason}`, { cause: error });
}

/** What the agent's parts warn of goes to the user; the rest is for an agent's log. */
export function warningsOnly({ stderr }: Environment): Log {
  const tell = (message: string) => stderr.write(`discovery-client: ${message}\n`);
  return { debug() {}, info() {}, warn: tell, error: tell };
}
