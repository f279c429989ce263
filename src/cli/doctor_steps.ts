/** What those who go to endpoints and to paths for doctor have in common: what they are given, and their steps. */
import { canonicalAddress, sameAddress } from "../base/address.ts";
import { interfaceOf } from "../io/host_sights.ts";
import {
  type EchoAnswer,
  echoOf,
  type Route,
  routeTo,
  type TcpTerms,
  tcpTermsWith,
  type WayTarget,
} from "../io/network_way.ts";
import type { Controller } from "../model/controller.ts";
import type { World } from "../model/world.ts";
import type { FindingStep } from "../report/doctor/finding.ts";

/** An endpoint or a path that somebody asks about by its address. */
export interface NarrowAddress {
  /** As it was given. */
  readonly text: string;
  /** Address or name. */
  readonly host: string;
  readonly port: number | undefined;
}

/** Whether it means this one. A name means what has been found under it. */
export function isMeant(
  { host, port }: NarrowAddress,
  one: { readonly traddr: string; readonly trsvcid: number; readonly hostName?: string },
): boolean {
  const isSameHost = sameAddress(host, one.traddr) || canonicalAddress(host) === one.hostName;
  return isSameHost && (port === undefined || port === one.trsvcid);
}

/** What is asked of this host about its network; see io/network_way.ts and io/host_sights.ts. */
export interface NetworkSights {
  routeTo(target: WayTarget): Route;
  interfaceOf(address: string): Promise<{ readonly name: string; readonly mtu: number | null } | undefined>;
  tcpTermsWith(target: WayTarget, port: number, timeoutMs: number): Promise<TcpTerms | null>;
  echoOf(target: WayTarget, packetBytes: number, timeoutMs: number): Promise<EchoAnswer>;
}

export const realSights: NetworkSights = { routeTo, interfaceOf, tcpTermsWith, echoOf };

export interface NetworkOptions {
  readonly sights: NetworkSights;
  readonly world: Pick<World, "clock" | "dialer" | "resolver">;
  readonly katoMs: number;
  readonly auxSuffix: string;
  readonly controllers: readonly Controller[];
  /** The identifier that the agent would use. */
  readonly hostidOf: (hostnqn: string, wanted: string | undefined) => string;
  /** The only endpoint or path that matters; null for all. */
  readonly narrow: NarrowAddress | null;
  /** What the running agent says of a path that is not live; null when none runs. */
  readonly agentReasons: ReadonlyMap<string, string> | null;
  /** Something was done. */
  readonly onProgress: (doing: string, done: number, of: number) => void;
}

/** Each step's time counts from the end of the one before. */
export class Steps {
  readonly taken: FindingStep[] = [];
  #lastMs: number;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  add(name: string, ok: boolean, nowMs: number): void {
    this.taken.push({ name, ok, ms: Math.round((nowMs - this.#lastMs) * 10) / 10 });
    this.#lastMs = nowMs;
  }
}
