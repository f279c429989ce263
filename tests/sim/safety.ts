/**
 * What must hold at every step of a simulated run, whatever breaks. Each rule has a name, by which a violation is
 * told and a mutation is caught.
 */
import { canonicalAddress, formatHostPort } from "../../src/base/address.ts";
import { errorText } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { parseState } from "../../src/config/state_file.ts";
import type { DiscoveryLog } from "../../src/protocol/log_reader.ts";
import type { Snapshot } from "../../src/report/snapshot.ts";
import { pageDigest } from "../fabric/served.ts";
import type { ConnectRecord } from "./memory_kernel.ts";
import type { SimWorld } from "./sim_world.ts";

export type Rule =
  | "no-bug"
  | "no-disconnect"
  | "connect-named"
  | "connect-options"
  | "one-connect-a-path"
  | "connects-in-flight"
  | "connect-needed"
  | "connect-proven"
  | "connects-bounded"
  | "memory-used"
  | "log-as-served"
  | "paths-stay"
  | "endpoints-stay"
  | "state-loadable"
  | "state-not-ahead"
  | "state-kept"
  | "no-secret"
  | "sockets-bounded"
  | "timers-bounded"
  | "dials-bounded"
  | "time-moves"
  // After the faults.
  | "paths-live"
  | "endpoints-right"
  | "entries-right"
  | "sessions-up"
  | "state-saved"
  | "event-noticed"
  | "quiet"
  | "no-leak";

export class Violation extends Error {
  constructor(readonly rule: Rule, what: string) {
    super(`${rule}: ${what}`);
  }
}

/** Dials of one port in one second of virtual time, for each host identity. */
const dialsPerSecondMax = 8;
/** Timers run in one second of virtual time; a storm on five nodes stays far below. */
const timersPerSecondMax = 20_000;
/** Writes of one path to the kernel in one second of virtual time. */
const connectsPerSecondMax = 4;
/** A proof of an address may be this old at most, ms: it is good for 5 s, and its answer may have been late. */
const provenMs = 12_000;
/** How often the network and the kernel are looked at, virtual ms: far more often than what the rules allow. */
const lookMs = 100;
/** A controller that is live for this long, while sysfs could be read, is known to be there, ms. */
const sysfsKnownMs = 15_000;
/** After trouble with sysfs it is read less often for a while, ms. */
const sysfsTroubleMs = 60_000;

export class Safety {
  readonly #sim: SimWorld;
  #connects = 0;
  #losses = 0;
  #saves = 0;
  #paths: ReadonlySet<string> = new Set();
  #endpoints: ReadonlySet<string> = new Set();
  #seenLogs = new WeakSet<DiscoveryLog>();
  #secondAtMs = 0;
  #timersBefore = 0;
  #dialsBefore = new Map<string, number>();
  #connectedBefore = 0;
  #acknowledged = -1;
  #lookedAtMs = -Infinity;
  /** What the disk told the process that was booted last. */
  #remembered: readonly { address: string; hostnqn: string }[] = [];
  readonly #formerIdentities = new Map<string, string>();
  /** Since when I/O ports do not answer, by `host:port`. */
  readonly #awayAtMs = new Map<string, number>();

  constructor(sim: SimWorld) {
    this.#sim = sim;
  }

  /** A new process knows nothing yet. What it finds on the disk must be what an earlier one had saved. */
  handleBoot(): void {
    this.#paths = new Set();
    this.#endpoints = new Set();
    this.#checkDisk();
    this.#remembered = this.#rememberedNow();
  }

