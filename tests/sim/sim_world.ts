/**
 * The world of one simulated run: fabric, network, kernel, files and the agent's process, as the run's options make
 * them. Faults begin and end, changes happen; what the world is like follows from the faults in force, whatever came
 * before. It decides nothing about right and wrong: that is `safety.ts` and `liveness.ts`.
 */
import { Agent } from "../../src/agent/agent.ts";
import { formatEntryLine } from "../../src/config/entry_line.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import type { Snapshot } from "../../src/report/snapshot.ts";
import { discoveryNqn } from "../../src/nvme/spec.ts";
import type { FabricNode } from "../fabric/fabric.ts";
import { hostileRecords } from "../fabric/hostile_records.ts";
import { FabricWorld, hostid, hostnqn } from "./fabric_world.ts";
import type { RunOptions } from "./run_options.ts";
import type { MemoryWorld } from "./memory_world.ts";
import type { NetworkFault } from "./memory_network.ts";
import type { Change, FaultAction, FaultStep, Ports } from "./run_step.ts";

export interface SimHooks {
  /** What was done on purpose; for the timeline. */
  readonly tell: (text: string) => void;
  /** Something that must never happen did. */
  readonly fail: (what: string) => void;
  /** An agent is about to start. */
  readonly onBoot: () => void;
  readonly onPass: (snapshot: () => Snapshot) => void;
}

export interface SimHost {
  readonly hostnqn: string;
  readonly hostid: string;
  readonly cluster: Cluster;
  /** Its entry file. */
  readonly file: string;
}

/** 32 bytes of key and 4 of checksum. */
const secret = `DHHC-1:00:${btoa("nobody may ever see this secret key.")}:`;

const hostsOfRun: readonly SimHost[] = [
  {
    hostnqn,
    hostid,
    cluster: { subsysnqn: "nqn.2024-01.org.example:cluster", hostnqn },
    file: "cluster",
  },
  {
    hostnqn: "nqn.2024-01.org.example:second-host",
    hostid: "22222222-4455-6677-8899-aabbccddeeff",
    cluster: {
      subsysnqn: "nqn.2024-01.org.example:cluster",
      hostnqn: "nqn.2024-01.org.example:second-host",
    },
    file: "second",
  },
];

/** A controller that stood before us holds our host NQN with this identifier: the kernel allows no other then. */
const identityInForce = "33333333-4455-6677-8899-aabbccddeeff";

/** How long the kernel takes to notice that a controller fell silent, ms: its keep alive. */
const kernelNoticesMs = 7_000;

export class SimWorld {
  readonly options: RunOptions;
  readonly world: FabricWorld;
  readonly hosts: readonly SimHost[];
  /** Host identifiers that connects have to carry, by host NQN. */
  readonly identities = new Map<string, string>();
  /** Controllers deleted by somebody's hand, not by us. */
  readonly deletedByHand = new Set<string>();
  /** Somebody changed who belongs to the cluster, or a file: endpoints and paths may go. */
  membershipChanged = false;
  /** Subsystems that were taken from somewhere or somebody: their paths may go. */
  readonly withdrawn = new Set<string>();
  /** `traddr trsvcid` of every node that a file ever named. */
  readonly everConfigured = new Set<string>();
  /** What is on the disk was damaged as no crash of ours explains, or stood there before us. */
  stateDamaged = false;
  /** How often an agent was booted. */
  boots = 0;
  readonly #active = new Set<FaultStep>();
  readonly #levels = new Map<string, string>();
  readonly #inForce = new Map<FaultAction["kind"], number>();
  readonly #hooks: SimHooks;
  #configured: readonly number[];
  #fileName = "cluster";
  #agent: Agent | null = null;
  #stopping = false;
  #names = 0;
  #movedMs = -Infinity;

  constructor(
    seed: number,
    options: RunOptions,
    hooks: SimHooks,
  ) {
    this.options = options;
    this.#hooks = hooks;
    this.hosts = hostsOfRun.slice(0, options.hosts);
    this.#configured = options.configured;
    this.world = new FabricWorld({
      seed,
      nodes: 0,
      memory: {
        latencyMs: options.latencyMs,
        kernel: {
          connectMs: options.connectMs,
          ...(options.oldKernel ? { tokens: null } : { srcAddr: "10.0.0.200" }),
        },
      },
    });
    this.#build();
    this.membershipChanged = options.topology !== "mesh";
  }

