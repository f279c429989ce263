/**
 * What must come to hold once the faults have ended: every path that is offered is live, the endpoint list is the
 * cluster's membership, every session is up with its event armed, and then nothing happens at all.
 */
import { formatHostPort } from "../../src/base/address.ts";
import { limits } from "../../src/base/limits.ts";
import { parseState } from "../../src/config/state_file.ts";
import { allows, type FabricNode, isListening } from "../fabric/fabric.ts";
import { type Rule, Violation } from "./safety.ts";
import type { SimHost } from "./sim_host.ts";
import type { SimWorld } from "./sim_world.ts";

/**
 * Virtual ms within which all must be well again: the longest pauses of plan and kernel one after the other (a
 * look-up of a name that hangs, a session's backoff, a connect's backoff), and a queue in the kernel.
 */
export const healMsMax = 180_000;
/** The steps in which it is looked for, ms. */
const lookMs = 250;
/** Longer than every periodic thing but the refresh of logs and, where there are names, their look-up, ms. */
const quietMs = 20_000;
const quietWithNamesMs = 70_000;
/** A few attempts at an endpoint, with their pauses, ms. */
const farewellMs = 60_000;

export class Liveness {
  readonly #sim: SimWorld;

  constructor(sim: SimWorld) {
    this.#sim = sim;
  }

  /** Runs time until all is well; answers the ms that took. Throws Violation. */
  async untilWell(limitMs = healMsMax): Promise<number> {
    const { clock } = this.#sim.memory;
    const startMs = clock.nowMs();
    for (;;) {
      const problem = this.#problem() ?? this.#queue();
      const tookMs = clock.nowMs() - startMs;
      if (problem === null) return tookMs;
      if (tookMs >= limitMs) throw new Violation(problem.rule, `After ${tookMs} ms: ${problem.what}`);
      await clock.advance(lookMs);
    }
  }

  /** A change made now is noticed by its event, at every node. */
  async checkArmed(): Promise<void> {
    const { memory, hosts, options } = this.#sim;
    // What was broken in the last moment (a reset on its way) shows first.
    await memory.clock.advance(2_000 + this.#afterEffectMs());
    await this.untilWell();
    // A node without any subsystem has no open port: whether it has one again is not told by an event.
    const listening = this.#sim.cluster.nodes.flatMap((node, at) => isListening(node) ? [at + 1] : []);
    const nqn = this.#sim.cluster.addSubsystem(listening);
    const paths = listening.length * hosts.length;
    const limitMs = 3_000 + paths * 2 * options.connectMs + 40 * options.latencyMs;
    const { clock } = memory;
    const startMs = clock.nowMs();
    for (let missing = this.#missing(); missing !== null; missing = this.#missing()) {
      if (clock.nowMs() - startMs > limitMs) {
        const what = `${nqn} is not live everywhere after ${limitMs} ms: ${missing.what}`;
        throw new Violation("event-noticed", what);
      }
      await clock.advance(lookMs);
    }
    await this.untilWell();
  }

  /**
   * Faults that connections keep: one that fell silent is noticed when a keep alive stays unanswered, and a log of
   * thousands of records, read in small pieces over a slow network, takes its time.
   */
  #afterEffectMs(): number {
    const { faults, memory, options } = this.#sim;
    const nowMs = memory.clock.nowMs();
    const recent = (kind: "wire" | "stall-after" | "dead-referrals") =>
      nowMs - faults.lastInForceMs(kind) < 120_000;
    if (recent("dead-referrals")) return 60_000;
    return recent("wire") || recent("stall-after") ? 1.5 * options.katoMs + limits.commandTimeoutMs : 0;
  }

