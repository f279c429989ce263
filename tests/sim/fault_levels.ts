/**
 * The faults in force in a simulated run. What the world is like follows from them alone, whatever came before, so
 * that a run means the same when steps are left out of it: whenever one begins or ends, everything is brought in line
 * with those that are left, and only what differs is touched.
 */
import { formatHostPort } from "../../src/base/address.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { FabricNode } from "../fabric/fabric.ts";
import { type Fault, isWireFault } from "../fabric/fault.ts";
import { deadReferrals, hostileRecords } from "../fabric/hostile_records.ts";
import type { AgentProcess } from "./agent_process.ts";
import type { FabricWorld } from "./fabric_world.ts";
import type { Membership } from "./membership.ts";
import type { NetworkFault } from "./memory_network.ts";
import type { FaultAction, FaultStep, Ports } from "./run_step.ts";
import type { SimCluster } from "./sim_cluster.ts";
import type { SimFiles } from "./sim_files.ts";
import type { SimHost } from "./sim_host.ts";

/** What faults are put upon. */
export interface FaultedWorld {
  readonly world: FabricWorld;
  readonly hosts: readonly SimHost[];
  readonly cluster: SimCluster;
  readonly membership: Membership;
  readonly files: SimFiles;
  readonly process: AgentProcess;
}

type Kind = FaultAction["kind"];
type FaultOf<K extends Kind> = Extract<FaultAction, { kind: K }>;

interface Link {
  readonly nqn: string;
  readonly nodeId: string;
}

/** How long the kernel takes to notice that a controller fell silent, ms: its keep alive. */
const kernelNoticesMs = 7_000;
/** Connect Invalid Host: what a discovery controller answers a host that it does not want. */
const refusalStatus = 0x184;

export class FaultLevels {
  readonly #on: FaultedWorld;
  /** By time of beginning. */
  readonly #active = new Set<FaultStep>();
  /** Nodes with a fault in force that their connections keep. */
  readonly #lasting = new Set<string>();
  /** What each thing was set to last, as text, by the thing's name. */
  readonly #levels = new Map<string, string>();
  readonly #lastInForceMs = new Map<Kind, number>();
  /** Links that faults have taken away. */
  readonly #unlinked = new Map<string, Link>();

  constructor(on: FaultedWorld) {
    this.#on = on;
  }

  begin(step: FaultStep): void {
    this.#active.add(step);
    this.#lastInForceMs.set(step.fault.kind, Infinity);
    this.#settle();
  }

  end(step: FaultStep): void {
    const { kind } = step.fault;
    this.#active.delete(step);
    if (!this.#any(kind)) this.#lastInForceMs.set(kind, this.#on.world.memory.clock.nowMs());
    this.#settle();
  }

  /** Ends all that are in force. */
  clear(): void {
    this.#active.clear();
    this.#settle();
  }

  /** When a fault of the kind was in force last, on the clock; Infinity while one is, -Infinity for never. */
  lastInForceMs(kind: Kind): number {
    return this.#lastInForceMs.get(kind) ?? -Infinity;
  }

  #of<K extends Kind>(kind: K): FaultOf<K>[] {
    return [...this.#active].map(({ fault }) => fault)
      .filter((fault): fault is FaultOf<K> => fault.kind === kind);
  }

  #any(kind: Kind): boolean {
    return this.#of(kind).length > 0;
  }