  get memory(): MemoryWorld {
    return this.world.memory;
  }

  get agent(): Agent | null {
    return this.#agent;
  }

  /** Stable while the run goes on, though nodes may have joined or left. */
  get nodes(): FabricNode[] {
    return [...this.world.fabric.nodes.values()];
  }

  /** Nodes that the files name now. */
  get configured(): readonly FabricNode[] {
    return [...new Set(this.#configured.flatMap((number) => this.#original(number) ?? []))];
  }

  node(number: number): FabricNode | null {
    const { nodes } = this;
    return nodes.length === 0 ? null : nodes[(number - 1) % nodes.length]!;
  }

  // --- building ---

  #build(): void {
    const { options, world } = this;
    const { fabric } = world;
    for (let number = 1; number <= options.nodes; number++) fabric.addNode(this.#nodeOptions(number));
    this.#refer();
    for (let count = 1; count <= options.subsystems; count++) this.addSubsystem();
    world.listen();
    for (const host of this.hosts) this.identities.set(host.hostnqn, host.hostid);
    if (options.bystanders) this.#addBystanders();
    if (options.secrets) this.memory.log.forbid(secret);
    this.#setNames(true);
    this.#writeFiles("rename");
    if (options.memory === "garbage") this.memory.store.put('{"entries": [{"Traddr": 5}, 7, nul');
    if (options.memory === "predecessor") this.memory.store.put(this.#predecessorState());
  }

  #nodeOptions(number: number) {
    const { ipv6, sharedAddresses, kind, uniqueNqns } = this.options;
    const place = sharedAddresses ? Math.ceil(number / 2) : number;
    const traddr = ipv6 ? `fd00::${place.toString(16)}` : `10.0.0.${place}`;
    const second = sharedAddresses && number % 2 === 0 ? 1 : 0;
    return {
      id: `n${number}`,
      discovery: [{ traddr, trsvcid: 8009 + second }],
      io: [{ traddr, trsvcid: 4420 + second }],
      kind: kind === "mixed" ? (number % 2 === 0 ? "spdk" : "nvmet") as "spdk" | "nvmet" : kind,
      ...(uniqueNqns ? { discoveryNqn: `nqn.2024-01.org.example:discovery.n${number}` } : {}),
    };
  }

  /** As the topology has it; what stands already stays. */
  #refer(): void {
    for (const from of this.nodes) {
      for (const to of this.nodes) if (this.refersTo(from, to)) this.#addReferral(from, to);
    }
  }

  /** Whether the run's topology has a referral from one to the other. */
  refersTo(from: FabricNode, to: FabricNode): boolean {
    if (from === to) return false;
    if (this.options.topology === "mesh") return true;
    const { nodes } = this;
    if (this.options.topology === "star") return from === nodes[0] || to === nodes[0];
    return nodes[(nodes.indexOf(from) + 1) % nodes.length] === to;
  }

  #addReferral(from: FabricNode, to: FabricNode): void {
    this.world.fabric.addReferral(from.id, to.id, this.options.uniqueNqns ? to.discoveryNqn : discoveryNqn);
  }

  addSubsystem(numbers: readonly number[] = [1, 2, 3, 4, 5]): string {
    const nqn = `nqn.2024-01.org.example:sub${++this.#names}`;
    const nodes = [...new Set(numbers.flatMap((number) => this.node(number)?.id ?? []))];
    this.world.fabric.addSubsystem(nqn, { nodes });
    return nqn;
  }