  /** While nothing happens, nothing is done: no dial of a node that is up, no connect, no save, no line. */
  async checkQuiet(): Promise<void> {
    const { memory, options } = this.#sim;
    // A look-up that hung is told when it is given up.
    await memory.clock.advance(options.byName ? limits.resolveTimeoutMs + 3_000 : 3_000);
    // Endpoints that are away for good: told, retired where others disown them, then silence.
    if (this.#sessionsAway() > 0) await memory.clock.advance(farewellMs);
    const before = this.#doings();
    const lines = memory.log.lines.length;
    await memory.clock.advance(options.byName ? quietWithNamesMs : quietMs);
    const told = memory.log.lines.slice(lines).filter(({ level }) => level !== "debug");
    if (told.length > 0) throw new Violation("quiet", `A line for nothing: ${told[0]!.message}`);
    const after = this.#doings();
    for (const [what, count] of Object.entries(after)) {
      if (count !== before[what]) {
        throw new Violation("quiet", `${what}: ${count - before[what]!} for nothing`);
      }
    }
    const { leaks, wanted } = { leaks: memory.leaks(), wanted: this.#sessionsWanted() };
    if (leaks.sockets < wanted || leaks.sockets > wanted + 2 * this.#sessionsAway()) {
      throw new Violation("no-leak", `${leaks.sockets} sockets for ${wanted} sessions`);
    }
  }

  #sessionsAway(): number {
    const { agent } = this.#sim.process;
    return [...agent?.facts.sessions.values() ?? []].filter(({ state }) => state !== "live").length;
  }

  #doings(): Record<string, number> {
    const { memory } = this.#sim;
    const doings: Record<string, number> = {
      connects: memory.kernel.connects.length,
      saves: memory.store.saves.length,
      controllers: memory.kernel.list().length,
    };
    for (const node of this.#sim.cluster.nodes.filter(isListening)) {
      for (const { traddr, trsvcid } of [...node.discovery, ...node.io]) {
        const where = traddr.includes(":") ? `[${traddr}]:${trsvcid}` : `${traddr}:${trsvcid}`;
        doings[`dials of ${where}`] = memory.network.counts.dialsTo.get(where) ?? 0;
      }
    }
    return doings;
  }

