/**
 * A kernel's fabrics host that reaches for real: it reads connect strings as Linux does, performs connects one at a
 * time behind one lock, and holds a TCP connection for every controller, whose loss it notices by itself. Reconnects
 * after reconnect_delay, gives up after ctrl_loss_tmo. It lives in a process of its own, and so outlives agents.
 */
import { errorCode } from "../../src/base/errors.ts";
import type { Controller, ControllerState } from "../../src/model/controller.ts";
import { type FabricsOptions, fabricsTokens, parseFabricsOptions } from "../sim/fabrics_options.ts";
import { IoConnection, kernelError } from "./io_connection.ts";

/** A controller that was given up after ctrl_loss_tmo. */
export interface Loss {
  readonly name: string;
  readonly path: string;
}

export interface KernelCounts {
  readonly connects: number;
  /** Writes by result: `connected`, or the errno. */
  readonly results: Readonly<Record<string, number>>;
  /** Two writes for one path at the same time: the agent's mistake. */
  readonly doubled: number;
  /** Most writes waiting or under way at once. */
  readonly inFlightMost: number;
  readonly inFlight: number;
}

interface Live {
  readonly instance: number;
  readonly options: FabricsOptions;
  readonly cntlid: number;
  state: ControllerState;
  lostMs: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  connection: IoConnection | null;
}

/** Identity that the module makes up. */
const defaultHost = {
  hostnqn: "nqn.2014-08.org.nvmexpress:uuid:00000000-dead-4bad-8bad-000000000001",
  hostid: "00000000-dead-4bad-8bad-000000000001",
};

export class SocketKernel {
  readonly losses: Loss[] = [];
  onHint: () => void = () => {};
  readonly #controllers = new Map<number, Live>();
  readonly #results: Record<string, number> = {};
  readonly #writing = new Map<string, number>();
  #lock: Promise<unknown> = Promise.resolve();
  #cntlid = 0;
  #connects = 0;
  #doubled = 0;
  #inFlight = 0;
  #inFlightMost = 0;
  readonly #connectMs: number;

  /** `connectMs`: nvme_core.admin_timeout, which is 60 s in Linux unless it is told otherwise. */
  constructor(connectMs: number) {
    this.#connectMs = connectMs;
  }

  async connect(text: string): Promise<{ instance: number; cntlid: number }> {
    this.#connects++;
    this.#inFlight++;
    this.#inFlightMost = Math.max(this.#inFlightMost, this.#inFlight);
    const path = keyOfText(text);
    const others = this.#writing.get(path) ?? 0;
    if (others > 0) this.#doubled++;
    this.#writing.set(path, others + 1);
    // nvmf_dev_mutex: around everything, the reading of the options included.
    const turn = this.#lock.then(() => this.#perform(text));
    this.#lock = turn.catch(() => {});
    try {
      const made = await turn;
      this.#count("connected");
      return made;
    } catch (error) {
      this.#count(errorCode(error));
      throw error;
    } finally {
      this.#inFlight--;
      const left = this.#writing.get(path)! - 1;
      if (left === 0) this.#writing.delete(path);
      else this.#writing.set(path, left);
    }
  }

  get counts(): KernelCounts {
    return {
      connects: this.#connects,
      results: this.#results,
      doubled: this.#doubled,
      inFlightMost: this.#inFlightMost,
      inFlight: this.#inFlight,
    };
  }

