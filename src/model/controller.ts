/** A controller of the kernel, as sysfs shows it (/sys/class/nvme/nvmeN). */
export interface Controller {
  /** `nvme0`. */
  readonly name: string;
  readonly instance: number;
  /** `tcp`, `rdma`, `fc`, `loop`, `pcie`. */
  readonly transport: string;
  readonly state: ControllerState;
  readonly subsysnqn: string;
  readonly address: ControllerAddress;
  readonly hostnqn?: string;
  /** UUID text, lower case. */
  readonly hostid?: string;
  readonly cntlid?: number;
  /** `io`, `discovery`, `admin`; absent on old kernels. */
  readonly cntrltype?: string;
}

export type ControllerState =
  | "new"
  | "live"
  | "resetting"
  | "connecting"
  | "deleting"
  | "dead"
  | "unknown";

/** The parts of the `address` attribute, as written there. */
export interface ControllerAddress {
  readonly traddr: string;
  readonly trsvcid: string;
  readonly hostTraddr?: string;
  readonly hostIface?: string;
  /** Local address of the connection, kernels from 6.1, only while connected. */
  readonly srcAddr?: string;
}

/** The controller exists and the kernel looks after it: live, or on its way back by the kernel's own retries. */
export function isKept(state: ControllerState): boolean {
  return state === "live" || state === "connecting" || state === "resetting" || state === "new";
}