  /** What was written to the kernel while it was slow holds its lock still, also of a process that is no more. */
  #queue(): { rule: Rule; what: string } | null {
    const { inFlight } = this.#sim.memory.kernel;
    return inFlight === 0
      ? null
      : { rule: "paths-live", what: `${inFlight} connects are under way in the kernel` };
  }

  #problem(): { rule: Rule; what: string } | null {
    return this.#missing() ?? this.#blindness();
  }

  #missing(): { rule: Rule; what: string } | null {
    const { agent } = this.#sim.process;
    if (agent === null) return { rule: "no-bug", what: "No agent runs" };
    const wrong = this.#wrongEntries();
    if (wrong !== null) return { rule: "entries-right", what: wrong };
    for (const host of this.#sim.hosts) {
      const problem = this.#problemOf(host);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** What counts of the files is what they say, under their very names: a move that was not noticed is still to come. */
  #wrongEntries(): string | null {
    const { files, process } = this.#sim;
    const wanted = files.entries.toSorted().join(", ");
    const inForce = new Set(
      process.agent?.facts.entries?.map(({ traddr, trsvcid, cluster, origin }) =>
        `${traddr} ${trsvcid} ${cluster.hostnqn} ${origin.file}`
      ),
    );
    const counted = [...inForce].sort().join(", ");
    return wanted === counted ? null : `In force are ${counted}, the files say ${wanted}`;
  }

  /** What is live and the agent does not know to be, as when sysfs was slow a moment ago. */
  #blindness(): { rule: Rule; what: string } | null {
    const away = this.#sim.process.agent?.snapshot().paths.find(({ state, address }) =>
      state !== "live" &&
      this.#sim.cluster.nodes.some((node) => isListening(node) && addressesOf(node).includes(address))
    );
    if (away === undefined) return null;
    return {
      rule: "paths-live",
      what: `${away.subsysnqn} ${away.address} is said to be ${away.state}: ${away.reason}`,
    };
  }

  #problemOf(host: SimHost): { rule: Rule; what: string } | null {
    const { memory, process: { agent } } = this.#sim;
    const members = this.#members(host);
    const state = [...agent!.facts.list.values()].find((cluster) =>
      cluster.members[0]?.endpoint.cluster.hostnqn === host.hostnqn
    );
    const active = (state?.members ?? []).filter(({ retired }) => !retired).map(({ endpoint }) => endpoint);
    const listed = new Set(active.map(addressText));
    for (const node of members) {
      const address = addressText(node.discovery[0]!);
      // One that is closed, and that the live ones do not name, may be retired.
      if (!listed.has(address) && !isListening(node)) continue;
      if (!listed.has(address)) return { rule: "endpoints-right", what: `${address} is not on the list` };
      if (!isListening(node)) continue;
      const session = [...agent!.facts.sessions.values()].find(({ endpoint }) =>
        endpoint.cluster.hostnqn === host.hostnqn && addressText(endpoint) === address
      );
      if (session?.state !== "live" || !session.logCurrent) {
        const why = session?.failure?.message ?? session?.state ?? "none";
        return { rule: "sessions-up", what: `The session to ${address} is not up: ${why}` };
      }
    }
    const extra = this.#extra(host, members, listed);
    if (extra !== null) return { rule: "endpoints-right", what: `${extra} is on the list` };
    const live = new Set(
      memory.kernel.list().filter((one) => one.state === "live" && one.hostnqn === host.hostnqn)
        .map((one) => `${one.subsysnqn} ${one.address.traddr} ${one.address.trsvcid}`),
    );
    for (const node of members.filter(isListening)) {
      for (const subsystem of node.subsystems) {
        if (!allows(subsystem, host.hostnqn)) continue;
        for (const { traddr, trsvcid } of node.io) {
          const path = `${subsystem.nqn} ${traddr} ${trsvcid}`;
          if (!live.has(path)) return { rule: "paths-live", what: `${path} is not live` };
        }
      }
    }
    return this.#stateProblem(host, listed);
  }

  /** The cluster's nodes, as an agent can find them that is told the configured ones. */
  #members(_host: SimHost): FabricNode[] {
    const { files: { configured }, cluster: { nodes } } = this.#sim;
    const found = new Set(configured);
    for (const from of found) {
      for (const to of nodes) {
        if (isListening(from) && this.#sim.cluster.refersTo(from, to)) found.add(to);
      }
    }
    return [...found].filter((node) => nodes.includes(node));
  }

  /**
   * What is on the list and should not be. Former members may stay where nobody can tell: a file named them, or they
   * name each other still.
   */
  #extra(_host: SimHost, members: readonly FabricNode[], listed: ReadonlySet<string>): string | null {
    const right = new Set(members.map((node) => addressText(node.discovery[0]!)));
    // What an endpoint that is closed now had named stays with it.
    if (!members.every(isListening)) return null;
    const publishing = members.some((from) =>
      isListening(from) && this.#sim.cluster.nodes.some((to) => this.#sim.cluster.refersTo(from, to))
    );
    for (const address of listed) {
      if (right.has(address)) continue;
      const node = this.#sim.cluster.nodes.find(({ discovery }) => addressText(discovery[0]!) === address);
      // Named by others that are listed, though no file leads there any more.
      if (node !== undefined) continue;
      if (publishing || !this.#sim.files.everConfigured.has(address)) return address;
    }
    return null;
  }

  #stateProblem(host: SimHost, listed: ReadonlySet<string>): { rule: Rule; what: string } | null {
    const { text } = this.#sim.memory.store;
    if (text === null) return { rule: "state-saved", what: "Nothing was saved" };
    try {
      const { entries } = parseState(new TextEncoder().encode(text));
      const saved = new Set(
        entries.filter(({ cluster, retired }) => cluster.hostnqn === host.hostnqn && !retired).map(
          addressText,
        ),
      );
      const same = saved.size === listed.size && [...saved].every((address) => listed.has(address));
      return same ? null : { rule: "state-saved", what: `Saved are ${[...saved]}, listed ${[...listed]}` };
    } catch (error) {
      return { rule: "state-saved", what: String(error) };
    }
  }

  #sessionsWanted(): number {
    return this.#sim.hosts.flatMap((host) => {
      const addresses = new Set(
        this.#members(host).filter(isListening).map((node) => addressText(node.discovery[0]!)),
      );
      // Those that name each other and that no file leads to are up as well.
      for (const { endpoint, state } of this.#sim.process.agent!.facts.sessions.values()) {
        if (state === "live" && endpoint.cluster.hostnqn === host.hostnqn) {
          addresses.add(addressText(endpoint));
        }
      }
      return [...addresses];
    }).length;
  }
}

function addressesOf({ io }: FabricNode): string[] {
  return io.map(({ traddr, trsvcid }) => formatHostPort(traddr, trsvcid));
}

export function addressText({ traddr, trsvcid }: { traddr: string; trsvcid: number }): string {
  return `${traddr} ${trsvcid}`;
}