  controllers(): Controller[] {
    return [...this.#controllers.values()].map(show).sort((a, b) => a.instance - b.instance);
  }

  /** Somebody's `nvme disconnect`; no agent can ask for that. */
  deleteController(name: string): void {
    const live = [...this.#controllers.values()].find(({ instance }) => `nvme${instance}` === name);
    if (live === undefined) throw kernelError("ENOENT", name);
    this.#remove(live);
  }

  #count(result: string): void {
    this.#results[result] = (this.#results[result] ?? 0) + 1;
  }

  async #perform(text: string): Promise<{ instance: number; cntlid: number }> {
    const options = parseFabricsOptions(text, new Set(fabricsTokens), defaultHost);
    this.#checkIdentity(options);
    if (!options.given.has("duplicate_connect") && this.#exists(options)) {
      throw kernelError("EALREADY", `${options.nqn} at ${options.traddr} is connected`);
    }
    const live = this.#create(options);
    try {
      const connection = await IoConnection.open(options, this.#connectMs);
      if (!this.#controllers.has(live.instance)) {
        connection.close();
        throw kernelError("EIO", `nvme${live.instance} was deleted meanwhile`);
      }
      this.#becomeLive(live, connection);
      return { instance: live.instance, cntlid: live.cntlid };
    } catch (error) {
      this.#remove(live);
      throw error;
    }
  }

  /** nvmf_host_add: one NQN, one identifier, while anything holds either. */
  #checkIdentity({ hostnqn, hostid }: FabricsOptions): void {
    const hosts = [defaultHost, ...[...this.#controllers.values()].map(({ options }) => options)];
    const clash = hosts.find((host) => (host.hostnqn === hostnqn) !== (host.hostid === hostid));
    if (clash !== undefined) throw kernelError("EINVAL", `${hostnqn} has another identifier`);
  }

  /** nvmf_ip_options_match: strings, not addresses. */
  #exists(wanted: FabricsOptions): boolean {
    return [...this.#controllers.values()].some(({ options }) =>
      options.nqn === wanted.nqn && options.hostnqn === wanted.hostnqn && options.hostid === wanted.hostid &&
      options.traddr === wanted.traddr && options.trsvcid === wanted.trsvcid &&
      options.hostTraddr === wanted.hostTraddr && options.hostIface === wanted.hostIface
    );
  }

  #create(options: FabricsOptions): Live {
    let instance = 0;
    while (this.#controllers.has(instance)) instance++;
    const live: Live = {
      instance,
      options,
      cntlid: ++this.#cntlid,
      state: "connecting",
      lostMs: Infinity,
      timer: undefined,
      connection: null,
    };
    this.#controllers.set(instance, live);
    this.onHint();
    return live;
  }

  #becomeLive(live: Live, connection: IoConnection): void {
    live.state = "live";
    live.connection = connection;
    live.lostMs = Infinity;
    connection.onLost = () => this.#handleLoss(live);
    this.onHint();
  }

  #handleLoss(live: Live): void {
    live.state = "connecting";
    live.connection = null;
    live.lostMs = performance.now();
    this.#retryLater(live);
    this.onHint();
  }

  /** Reconnects have a work item each: they hold no lock. */
  #retryLater(live: Live): void {
    const { reconnectDelay, ctrlLossTmo } = live.options;
    live.timer = setTimeout(async () => {
      const connection = await IoConnection.open(live.options, this.#connectMs).catch(() => null);
      if (this.#controllers.get(live.instance) !== live) connection?.close();
      else if (connection !== null) this.#becomeLive(live, connection);
      else if (ctrlLossTmo >= 0 && performance.now() - live.lostMs >= ctrlLossTmo * 1_000) {
        this.losses.push({ name: `nvme${live.instance}`, path: pathOf(show(live)) });
        this.#remove(live);
      } else this.#retryLater(live);
    }, reconnectDelay * 1_000);
  }

  #remove(live: Live): void {
    if (!this.#controllers.delete(live.instance)) return;
    clearTimeout(live.timer);
    live.connection?.close();
    this.onHint();
  }
}

/** `subsystem at address port`, the same of a controller and of what a fabric offers. */
export function pathOf({ subsysnqn, address }: Pick<Controller, "subsysnqn" | "address">): string {
  return `${subsysnqn} at ${address.traddr} ${address.trsvcid}`;
}

function show({ instance, options, cntlid, state }: Live): Controller {
  const { traddr, trsvcid, hostTraddr, hostIface } = options;
  return {
    name: `nvme${instance}`,
    instance,
    transport: options.transport,
    state,
    subsysnqn: options.nqn,
    address: {
      traddr,
      trsvcid,
      ...(hostTraddr === undefined ? {} : { hostTraddr }),
      ...(hostIface === undefined ? {} : { hostIface }),
    },
    hostnqn: options.hostnqn,
    hostid: options.hostid,
    cntlid,
    cntrltype: options.discovery ? "discovery" : "io",
  };
}

/** Which path a write is about, without judging it. */
function keyOfText(text: string): string {
  const words = text.split(",");
  return ["nqn=", "traddr=", "trsvcid=", "hostnqn="].map((name) =>
    words.find((word) => word.startsWith(name)) ?? ""
  ).join(" ");
}
