/** Goes to every discovery endpoint of the entries, and to those that their logs refer to, step by step. */
import { SessionRunner } from "../agent/session_runner.ts";
import { formatHostPort, isIpAddress } from "../base/address.ts";
import { AgentError, TimeoutError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { inParallel } from "../io/in_parallel.ts";
import { type Endpoint, endpointKey, endpointLabel } from "../model/endpoint.ts";
import type { Entry } from "../model/entry.ts";
import type { Connection, World } from "../model/world.ts";
import { discoveryNqn } from "../nvme/spec.ts";
import { referralsOf } from "../plan/testimony.ts";
import { logPaths } from "../plan/wanted_paths.ts";
import type { DiscoveryLog } from "../protocol/log_reader.ts";
import type { EndpointExam, EndpointStep } from "../report/doctor/network_checks.ts";
import { isMeant, type NetworkOptions, Steps } from "./doctor_steps.ts";

interface Goal {
  readonly endpoint: Endpoint;
  /** Name in place of an address, still to be looked up. */
  readonly name?: string;
  readonly origin: string;
}

export interface Visit {
  readonly exam: EndpointExam;
  readonly endpoint: Endpoint;
  readonly log: DiscoveryLog | null;
}

/** Wave by wave: the entries' endpoints, then those that their logs refer to, and so on. */
export async function visitAll(
  entries: readonly Entry[],
  options: NetworkOptions,
  deadlineMs: number,
): Promise<{ visits: Visit[]; skipped: number }> {
  const { clock } = options.world;
  const seen = new Set<string>();
  const visits: Visit[] = [];
  let skipped = 0;
  const all = goalsOf(entries, seen);
  const { narrow } = options;
  const meant = narrow === null ? [] : all.filter(({ endpoint }) => isMeant(narrow, endpoint));
  // What no entry names may be a referral or a path: only the logs of all tell.
  let wave = meant.length > 0 ? meant : all;
  for (let depth = 0; depth <= limits.referralDepthMax && wave.length > 0; depth++) {
    const room = Math.max(0, limits.doctorEndpointsMax - visits.length);
    skipped += Math.max(0, wave.length - room);
    const goals = wave.slice(0, room);
    let done = 0;
    const found = await inParallel(goals, limits.doctorAtOnce, async (goal) => {
      const visited = clock.nowMs() >= deadlineMs ? null : await visit(goal, options);
      options.onProgress("endpoints", ++done, goals.length);
      return visited;
    });
    skipped += found.filter((each) => each === null).length;
    const reached = found.flatMap((each) => each ?? []);
    visits.push(...reached);
    wave = meant.length === 0 ? reached.flatMap((each) => referralGoals(each, seen)) : [];
  }
  return { visits, skipped };
}

function goalsOf(entries: readonly Entry[], seen: Set<string>): Goal[] {
  return entries.flatMap((entry): Goal[] => {
    const { cluster, transport, traddr, trsvcid, hostid, discoveryNqn, options, origin } = entry;
    const key = endpointKey({ cluster, transport, traddr, trsvcid });
    if (seen.has(key)) return [];
    seen.add(key);
    const endpoint: Endpoint = {
      cluster,
      transport,
      traddr,
      trsvcid,
      hostid,
      discoveryNqn,
      options,
      source: "user",
      origins: [origin],
    };
    const where = `${origin.file}:${origin.line}`;
    return [isIpAddress(traddr) ? { endpoint, origin: where } : { endpoint, name: traddr, origin: where }];
  });
}

function referralGoals({ endpoint, log }: Visit, seen: Set<string>): Goal[] {
  if (log === null) return [];
  return referralsOf(log, endpoint).flatMap(({ key, traddr, trsvcid, subnqn }): Goal[] => {
    if (seen.has(key)) return [];
    seen.add(key);
    const referred: Endpoint = {
      ...endpoint,
      traddr,
      trsvcid,
      discoveryNqn: subnqn === discoveryNqn ? undefined : subnqn,
      source: "referral",
      origins: [],
    };
    return [{ endpoint: referred, origin: `referral of ${endpointLabel(endpoint)}` }];
  });
}

async function visit({ endpoint, name, origin }: Goal, options: NetworkOptions): Promise<Visit> {
  const { clock, resolver } = options.world;
  const steps = new Steps(clock.nowMs());
  const common = {
    label: formatHostPort(name ?? endpoint.traddr, endpoint.trsvcid),
    origin,
    hostnqn: endpoint.cluster.hostnqn,
  };
  let there = endpoint;
  if (name !== undefined) {
    try {
      const [address] = await before(
        clock,
        limits.resolveTimeoutMs,
        resolver.resolve(name),
        `No answer for ${name}`,
      );
      steps.add("name", true, clock.nowMs());
      there = { ...endpoint, traddr: address!, hostName: name };
    } catch (error) {
      steps.add("name", false, clock.nowMs());
      return { endpoint, log: null, exam: { ...common, steps: steps.taken, error: expected(error) } };
    }
  }
  const unrouted = checkRoute(there, steps, options);
  if (unrouted !== null) {
    return { endpoint: there, log: null, exam: { ...common, steps: steps.taken, error: unrouted } };
  }
  const { log, error, connection } = await readLog(there, steps, options);
  const localAddress = connection?.localAddress;
  const localInterface = localAddress === undefined
    ? undefined
    : await options.sights.interfaceOf(localAddress);
  const exam: EndpointExam = {
    ...common,
    steps: steps.taken,
    ...error === null ? {} : { error },
    ...localAddress === undefined ? {} : { localAddress },
    ...localInterface === undefined ? {} : { localInterface },
    ...log === null ? {} : {
      log: {
        generation: String(log.genctr),
        records: log.records.length,
        paths: logPaths(log, there, options.auxSuffix).paths.length,
      },
    },
  };
  return { exam, endpoint: there, log };
}

/** Null for a route, or where nothing tells: TCP will. */
function checkRoute(
  { traddr, options: { hostTraddr, hostIface } }: Endpoint,
  steps: Steps,
  { world, sights }: NetworkOptions,
): Error | null {
  const nowMs = world.clock.nowMs();
  try {
    sights.routeTo({ traddr, hostTraddr, hostIface });
    steps.add("route", true, nowMs);
    return null;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    if (!noRouteCodes.has(error.code)) return null;
    steps.add("route", false, nowMs);
    return error;
  }
}

const noRouteCodes = new Set(["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "ENODEV"]);

interface LogReading {
  readonly log: DiscoveryLog | null;
  readonly error: Error | null;
  readonly connection: Connection | null;
}

/** One session, ended as soon as its log is there. */
function readLog(
  endpoint: Endpoint,
  steps: Steps,
  { world, katoMs, hostidOf }: NetworkOptions,
): Promise<LogReading> {
  const { clock, dialer } = world;
  const names = { icresp: "ICResp", connect: "Connect", identify: "Identify" } as const;
  let connection: Connection | null = null;
  let next: EndpointStep = "TCP";
  const took = (step: EndpointStep, following: EndpointStep, nowMs: number) => {
    steps.add(step, true, nowMs);
    next = following;
  };
  return new Promise((resolve) => {
    let log: DiscoveryLog | null = null;
    const finish = (error: Error | null) => {
      timer.cancel();
      if (log === null) steps.add(next, false, clock.nowMs());
      resolve({
        log,
        error: log === null ? error ?? new TimeoutError("doctor", "It ended without a log") : null,
        connection,
      });
    };
    const runner = new SessionRunner({
      world: {
        clock,
        dialer: {
          dial: async (target, signal) => {
            connection = await dialer.dial(target, signal);
            took("TCP", "ICResp", clock.nowMs());
            return connection;
          },
        },
      },
      endpoint,
      hostid: hostidOf(endpoint.cluster.hostnqn, endpoint.hostid),
      katoMs,
      onStep: (step, nowMs) => {
        const following = { icresp: "Connect", connect: "Identify", identify: "log" } as const;
        took(names[step], following[step], nowMs);
      },
      onEvent: (event) => {
        if (event.kind === "log" && log === null) {
          log = event.log;
          took("log", "log", clock.nowMs());
          runner.stop();
        } else if (event.kind === "closed") finish(event.error);
      },
    });
    const timer = clock.setTimer(limits.doctorEndpointMs, () => {
      runner.abandon();
      finish(new TimeoutError("timeout", `No answer within ${limits.doctorEndpointMs / 1_000} s`));
    });
  });
}

function before<T>(clock: World["clock"], ms: number, work: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(
      ms,
      () => reject(new TimeoutError("resolve", `${what} within ${ms / 1_000} s`)),
    );
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

function expected(error: unknown): Error {
  if (error instanceof AgentError) return error;
  throw error;
}
