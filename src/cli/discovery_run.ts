/**
 * Reads the discovery log of one controller in a session that lasts no longer. A host name's addresses are tried one
 * after the other; the first that answers counts.
 */
import { formatHostPort, isIpAddress } from "../base/address.ts";
import { AgentError, errorCode, errorText, TimeoutError, TransportError } from "../base/errors.ts";
import { formatDurationMs } from "../base/duration.ts";
import { SessionRunner } from "../agent/session_runner.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { World } from "../model/world.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import type { Address } from "./entry_arguments.ts";

export type DiscoveryWorld = Pick<World, "clock" | "dialer" | "resolver">;

export interface DiscoveryRequest {
  readonly address: Address;
  readonly hostnqn: string;
  /** Address of this host to leave by. */
  readonly hostTraddr?: string;
  /** UUID text. */
  readonly hostid: string;
  readonly katoMs: number;
  /** For everything together; the log counts as read when it is there, not when the session has ended. */
  readonly timeoutMs: number;
}

/**
 * Calls `onLog` with the log as soon as it is there; resolves when the session has ended too, or time is up. Throws
 * TransportError or TimeoutError whose text names every address tried.
 */
export async function readDiscoveryLog(
  world: DiscoveryWorld,
  request: DiscoveryRequest,
  onLog: (log: DiscoveryLog) => void,
): Promise<void> {
  const { host, port } = request.address;
  const deadlineMs = world.clock.nowMs() + request.timeoutMs;
  const failures: unknown[] = [];
  try {
    const addresses = isIpAddress(host)
      ? [host]
      : await beforeDeadline(world, request, world.resolver.resolve(host));
    for (const traddr of addresses) {
      try {
        return await discoverAt(world, request, traddr, deadlineMs, onLog);
      } catch (error) {
        failures.push(error);
        if (world.clock.nowMs() >= deadlineMs) break;
      }
    }
  } catch (error) {
    failures.push(error);
  }
  throw discoveryError(formatHostPort(host, port), failures);
}

function discoveryError(label: string, failures: readonly unknown[]): TransportError {
  const reasons = [
    ...new Set(failures.map((error) => error instanceof AgentError ? error.message : errorText(error))),
  ];
  return new TransportError(errorCode(failures.at(-1)), `Cannot discover at ${label}: ${reasons.join("; ")}`);
}

/** A lookup cannot be ended, only left alone. */
async function beforeDeadline<T>(
  world: DiscoveryWorld,
  request: DiscoveryRequest,
  work: Promise<T>,
): Promise<T> {
  let onTimeout = () => {};
  const timeout = new Promise<never>((_, reject) => onTimeout = () => reject(timedOut(request)));
  const timer = world.clock.setTimer(request.timeoutMs, onTimeout);
  try {
    return await Promise.race([work, timeout]);
  } finally {
    timer.cancel();
  }
}

function timedOut({ timeoutMs }: DiscoveryRequest): TimeoutError {
  return new TimeoutError("discover", `no result within ${formatDurationMs(timeoutMs)}`);
}

function discoverAt(
  world: DiscoveryWorld,
  request: DiscoveryRequest,
  traddr: string,
  deadlineMs: number,
  onLog: (log: DiscoveryLog) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isRead = false;
    const runner = new SessionRunner({
      world,
      endpoint: endpointAt(request, traddr),
      hostid: request.hostid,
      katoMs: request.katoMs,
      events: false,
      onEvent: (event) => {
        if (event.kind === "log" && !isRead) {
          isRead = true;
          onLog(event.log);
          runner.stop();
        } else if (event.kind === "closed") {
          timer.cancel();
          if (isRead) resolve();
          else reject(event.error ?? timedOut(request));
        }
      },
    });
    const timer = world.clock.setTimer(Math.max(0, deadlineMs - world.clock.nowMs()), () => {
      runner.abandon();
      if (isRead) resolve();
      else reject(timedOut(request));
    });
  });
}

/** The endpoint of a request at one of its addresses. */
export function endpointAt(
  { hostnqn, address, hostTraddr }: Pick<DiscoveryRequest, "hostnqn" | "address" | "hostTraddr">,
  traddr: string,
): Endpoint {
  return {
    cluster: { subsysnqn: discoveryNqn, hostnqn },
    transport: "tcp",
    traddr,
    trsvcid: address.port,
    options: hostTraddr === undefined ? {} : { hostTraddr },
    source: "user",
    origins: [{ file: "command line", line: 0 }],
  };
}