  /** What the disk says, where nothing but the agent has changed anything. */
  #rememberedNow(): { address: string; hostnqn: string }[] {
    const { files, membership, memory, process } = this.#sim;
    const { text } = memory.store;
    if (
      this.#acknowledged < 0 || process.stateDamaged || membership.changed || files.touched ||
      text === null ||
      memory.store.readError !== null
    ) return [];
    return this.#parsed(text, "The disk's state").entries.filter(({ retired }) => !retired).map((entry) => ({
      address: formatHostPort(entry.traddr, entry.trsvcid),
      hostnqn: entry.cluster.hostnqn,
    }));
  }

  #checkRemembered({ clusters }: Snapshot): void {
    if (this.#sim.membership.changed || this.#sim.files.touched) this.#remembered = [];
    for (const { address, hostnqn } of this.#remembered) {
      const known = clusters.some((one) =>
        one.hostnqn === hostnqn && one.endpoints.some((endpoint) => endpoint.address === address)
      );
      if (!known) throw new Violation("memory-used", `${address} was remembered and is not on the list`);
    }
    this.#remembered = [];
  }

  /** After every timer. Throws Violation. */
  check(): void {
    const { memory } = this.#sim;
    const { connects, losses } = memory.kernel;
    if (memory.clock.nowMs() - this.#lookedAtMs >= lookMs || connects.length > this.#connects) this.#look();
    for (; this.#losses < losses.length; this.#losses++) {
      const { name, cause } = losses[this.#losses]!;
      if (cause === "unloaded") this.#forgetIdentities();
      if (cause === "deleted" && !this.#sim.deletedByHand.has(name)) {
        throw new Violation("no-disconnect", `${name} was deleted, by nobody else's hand`);
      }
      if (cause === "expired") throw new Violation("no-disconnect", `${name} was given up by the kernel`);
    }
    for (; this.#connects < connects.length; this.#connects++) this.#checkConnect(connects[this.#connects]!);
    const { saves } = memory.store;
    for (; this.#saves < saves.length; this.#saves++) this.#checkSave(saves[this.#saves]!.text);
    const [violation] = memory.log.violations;
    if (violation !== undefined) throw new Violation("no-secret", violation);
    if (memory.clock.nowMs() - this.#secondAtMs >= 1_000) this.#checkSecond();
  }

  /** What the rules about connects go by. */
  #look(): void {
    this.#lookedAtMs = this.#sim.memory.clock.nowMs();
    this.#checkAway();
  }

  /** After every pass of the agent. */
  checkPass(snapshot: Snapshot): void {
    this.#checkLogs();
    this.#checkRemembered(snapshot);
    this.#checkKept(snapshot);
    this.#sim.memory.log.checkText("The snapshot", JSON.stringify(snapshot));
  }

  #checkConnect(record: ConnectRecord): void {
    const { fabric } = this.#sim.world;
    const options = new Map(
      record.text.split(",").map((part) => {
        const at = part.indexOf("=");
        return at < 0 ? [part, ""] as const : [part.slice(0, at), part.slice(at + 1)] as const;
      }),
    );
    const { nqn = "", traddr = "", trsvcid = "", hostnqn = "" } = Object.fromEntries(options);
    const what = `${nqn} at ${formatHostPort(traddr, Number(trsvcid))} for ${hostnqn}`;
    if (!this.#sim.identities.has(hostnqn)) throw new Violation("connect-named", `Nobody asked for ${what}`);
    if (!fabric.served.named(hostnqn).has(`${canonicalAddress(traddr)} ${trsvcid} ${nqn}`)) {
      throw new Violation("connect-named", `No log ever named ${what}`);
    }
    this.#checkOptions(options, what);
    this.#checkInFlight(record, what);
    this.#checkRate(record, what);
    this.#checkProven(record, formatHostPort(traddr, Number(trsvcid)));
    this.#checkNeeded(record, { nqn, traddr, trsvcid, hostnqn }, what);
  }

  #checkOptions(options: ReadonlyMap<string, string>, what: string): void {
    const { secrets, digests } = this.#sim.options;
    const wanted = new Set(["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid"]);
    if (digests) { for (const name of ["hdr_digest", "data_digest"]) wanted.add(name); }
    if (secrets) wanted.add("dhchap_secret");
    for (const name of wanted) {
      if (!options.has(name)) throw new Violation("connect-options", `${what} is without ${name}`);
    }
    const [hostnqn, hostid] = [options.get("hostnqn")!, options.get("hostid")!];
    const right = this.#sim.identities.get(hostnqn)!;
    if (hostid !== right && hostid !== this.#formerIdentities.get(hostnqn)) {
      throw new Violation("connect-options", `${what} has host ID ${hostid}, not ${right}`);
    }
    for (const name of options.keys()) {
      if (!wanted.has(name)) {
        throw new Violation("connect-options", `${what} has ${name}, which nobody asked for`);
      }
    }
  }

  #checkInFlight(record: ConnectRecord, what: string): void {
    const pending = this.#sim.memory.kernel.connects.filter(({ result, run }) =>
      result === "pending" && run === record.run
    );
    if (pending.length > limits.connectsInFlightMax) {
      throw new Violation("connects-in-flight", `${pending.length} at once`);
    }
    if (pending.some((other) => other !== record && other.text === record.text)) {
      throw new Violation("one-connect-a-path", `${what} is being connected already`);
    }
  }

  /** A refusal brings a pause, whatever the errno. */
  #checkRate({ text, writtenMs, run }: ConnectRecord, what: string): void {
    const late = this.#sim.memory.kernel.connects.filter((other) =>
      other.run === run && other.text === text && writtenMs - other.writtenMs < 1_000
    );
    if (late.length > connectsPerSecondMax) {
      throw new Violation("connects-bounded", `${what}: ${late.length} times in a second`);
    }
  }

  /** An address where nobody has answered for long is not asked for in the kernel, where others wait behind it. */
  #checkProven({ writtenMs }: ConnectRecord, where: string): void {
    const sinceMs = this.#awayAtMs.get(where);
    if (sinceMs !== undefined && writtenMs - sinceMs > provenMs) {
      throw new Violation("connect-proven", `${where} has not answered for ${writtenMs - sinceMs} ms`);
    }
  }

  /** All controllers are gone at once, as after a power loss: no identifier is in force. */
  #forgetIdentities(): void {
    const { hosts, identities } = this.#sim;
    for (const host of hosts) {
      const before = identities.get(host.hostnqn)!;
      if (before === host.hostid) continue;
      // Who has not looked at sysfs since may still take the old one; the kernel takes any.
      this.#formerIdentities.set(host.hostnqn, before);
      identities.set(host.hostnqn, host.hostid);
    }
  }

  /** Since when the I/O ports do not answer. */
  #checkAway(): void {
    const { clock, network } = this.#sim.memory;
    for (const { io } of this.#sim.cluster.nodes) {
      for (const { traddr, trsvcid } of io) {
        const where = formatHostPort(traddr, trsvcid);
        if (network.reach(traddr, trsvcid) === "open") this.#awayAtMs.delete(where);
        else if (!this.#awayAtMs.has(where)) this.#awayAtMs.set(where, clock.nowMs());
      }
    }
  }

  /** What the kernel has had for long, and sysfs has shown, is not connected again. */
  #checkNeeded(
    { writtenMs }: ConnectRecord,
    path: { nqn: string; traddr: string; trsvcid: string; hostnqn: string },
    what: string,
  ): void {
    const { kernel } = this.#sim.memory;
    const troubled =
      (["sysfs-error", "sysfs-torn", "sysfs-slow", "module-unloaded", "kernel-absent"] as const)
        .some((kind) => writtenMs - this.#sim.faults.lastInForceMs(kind) < sysfsTroubleMs);
    if (troubled) return;
    const controller = kernel.list().find((one) =>
      one.state === "live" && one.subsysnqn === path.nqn && one.hostnqn === path.hostnqn &&
      one.address.traddr === path.traddr && one.address.trsvcid === path.trsvcid
    );
    if (controller === undefined) return;
    const made = kernel.connects.findLast(({ name, result }) =>
      name === controller.name && result === "connected"
    );
    if (made !== undefined && writtenMs - made.endedMs > sysfsKnownMs) {
      throw new Violation("connect-needed", `${what} has been live as ${controller.name} for long`);
    }
  }

  #checkSave(text: string): void {
    const state = this.#parsed(text, "What was saved");
    for (const { traddr, trsvcid, cluster, source } of state.entries) {
      const known = source === "user"
        ? this.#everConfigured(traddr, trsvcid)
        : this.#sim.world.fabric.served.referred(cluster.hostnqn).has(`${traddr} ${trsvcid}`) ||
          // A configured endpoint whose line is gone is a referral's from then on.
          this.#everConfigured(traddr, trsvcid);
      if (!known) throw new Violation("state-not-ahead", `${traddr}:${trsvcid} was never named`);
    }
  }

  #everConfigured(traddr: string, trsvcid: number): boolean {
    return this.#sim.files.everConfigured.has(`${traddr} ${trsvcid}`);
  }

  #parsed(text: string, what: string) {
    try {
      const state = parseState(new TextEncoder().encode(text));
      if (state.problems.length > 0) throw new Error(state.problems.join("; "));
      return state;
    } catch (error) {
      throw new Violation("state-loadable", `${what} cannot be loaded: ${errorText(error)}`);
    }
  }

  /** The last save that was acknowledged, or a later one. */
  #checkDisk(): void {
    const { store } = this.#sim.memory;
    for (let at = store.saves.length - 1; at > this.#acknowledged; at--) {
      if (store.saves[at]!.endedMs !== Infinity) {
        this.#acknowledged = at;
        break;
      }
    }
    if (this.#sim.process.stateDamaged || this.#acknowledged < 0) return;
    const { text } = store;
    if (!store.saves.slice(this.#acknowledged).some((save) => save.text === text)) {
      throw new Violation("state-kept", `The disk holds ${text === null ? "nothing" : text.slice(0, 80)}`);
    }
  }

  /** A source that cannot be asked takes nothing away: no path and no endpoint goes unless somebody took it back. */
  #checkKept({ paths, clusters }: Snapshot): void {
    const nowPaths = new Set(
      paths.map(({ subsysnqn, address, hostnqn }) => `${subsysnqn} ${address} ${hostnqn}`),
    );
    const nowEndpoints = new Set(
      clusters.flatMap(({ hostnqn, endpoints }) =>
        endpoints.filter(({ retired }) => !retired).map(({ address }) => `${address} ${hostnqn}`)
      ),
    );
    if (!this.#sim.membership.changed) {
      for (const path of this.#paths) {
        if (nowPaths.has(path) || this.#sim.membership.isWithdrawn(path.split(" ")[0]!)) continue;
        throw new Violation("paths-stay", `${path} is forgotten`);
      }
      for (const endpoint of this.#endpoints) {
        if (!nowEndpoints.has(endpoint)) throw new Violation("endpoints-stay", `${endpoint} is forgotten`);
      }
    }
    this.#paths = nowPaths;
    this.#endpoints = nowEndpoints;
  }

  /** What is held for a log is one page, whole, as that very node served it to that very host. */
  #checkLogs(): void {
    const { world, process: { agent } } = this.#sim;
    for (const { log, endpoint } of agent?.facts.sessions.values() ?? []) {
      if (log === null || this.#seenLogs.has(log)) continue;
      this.#seenLogs.add(log);
      const node = this.#sim.cluster.nodes.find(({ discovery }) =>
        discovery.some(({ traddr, trsvcid }) => traddr === endpoint.traddr && trsvcid === endpoint.trsvcid)
      );
      if (node === undefined) continue;
      const { hostnqn } = endpoint.cluster;
      if (world.fabric.served.pages(node.id, hostnqn).has(pageDigest(log.genctr, log.records))) continue;
      throw new Violation(
        "log-as-served",
        `${node.id} never served generation ${log.genctr} like this to ${hostnqn}`,
      );
    }
  }

  #checkSecond(): void {
    const { memory, hosts, process: { agent } } = this.#sim;
    const seconds = Math.max(1, (memory.clock.nowMs() - this.#secondAtMs) / 1_000);
    const first = this.#secondAtMs === 0;
    this.#secondAtMs = memory.clock.nowMs();
    const timers = memory.clock.timersRun - this.#timersBefore;
    this.#timersBefore = memory.clock.timersRun;
    if (timers > timersPerSecondMax * seconds) {
      throw new Violation("time-moves", `${timers} timers in a second`);
    }
    // What the kernel connected needed its dial, though nobody may know of that path any more.
    const connected = memory.kernel.connects.filter(({ result }) => result === "connected").length;
    const connectedNow = connected - this.#connectedBefore;
    this.#connectedBefore = connected;
    for (const [where, count] of memory.network.counts.dialsTo) {
      const dials = count - (this.#dialsBefore.get(where) ?? 0);
      this.#dialsBefore.set(where, count);
      // A connect that the address refused has it proven again: one dial for each path at most.
      const paths = Math.max(connectedNow, agent?.facts.connects.size ?? 0);
      const dialsMax = dialsPerSecondMax * hosts.length * seconds + paths;
      if (!first && dials > dialsMax) {
        throw new Violation("dials-bounded", `${dials} dials of ${where} in ${seconds.toFixed(1)} s`);
      }
    }
    if (agent === null) return;
    const { sessions, probes, list } = agent.facts;
    const held = sessions.size + probes.size;
    const { dialing } = memory.network;
    if (dialing > limits.sessionsOpeningMax + limits.probesInFlightMax) {
      throw new Violation("sockets-bounded", `${dialing} dials at once`);
    }
    const leaks = memory.leaks();
    const socketsMax = 8 + 3 * held;
    if (leaks.sockets > socketsMax) {
      throw new Violation("sockets-bounded", `${leaks.sockets} sockets for ${held} sessions and ports`);
    }
    if (leaks.timers > 24 + 3 * held) {
      throw new Violation("timers-bounded", `${leaks.timers} timers for ${held} sessions and ports`);
    }
    for (const { members } of list.values()) {
      if (members.length > limits.endpointsPerClusterMax) {
        throw new Violation("sockets-bounded", `${members.length} endpoints in a cluster`);
      }
    }
  }
}
