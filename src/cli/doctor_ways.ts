/** Looks at the way to every address that answered: route, TCP's terms, echoes of the largest size. Judges nothing. */
import { AgentError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { inParallel } from "../io/in_parallel.ts";
import type { WayTarget } from "../io/network_way.ts";
import type { EchoReading, EchoResult, WayReading } from "../report/doctor/way_checks.ts";
import type { NetworkSights } from "./doctor_steps.ts";

export interface WayGoal extends WayTarget {
  /** A port that is open there. */
  readonly trsvcid: number;
}

export interface WayOptions {
  readonly clock: Clock;
  readonly sights: NetworkSights;
  readonly deadlineMs: number;
  readonly onProgress: (doing: string, done: number, of: number) => void;
}

/** One reading an address; those that could not be looked at, for time or want of means, are left out. */
export async function examineWays(goals: readonly WayGoal[], options: WayOptions): Promise<WayReading[]> {
  const { clock, sights, deadlineMs, onProgress } = options;
  const byWay = new Map(goals.map((goal) => [wayKey(goal), goal]));
  const ways = [...byWay.values()].slice(0, limits.doctorWaysMax);
  let done = 0;
  const readings = await inParallel(ways, limits.doctorAtOnce, async (goal) => {
    const reading = clock.nowMs() >= deadlineMs ? null : await readWay(goal, sights);
    onProgress("ways", ++done, ways.length);
    return reading;
  });
  return readings.filter((reading) => reading !== null);
}

function wayKey({ traddr, hostTraddr = "", hostIface = "" }: WayGoal): string {
  return `${traddr} ${hostTraddr} ${hostIface}`;
}

async function readWay(goal: WayGoal, sights: NetworkSights): Promise<WayReading | null> {
  try {
    const { sourceAddress, mtuBytes } = sights.routeTo(goal);
    const found = await sights.interfaceOf(sourceAddress);
    const common = {
      address: goal.traddr,
      sourceAddress,
      interfaceName: found?.name ?? null,
      interfaceMtuBytes: found?.mtu ?? null,
      routeMtuBytes: mtuBytes,
    };
    if (found?.name === "lo") return { ...common, tcp: null, echo: null };
    const [tcp, echo] = await Promise.all([
      sights.tcpTermsWith(goal, goal.trsvcid, limits.doctorEchoMs),
      mtuBytes === null ? null : readEcho(goal, sights, Math.min(mtuBytes, limits.doctorEchoBytesMax)),
    ]);
    return { ...common, tcp, echo };
  } catch (error) {
    // Without a route TCP has failed, and says so; without FFI there is nothing to look with.
    if (error instanceof AgentError) return null;
    throw error;
  }
}

/** A single packet may be lost by chance: the large one has a second try. */
async function readEcho(goal: WayGoal, sights: NetworkSights, packetBytes: number): Promise<EchoReading> {
  const send = (bytes: number): Promise<EchoResult> => sights.echoOf(goal, bytes, limits.doctorEchoMs);
  const [small, first] = await Promise.all([send(limits.doctorEchoBytesMin), send(packetBytes)]);
  const large = small === "back" && first === "lost" ? await send(packetBytes) : first;
  return { packetBytes, small, large };
}
