/** What this host calls itself in the one-shot commands: from the command line, else as its files tell. Writes none. */
import type { Controller } from "../model/controller.ts";
import type { Policy } from "../plan/facts.ts";
import { type OptionValues, UsageError } from "./command.ts";
import type { CommandSettings } from "./command_settings.ts";
import { parseHostIdOption, parseNqn } from "./entry_arguments.ts";
import type { Environment } from "./environment.ts";
import { readHostId } from "./host_id.ts";

export interface OwnIdentity extends Pick<Policy, "hostid" | "fallbackHostid"> {
  /** Host NQN that the agent has given the host's own identifier to; null where it is nobody's yet. */
  readonly hostidOwner: string | null;
  readonly hostnqn: string;
  /** What `--hostid` says. */
  readonly wantedHostid?: string;
}

/** Throws UsageError without any host NQN. */
export async function ownIdentity(
  environment: Environment,
  options: OptionValues,
  { nvmeHostIDPath, internalDir }: Pick<CommandSettings, "nvmeHostIDPath" | "internalDir">,
): Promise<OwnIdentity> {
  const given = options.text("hostnqn") === undefined ? null : parseNqn(options, "hostnqn");
  const wantedHostid = parseHostIdOption(options);
  // With what the agent remembers: the kernel takes one identifier for an NQN, whoever connects first.
  const { hostid, fallback, hostnqn, owner, problem } = await readHostId(nvmeHostIDPath, internalDir);
  if (problem !== undefined) environment.stderr.write(`discovery-client: ${problem}\n`);
  const own = given ?? hostnqn;
  if (own === null) {
    throw new UsageError("Cannot tell the NQN of this host: no file has one; give it with --hostnqn");
  }
  return {
    hostnqn: own,
    hostid,
    fallbackHostid: fallback,
    hostidOwner: owner,
    ...(wantedHostid === undefined ? {} : { wantedHostid }),
  };
}

/** The shape that the predecessor prints a connected controller in. */
export interface ControllerAnswer {
  readonly Instance: number;
  readonly Cntlid: number;
  /** `/dev/nvme0`. */
  readonly Device: string;
}

/** -1 where sysfs tells no controller identifier. */
export function controllerAnswer({ instance, cntlid, name }: Controller): ControllerAnswer {
  return { Instance: instance, Cntlid: cntlid ?? -1, Device: `/dev/${name}` };
}
