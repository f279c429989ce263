/** Has the kernel connect one path: settles the host identity, writes the options, and says what came of it. */
import { errorText, KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { LogFields, World } from "../model/world.ts";
import type { Path } from "../model/path.ts";
import { connectDefaultsOf, secretsProblem } from "../plan/connect_defaults.ts";
import { formatConnectString } from "../plan/connect_string.ts";
import type { Facts } from "../plan/facts.ts";
import {
  hostIdNotice,
  hostIdSource,
  identitiesInForce,
  identityConflict,
  settleHostId,
} from "../plan/host_identity.ts";
import type { WantedPath } from "../plan/wanted_paths.ts";
import { pathKeys } from "./log_keys.ts";

export type ConnectOutcome =
  | { readonly ok: true; readonly already: boolean; readonly device?: string }
  | { readonly ok: false; readonly error: Error };

export class ConnectRunner {
  readonly #world: Pick<World, "kernel" | "log">;
  readonly #facts: Facts;
  /** Options left out are told once each. */
  readonly #told = new Set<string>();

  constructor(world: Pick<World, "kernel" | "log">, facts: Facts) {
    this.#world = world;
    this.#facts = facts;
  }

  /** The host identifier that a connect or a session of this host NQN names, UUID text; `hostid` is its entry's. */
  hostidOf({ hostnqn, hostid }: Pick<Path, "hostnqn" | "hostid">): string {
    const source = hostIdSource(this.#facts, hostid);
    const inForce = identitiesInForce(this.#facts.controllers?.list ?? []);
    const notice = hostIdNotice(hostnqn, source, inForce);
    if (notice !== null) this.#tellOnce(notice, {});
    return settleHostId(hostnqn, source, inForce);
  }

  /** Never rejects. */
  async connect(wanted: WantedPath): Promise<ConnectOutcome> {
    const { path } = wanted;
    const hostid = this.hostidOf(path);
    const fields: LogFields = pathKeys(path);
    const asked = path.hostid;
    if (asked !== undefined && asked !== hostid) {
      this.#tellOnce(
        `Host NQN ${path.hostnqn} keeps host ID ${hostid}, which is in force, instead of ${asked}: ` +
          `${
            identitiesInForce(this.#facts.controllers?.list ?? []).get(path.hostnqn)?.name
          } lives with it; give the entries -I ${hostid}, or disconnect what uses it`,
        fields,
      );
    }
    let text: string;
    try {
      text = this.#connectText(path, hostid);
    } catch (error) {
      return { ok: false, error: asError(error) };
    }
    try {
      const { instance } = await this.#world.kernel.connect(text);
      return { ok: true, already: false, device: `nvme${instance}` };
    } catch (error) {
      if (error instanceof KernelError && error.code === "EALREADY") return { ok: true, already: true };
      return { ok: false, error: this.#explained(error, path.hostnqn, hostid) };
    }
  }

  #connectText(path: Path, hostid: string): string {
    const { policy, kernel } = this.#facts;
    const defaults = connectDefaultsOf(policy, path);
    const problem = secretsProblem(defaults, path.options);
    if (problem !== null) throw new KernelError("EINVAL", `Cannot connect: ${problem}`);
    const { text, leftOut } = formatConnectString(path, hostid, defaults, kernel.options);
    for (const token of leftOut) {
      this.#tellOnce(`This kernel does not know the connect option ${token}: it is left out`, {});
    }
    return text;
  }

  /** The kernel's EINVAL says nothing; a pairing that the kernel refuses can be seen in sysfs. */
  #explained(error: unknown, hostnqn: string, hostid: string): Error {
    if (error instanceof KernelError && error.code === "EINVAL") {
      const conflict = identityConflict(hostnqn, hostid, this.#facts.controllers?.list ?? []);
      if (conflict !== null) {
        return new KernelError("EINVAL", `Cannot connect: ${conflict}`, { cause: error });
      }
    }
    return asError(error);
  }

  #tellOnce(message: string, fields: LogFields): void {
    if (this.#told.has(message) || this.#told.size > limits.toldOnceMax) return;
    this.#told.add(message);
    if (this.#told.size <= limits.toldOnceMax) this.#world.log.warn(message, fields);
    else this.#world.log.warn(`More than ${limits.toldOnceMax} such warnings: no further one is told`);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new KernelError("unknown", errorText(error));
}