  /** The last one that began. */
  #last<K extends Kind>(kind: K): FaultOf<K> | undefined {
    return this.#of(kind).at(-1);
  }

  /** Calls `set` when the value differs from what it was set to last, which is `whole` at first. */
  #level<T>(name: string, whole: T, value: T, set: (value: T) => void): void {
    const text = JSON.stringify(value) ?? "";
    if ((this.#levels.get(name) ?? JSON.stringify(whole) ?? "") === text) return;
    this.#levels.set(name, text);
    set(value);
  }

  #settle(): void {
    this.#settleNetwork();
    for (const node of this.#on.cluster.nodes) this.#settleTarget(node);
    this.#settleAccess();
    this.#settleLinks();
    this.#settleReferrals();
    this.#settleKernel();
    this.#settleFiles();
    this.#settleProcess();
  }

  #settleNetwork(): void {
    const { cluster, world: { memory: { network } } } = this.#on;
    for (const node of cluster.nodes) {
      for (const port of ["discovery", "io"] as const) {
        const { traddr, trsvcid } = node[port][0]!;
        const where = formatHostPort(traddr, trsvcid);
        this.#level(`net ${where}`, null, this.#networkFault(node, port), (fault) => {
          network.setFault(where, fault);
          if (fault?.swallow !== undefined) this.#kernelNotices();
        });
      }
    }
    network.socketsMax = this.#last("few-sockets")?.sockets ?? Infinity;
    this.#level("names", undefined, this.#last("names-fail")?.how, (how) => {
      cluster.setNames(how === undefined ? true : how === "hang" ? "hang" : false);
    });
  }

  #networkFault(node: FabricNode, port: "discovery" | "io"): NetworkFault | null {
    const fault: { -readonly [Key in keyof NetworkFault]: NetworkFault[Key] } = {};
    const concerns = (one: { readonly node: number; readonly port?: Ports }) =>
      this.#concerns(node)(one) && (one.port === undefined || one.port === "both" || one.port === port);
    for (const one of this.#of("silence").filter(concerns)) {
      fault.swallow = fault.swallow === undefined || fault.swallow === one.way ? one.way : "both";
    }
    for (const { errno } of this.#of("dial-error").filter(concerns)) fault.dialError = errno;
    if (this.#of("mute").some(concerns)) fault.mute = true;
    for (const one of this.#of("slow-network").filter(concerns)) {
      Object.assign(fault, { delayMs: one.delayMs, jitterMs: one.jitterMs });
    }
    for (const { bytes } of this.#of("fragments").filter(concerns)) fault.pieceBytesMax = bytes;
    for (const { bytes } of this.#of("reset-after").filter(concerns)) fault.resetAfterBytes = bytes;
    for (const { bytes } of this.#of("stall-after").filter(concerns)) fault.stallAfterBytes = bytes;
    return Object.keys(fault).length === 0 ? null : fault;
  }

  #concerns(node: FabricNode): (one: { readonly node: number }) => boolean {
    return (one) => this.#on.cluster.node(one.node) === node;
  }

  #kernelNotices(): void {
    const { clock, kernel } = this.#on.world.memory;
    clock.ownedBy("world").setTimer(kernelNoticesMs, () => kernel.checkConnections());
  }

  #settleTarget(node: FabricNode): void {
    const { world: { fabric, memory }, hosts, membership } = this.#on;
    const concerns = this.#concerns(node);
    this.#level(`down ${node.id}`, false, this.#of("node-down").some(concerns), (down) => {
      if (down) fabric.setNodeDown(node.id);
      else fabric.setNodeUp(node.id);
    });
    const wire = this.#of("wire").filter(concerns).map(({ fault }) => fault);
    this.#level(`wire ${node.id}`, [], wire, () => {
      fabric.setFaults(node.id, wire);
      const lasted = this.#lasting.delete(node.id);
      if (wire.some(lasts)) this.#lasting.add(node.id);
      // What stood before would never meet the fault. Its end leaves connections as they are, deaf ones too: the
      // agent has to find out by itself.
      if (wire.length === 0 && !lasted) return;
      const { traddr, trsvcid } = node.discovery[0]!;
      memory.network.reset(formatHostPort(traddr, trsvcid));
    });
    this.#level(`stale ${node.id}`, false, this.#of("stale-view").some(concerns), (stale) => {
      membership.note("stale-view");
      fabric.setStale(node.id, stale);
    });
    for (const [at, host] of hosts.entries()) {
      const refused = this.#of("discovery-refused").filter(concerns)
        .some((one) => (one.host - 1) % hosts.length === at);
      this.#level(`refused ${node.id} ${at}`, false, refused, () => {
        fabric.refuseDiscovery(node.id, host.hostnqn, refused ? refusalStatus : null);
      });
    }
    const salt = this.#of("hostile-log").filter(concerns).at(-1)?.salt ?? null;
    const count = this.#of("dead-referrals").filter(concerns).at(-1)?.count ?? 0;
    this.#level(`odd records ${node.id}`, [null, 0], [salt, count], () => {
      membership.note("odd-records");
      const hostile = salt === null ? [] : this.#hostileRecords(node, salt);
      fabric.injectRecords(node.id, [...hostile, ...deadReferrals(count)]);
    });
  }

  #hostileRecords(node: FabricNode, salt: number) {
    const { cluster } = this.#on;
    return hostileRecords(seededRandom(salt), {
      self: node.discovery[0]!,
      live: cluster.nodes.map(({ discovery }) => discovery[0]!),
      nqns: cluster.nqns,
    });
  }

  #settleAccess(): void {
    const { world: { fabric }, cluster, hosts, membership } = this.#on;
    const { nqns } = cluster;
    for (const [at, nqn] of nqns.entries()) {
      // Hosts that no fault names keep their access.
      const denied = this.#of("access-denied").filter((one) => (one.subsystem - 1) % nqns.length === at)
        .map(({ host }) => (host - 1) % hosts.length);
      this.#level(`denied ${nqn}`, [], denied, () => {
        if (denied.length > 0) membership.withdraw(nqn);
        fabric.setAnyHost(nqn, denied.length === 0);
        for (const [index, host] of hosts.entries()) {
          if (denied.length > 0 && !denied.includes(index)) fabric.allowHost(nqn, host.hostnqn);
          else fabric.denyHost(nqn, host.hostnqn);
        }
      });
    }
  }

  /** No level for each link: the numbers of faults mean other links once subsystems or nodes have come or gone. */
  #settleLinks(): void {
    const { world: { fabric }, membership } = this.#on;
    const wanted = this.#linksToTake();
    for (const [key, { nqn, nodeId }] of this.#unlinked) {
      if (wanted.has(key)) continue;
      this.#unlinked.delete(key);
      if (fabric.subsystems.has(nqn) && fabric.nodes.has(nodeId)) fabric.link(nqn, nodeId);
    }
    for (const [key, { nqn, nodeId }] of wanted) {
      const linked = fabric.node(nodeId).subsystems.has(fabric.subsystem(nqn));
      if (this.#unlinked.has(key) || !linked) continue;
      this.#unlinked.set(key, { nqn, nodeId });
      membership.withdraw(nqn);
      fabric.unlink(nqn, nodeId);
    }
  }

  #linksToTake(): Map<string, Link> {
    const { nqns } = this.#on.cluster;
    const links = new Map<string, Link>();
    for (const { subsystem, node } of this.#of("unlinked")) {
      const nqn = nqns[(subsystem - 1) % nqns.length];
      const nodeId = this.#on.cluster.node(node)?.id;
      if (nqn !== undefined && nodeId !== undefined) links.set(`${nqn} ${nodeId}`, { nqn, nodeId });
    }
    return links;
  }

  #settleReferrals(): void {
    const { world: { fabric }, cluster, membership } = this.#on;
    const { nodes } = cluster;
    for (const from of nodes) {
      for (const to of nodes.filter((node) => cluster.refersTo(from, node))) {
        const gone = this.#of("referral-gone")
          .some((one) => cluster.node(one.from) === from && cluster.node(one.to) === to);
        this.#level(`referral ${from.id} ${to.id}`, false, gone, () => {
          if (!gone) return cluster.addReferral(from, to);
          membership.note("referral-gone");
          fabric.removeReferral(from.id, to.id);
        });
      }
    }
  }

  #settleKernel(): void {
    const { kernel } = this.#on.world.memory;
    this.#level("module", false, this.#any("module-unloaded"), (unloaded) => {
      if (unloaded) kernel.removeModule();
      else kernel.loadModule();
    });
    kernel.loaded = !this.#any("kernel-absent") && !this.#any("module-unloaded");
    kernel.readError = this.#last("sysfs-error")?.errno ?? null;
    kernel.tornSysfs = this.#any("sysfs-torn");
    kernel.readMs = this.#last("sysfs-slow")?.ms ?? 0;
    kernel.dropHints = this.#any("uevents-lost");
    kernel.hintDelayMs = this.#last("uevents-late")?.ms ?? 0;
    kernel.connectFactor = this.#last("kernel-slow")?.factor ?? 1;
    kernel.extraMs = this.#last("kernel-busy")?.ms ?? 0;
    kernel.refuse = this.#last("kernel-refuses")?.errno ?? null;
    kernel.renumbers = this.#any("numbers-move");
  }

  #settleFiles(): void {
    const { configDir, store } = this.#on.world.memory;
    configDir.dropHints = this.#any("watch-lost");
    configDir.hintDelayMs = this.#last("watch-late")?.ms ?? 0;
    configDir.spuriousHintsMs = this.#last("watch-spurious")?.ms ?? 0;
    const scanError = this.#last("scan-error")?.errno;
    configDir.scanError = scanError === undefined ? null : `Cannot read ${configDir.path}: ${scanError}`;
    configDir.scanMs = this.#last("scan-slow")?.ms ?? 0;
    this.#level("unreadable", null, this.#last("file-unreadable")?.errno ?? null, (errno) => {
      this.#on.files.setReadError(errno);
    });
    store.writeError = this.#last("disk-error")?.errno ?? null;
    store.saveMs = this.#last("disk-slow")?.ms ?? 1;
    store.readError = this.#last("state-unreadable")?.errno ?? null;
  }

  #settleProcess(): void {
    const { process } = this.#on;
    const down = this.#last("agent-down");
    this.#level("agent", "up", down?.how ?? "up", () => {
      if (down === undefined) process.bringUp();
      else process.takeDown(down.how, down.damage);
    });
  }
}

/** What a connection never gets over, by design: an event lost is noticed with the next refresh of the log. */
function lasts(fault: Fault): boolean {
  return isWireFault(fault) && (fault.at === "asyncEvent" || fault.at === "setFeatures");
}