  #addBystanders(): void {
    const { kernel } = this.memory;
    const at = "transport=tcp,traddr=10.9.9.9,trsvcid=4420,ctrl_loss_tmo=-1";
    kernel.addController(
      `${at},nqn=nqn.2020-01.org.example:others,hostnqn=nqn.2020-01.org.example:other-host,` +
        "hostid=99999999-4455-6677-8899-aabbccddeeff",
    );
    kernel.addController(
      `${at},nqn=nqn.2020-01.org.example:ours,hostnqn=${hostnqn},hostid=${identityInForce}`,
    );
    this.identities.set(hostnqn, identityInForce);
  }

  #setNames(work: boolean | "hang"): void {
    for (const node of this.nodes) {
      const addresses = work === "hang" ? "hang" : work ? [node.discovery[0]!.traddr] : [];
      this.memory.network.setName(`${node.id}.example`, addresses);
    }
  }

  // --- files ---

  #writeFiles(how: "rename" | "copy"): void {
    for (const { discovery } of this.configured) {
      this.everConfigured.add(`${discovery[0]!.traddr} ${discovery[0]!.trsvcid}`);
    }
    for (const host of this.hosts) {
      const name = host.file === "cluster" ? this.#fileName : host.file;
      const text = this.#fileText(host);
      if (how === "rename") this.memory.configDir.write(name, text);
      else void this.memory.configDir.writeSlowly(name, text, 4, 30);
    }
  }

  #fileText(host: SimHost): string {
    const { secrets, digests, byName } = this.options;
    const own = host.hostnqn === hostnqn ? {} : { hostid: host.hostid };
    const lines = this.configured.map((node) => {
      const { traddr, trsvcid } = node.discovery[0]!;
      const line = formatEntryLine({
        cluster: host.cluster,
        transport: "tcp",
        traddr: byName ? `${node.id}.example` : traddr,
        trsvcid,
        persistent: false,
        ...own,
        options: digests ? { hdrDigest: true, dataDigest: true } : {},
      });
      return secrets ? `${line} -S ${secret}` : line;
    });
    return `# consumers write comments too\n${lines.join("\n")}\n`;
  }

  /** Nodes that were there from the start, by number, while they are there. */
  #original(number: number): FabricNode | null {
    return this.world.fabric.nodes.get(`n${(number - 1) % this.options.nodes + 1}`) ?? null;
  }

  #predecessorState(): string {
    const { traddr, trsvcid } = this.nodes[0]!.discovery[0]!;
    const entry = {
      Transport: "tcp",
      Trsvcid: trsvcid,
      Traddr: traddr,
      Hostnqn: hostnqn,
      Hostid: "",
      Subsysnqn: hostsOfRun[0]!.cluster.subsysnqn,
      Persistent: true,
      Hostaddr: "",
      EntrySource: "user",
      CtrlLossTMO: null,
    };
    return JSON.stringify({
      entries: [entry],
      creation_time: new Date(this.memory.clock.wallMs()).toISOString(),
    });
  }

  // --- the agent's process ---

  boot(): void {
    this.boots++;
    this.#hooks.onBoot();
    const { katoMs, reconnectIntervalMs, logChunkBytesMax } = this.options;
    const agent = new Agent(this.memory.boot(), {
      policy: { dryRun: false, connectDefaults: {}, hostid },
      reconnectIntervalMs,
      katoMs,
      logChunkBytesMax,
      onPass: (snapshot) => this.#hooks.onPass(snapshot),
    });
    this.#agent = agent;
    this.#stopping = false;
    agent.start().catch((error) => this.#hooks.fail(`The agent did not start: ${error}`));
  }

  /** Ends the agent in an orderly way; what it leaves behind is a failure. */
  stop(): void {
    const agent = this.#agent;
    if (agent === null || this.#stopping) return;
    this.#stopping = true;
    agent.stop().then(() => {
      if (this.#agent !== agent) return;
      this.#agent = null;
      const leaks = this.memory.exit();
      const left = Object.entries(leaks).filter(([, count]) => count > 0);
      if (left.length > 0) this.#hooks.fail(`After its stop the agent holds ${JSON.stringify(leaks)}`);
    }, (error) => this.#hooks.fail(`The agent did not stop: ${error}`));
  }

  #end(how: "kill" | "power" | "stop"): void {
    if (this.#agent === null) return;
    if (how === "stop") return this.stop();
    this.#agent = null;
    if (how === "power") this.memory.powerLoss();
    else this.memory.crash();
  }

  // --- faults ---

  begin(step: FaultStep): void {
    this.#active.add(step);
    // What was moved a moment ago is not read under its new name yet.
    if (step.fault.kind === "file-unreadable" && this.memory.clock.nowMs() - this.#movedMs < 2_000) {
      this.membershipChanged = true;
    }
    this.#inForce.set(step.fault.kind, Infinity);
    this.#settle();
  }

  /** When a fault of the kind was in force last, on the clock; Infinity while one is, -Infinity for never. */
  lastInForceMs(kind: FaultAction["kind"]): number {
    return this.#inForce.get(kind) ?? -Infinity;
  }

  end(step: FaultStep): void {
    this.#active.delete(step);
    const { kind } = step.fault;
    if (this.#of(kind).length === 0) this.#inForce.set(kind, this.memory.clock.nowMs());
    this.#settle();
  }

  /** No fault is in force any more, and what changes had taken away is there again. */
  heal(): void {
    this.#active.clear();
    this.#settle();
    this.memory.healAll();
    if (this.#configured.every((number) => this.#original(number) === null)) {
      this.#configured = this.nodes.flatMap(({ id }) => id.startsWith("n") ? [Number(id.slice(1))] : []);
    }
    this.#fileName = "cluster";
    this.#writeFiles("rename");
  }

  #of<K extends FaultAction["kind"]>(kind: K): Extract<FaultAction, { kind: K }>[] {
    return [...this.#active].map(({ fault }) => fault)
      .filter((fault): fault is Extract<FaultAction, { kind: K }> => fault.kind === kind);
  }

  /** The last one that began. */
  #last<K extends FaultAction["kind"]>(kind: K): Extract<FaultAction, { kind: K }> | undefined {
    return this.#of(kind).at(-1);
  }

  /** Calls `set` when the value differs from what it was set to last, which is `whole` at first. */
  #level<T>(key: string, whole: T, value: T, set: (value: T) => void): void {
    const text = JSON.stringify(value) ?? "";
    if ((this.#levels.get(key) ?? JSON.stringify(whole) ?? "") === text) return;
    this.#levels.set(key, text);
    set(value);
  }

  /** Brings the world in line with the faults in force. */
  #settle(): void {
    this.#settleNetwork();
    this.#settleTargets();
    this.#settleCluster();
    this.#settleKernel();
    this.#settleFiles();
    this.#settleAgent();
  }

  #settleNetwork(): void {
    const { network } = this.memory;
    for (const node of this.nodes) {
      for (const port of ["discovery", "io"] as const) {
        const { traddr, trsvcid } = node[port][0]!;
        const where = traddr.includes(":") ? `[${traddr}]:${trsvcid}` : `${traddr}:${trsvcid}`;
        this.#level(`net ${where}`, null, this.#networkFault(node, port), (fault) => {
          network.setFault(where, fault);
          if (fault?.swallow !== undefined) this.#kernelNotices();
        });
      }
    }
    network.socketsMax = this.#last("few-sockets")?.sockets ?? Infinity;
    this.#level("names", undefined, this.#last("names-fail")?.how, (how) => {
      this.#setNames(how === undefined ? true : how === "hang" ? "hang" : false);
    });
  }

  #networkFault(node: FabricNode, port: "discovery" | "io"): NetworkFault | null {
    const fault: { -readonly [Key in keyof NetworkFault]: NetworkFault[Key] } = {};
    const concerns = (one: { readonly node: number; readonly port?: Ports }) =>
      this.node(one.node) === node && (one.port === undefined || one.port === "both" || one.port === port);
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

  #kernelNotices(): void {
    const { clock, kernel } = this.memory;
    clock.ownedBy("world").setTimer(kernelNoticesMs, () => kernel.checkConnections());
  }

  #settleTargets(): void {
    const { fabric } = this.world;
    for (const node of this.nodes) {
      const concerns = (one: { readonly node: number }) => this.node(one.node) === node;
      this.#level(`down ${node.id}`, false, this.#of("node-down").some(concerns), (down) => {
        if (down) fabric.setNodeDown(node.id);
        else fabric.setNodeUp(node.id);
      });
      const wire = this.#of("wire").filter(concerns).map(({ fault }) => fault);
      this.#level(`wire ${node.id}`, [], wire, () => {
        fabric.setFaults(node.id, wire);
        // What was accepted under the fault would keep it; what stood before would never meet it.
        this.#resetDiscovery(node);
      });
      this.#level(`stale ${node.id}`, false, this.#of("stale-view").some(concerns), (stale) => {
        this.membershipChanged = true;
        fabric.setStale(node.id, stale);
      });
      for (const [at, host] of this.hosts.entries()) {
        const refused = this.#of("discovery-refused").some((one) =>
          concerns(one) && (one.host - 1) % this.hosts.length === at
        );
        this.#level(`refused ${node.id} ${at}`, false, refused, () => {
          fabric.refuseDiscovery(node.id, host.hostnqn, refused ? 0x184 : null);
        });
      }
      const salt = this.#of("hostile-log").filter(concerns).at(-1)?.salt;
      this.#level(`hostile ${node.id}`, undefined, salt, () => {
        fabric.injectRecords(node.id, salt === undefined ? [] : this.#hostileRecords(node, salt));
      });
    }
  }

  #hostileRecords(node: FabricNode, salt: number) {
    this.membershipChanged = true;
    return hostileRecords(seededRandom(salt), {
      self: node.discovery[0]!,
      live: this.nodes.map(({ discovery }) => discovery[0]!),
      nqns: [...this.world.fabric.subsystems.keys()],
    });
  }

  #resetDiscovery(node: FabricNode): void {
    const { traddr, trsvcid } = node.discovery[0]!;
    this.memory.network.reset(traddr.includes(":") ? `[${traddr}]:${trsvcid}` : `${traddr}:${trsvcid}`);
  }

  #settleCluster(): void {
    const { fabric } = this.world;
    for (const [at, nqn] of [...fabric.subsystems.keys()].entries()) {
      const concerns = (one: { readonly subsystem: number }) =>
        (one.subsystem - 1) % fabric.subsystems.size === at;
      const denied = this.#of("access-denied").filter(concerns);
      this.#level(`denied ${nqn}`, [], denied.map(({ host }) => (host - 1) % this.hosts.length), (list) => {
        if (list.length > 0) this.withdrawn.add(nqn);
        fabric.setAnyHost(nqn, list.length === 0);
        for (const [index, host] of this.hosts.entries()) {
          if (list.length > 0 && !list.includes(index)) fabric.allowHost(nqn, host.hostnqn);
          else fabric.denyHost(nqn, host.hostnqn);
        }
      });
    }
    this.#settleLinks();
    for (const from of this.nodes) {
      for (const to of this.nodes) {
        if (!this.refersTo(from, to)) continue;
        const gone = this.#of("referral-gone").some((one) =>
          this.node(one.from) === from && this.node(one.to) === to
        );
        this.#level(`referral ${from.id} ${to.id}`, false, gone, () => {
          if (gone) this.membershipChanged = true;
          if (gone) fabric.removeReferral(from.id, to.id);
          else this.#addReferral(from, to);
        });
      }
    }
  }

  #settleLinks(): void {
    const { fabric } = this.world;
    const nqns = [...fabric.subsystems.keys()];
    const unlinked = new Map<string, { nqn: string; nodeId: string }>();
    for (const { subsystem, node } of this.#of("unlinked")) {
      const nqn = nqns[(subsystem - 1) % nqns.length];
      const nodeId = this.node(node)?.id;
      if (nqn !== undefined && nodeId !== undefined) unlinked.set(`${nqn} ${nodeId}`, { nqn, nodeId });
    }
    for (const [key, { nqn, nodeId }] of this.#unlinked) {
      if (unlinked.has(key)) continue;
      this.#unlinked.delete(key);
      if (fabric.subsystems.has(nqn) && fabric.nodes.has(nodeId)) fabric.link(nqn, nodeId);
    }
    for (const [key, { nqn, nodeId }] of unlinked) {
      const subsystem = fabric.subsystem(nqn);
      if (this.#unlinked.has(key) || !fabric.node(nodeId).subsystems.has(subsystem)) continue;
      this.#unlinked.set(key, { nqn, nodeId });
      this.withdrawn.add(nqn);
      fabric.unlink(nqn, nodeId);
    }
  }

  readonly #unlinked = new Map<string, { nqn: string; nodeId: string }>();

  #settleKernel(): void {
    const { kernel } = this.memory;
    this.#level("module", false, this.#of("module-unloaded").length > 0, (unloaded) => {
      if (unloaded) kernel.removeModule();
      else kernel.loadModule();
    });
    kernel.loaded = this.#of("kernel-absent").length + this.#of("module-unloaded").length === 0;
    kernel.readError = this.#last("sysfs-error")?.errno ?? null;
    kernel.tornSysfs = this.#of("sysfs-torn").length > 0;
    kernel.readMs = this.#last("sysfs-slow")?.ms ?? 0;
    kernel.dropHints = this.#of("uevents-lost").length > 0;
    kernel.hintDelayMs = this.#last("uevents-late")?.ms ?? 0;
    kernel.connectFactor = this.#last("kernel-slow")?.factor ?? 1;
    kernel.extraMs = this.#last("kernel-busy")?.ms ?? 0;
    kernel.refuse = this.#last("kernel-refuses")?.errno ?? null;
    kernel.renumbers = this.#of("numbers-move").length > 0;
  }

  #settleFiles(): void {
    const { configDir, store } = this.memory;
    configDir.dropHints = this.#of("watch-lost").length > 0;
    configDir.hintDelayMs = this.#last("watch-late")?.ms ?? 0;
    configDir.spuriousHintsMs = this.#last("watch-spurious")?.ms ?? 0;
    const scanError = this.#last("scan-error")?.errno;
    configDir.scanError = scanError === undefined ? null : `Cannot read ${configDir.path}: ${scanError}`;
    configDir.scanMs = this.#last("scan-slow")?.ms ?? 0;
    this.#level("unreadable", null, this.#last("file-unreadable")?.errno ?? null, (error) => {
      for (const name of configDir.names) configDir.setReadError(name, error);
    });
    store.writeError = this.#last("disk-error")?.errno ?? null;
    store.saveMs = this.#last("disk-slow")?.ms ?? 1;
    store.readError = this.#last("state-unreadable")?.errno ?? null;
  }

  #settleAgent(): void {
    const down = this.#last("agent-down");
    this.#level("agent", "up", down === undefined ? "up" : down.how, () => {
      if (down === undefined) {
        // An orderly stop that takes too long is cut off, as systemd does.
        if (this.#agent !== null) this.#end("kill");
        return this.boot();
      }
      this.#end(down.how);
      if (down.damage !== null && this.#agent === null) {
        this.stateDamaged = true;
        this.memory.store.damage(down.damage);
      }
    });
  }

  // --- changes ---

  change(change: Change): void {
    const { world, memory } = this;
    const { fabric } = world;
    switch (change.kind) {
      case "reset":
      case "fin":
      case "half-close": {
        const node = this.node(change.node);
        if (node === null) return;
        const { traddr } = node.discovery[0]!;
        if (change.kind === "reset") memory.network.reset(traddr);
        else if (change.kind === "fin") memory.network.end(traddr);
        else memory.network.halfClose(traddr);
        return;
      }
      case "node-restart": {
        const node = this.node(change.node);
        if (node?.up) fabric.restartNode(node.id);
        return;
      }
      case "generation-moves": {
        const node = this.node(change.node);
        if (node !== null) fabric.touch(node.id);
        return;
      }
      case "subsystem-added":
        return this.#hooks.tell(`added ${this.addSubsystem(change.nodes)}`);
      case "subsystem-removed":
        return this.#removeSubsystem(change.subsystem);
      case "subsystems-storm": {
        const clock = memory.clock.ownedBy("world");
        for (let at = 0; at < change.count; at++) {
          clock.setTimer(at * change.gapMs, () => void this.addSubsystem());
        }
        return;
      }
      case "node-joins":
        return this.#joinNode();
      case "node-leaves":
        return this.#removeNode(change.node);
      case "controller-deleted":
        return this.#deleteController(change.controller);
      case "controller-lost": {
        const live = memory.kernel.list().filter(({ state }) => state === "live");
        const one = live[(change.controller - 1) % live.length];
        if (one !== undefined) memory.kernel.loseConnection(one.name);
        return;
      }
      case "wall-clock":
        return memory.clock.setWallMs(memory.clock.wallMs() + change.ms);
      case "rescan":
        return this.#agent?.rescan();
      default:
        return this.#changeFiles(change);
    }
  }

  #changeFiles(
    change: Extract<
      Change,
      { kind: "file-written" | "file-moved" | "file-removed" | "bad-lines" | "directory-recreated" }
    >,
  ): void {
    const { configDir } = this.memory;
    switch (change.kind) {
      case "file-written":
        this.membershipChanged = true;
        this.#configured = change.nodes;
        return this.#writeFiles(change.how);
      case "file-moved": {
        if (!configDir.names.includes(this.#fileName)) return;
        // What cannot be read under its new name is another file.
        if (this.#of("file-unreadable").length > 0) this.membershipChanged = true;
        const name = this.#fileName === "cluster" ? "cluster-renamed" : "cluster";
        configDir.rename(this.#fileName, name);
        this.#fileName = name;
        this.#movedMs = this.memory.clock.nowMs();
        return;
      }
      case "file-removed":
        this.membershipChanged = true;
        if (configDir.names.includes(this.#fileName)) configDir.remove(this.#fileName);
        return;
      case "bad-lines":
        return configDir.write("bad", badLines(change.salt));
      case "directory-recreated":
        configDir.removeDirectory();
        this.memory.clock.ownedBy("world").setTimer(300, () => {
          configDir.createDirectory();
          this.#writeFiles("rename");
        });
    }
  }

  #removeSubsystem(number: number): void {
    const { fabric } = this.world;
    const nqns = [...fabric.subsystems.keys()];
    const nqn = nqns[(number - 1) % nqns.length];
    if (nqn === undefined || nqns.length === 1) return;
    this.withdrawn.add(nqn);
    fabric.removeSubsystem(nqn);
  }

  #joinNode(): void {
    const { fabric } = this.world;
    // No more than twice as many: a run stays small.
    if (this.nodes.length >= 2 * this.options.nodes + 1) return;
    const number = 10 + ++this.#joined;
    const node = fabric.addNode(this.#nodeOptions(number));
    for (const nqn of fabric.subsystems.keys()) fabric.link(nqn, node.id);
    if (this.options.topology !== "mesh") this.membershipChanged = true;
    for (const other of this.nodes) {
      if (this.options.topology === "ring") continue;
      if (this.refersTo(other, node)) this.#addReferral(other, node);
      if (this.refersTo(node, other)) this.#addReferral(node, other);
    }
    if (this.options.topology === "ring") this.#reshapeRing();
    this.world.listen();
  }

  #joined = 0;

  /** Each refers to the next alone. */
  #reshapeRing(): void {
    const { fabric } = this.world;
    for (const from of this.nodes) {
      for (const to of this.nodes) {
        if (this.refersTo(from, to)) this.#addReferral(from, to);
        else if (from !== to) fabric.removeReferral(from.id, to.id);
      }
    }
  }

  #removeNode(number: number): void {
    const node = this.node(number);
    // The last one stays, and so does the centre of a star: without it nobody finds the others.
    if (node === null || this.nodes.length === 1) return;
    if (this.options.topology === "star" && node === this.nodes[0]) return;
    this.membershipChanged = true;
    for (const { nqn } of node.subsystems) this.withdrawn.add(nqn);
    this.world.fabric.removeNode(node.id);
    if (this.options.topology === "ring") this.#reshapeRing();
    this.world.listen();
  }

  #deleteController(number: number): void {
    const ours = new Set(this.hosts.map((host) => host.hostnqn));
    const all = this.memory.kernel.list().filter((one) => one.hostnqn !== undefined && ours.has(one.hostnqn))
      // The one that holds the identity stays: without it another identifier would be right.
      .filter(({ subsysnqn }) => subsysnqn !== "nqn.2020-01.org.example:ours");
    const one = all[(number - 1) % all.length];
    if (one === undefined) return;
    this.deletedByHand.add(one.name);
    this.memory.kernel.deleteController(one.name);
  }
}

/** What people and programs leave in such directories by mistake. */
function badLines(salt: number): string {
  const random = seededRandom(salt);
  const words = [
    "-t",
    "tcp",
    "-a",
    "10.0.0.1",
    "--traddr=",
    "-q",
    "nqn.x",
    "\\",
    "'",
    '"',
    "-n",
    "\u0000",
    "é",
    "#",
    "-s",
    "99999",
  ];
  const line = () =>
    Array.from({ length: Math.floor(random() * 9) }, () => words[Math.floor(random() * words.length)]);
  return Array.from({ length: 8 }, () => line().join(" ")).join("\n");
}
