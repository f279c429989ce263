/**
 * The files of a simulated run as their writers see them: which nodes the entry files name, how they are written,
 * moved, removed and mixed with rubbish, and what internalDir holds at first.
 */
import { seededRandom } from "../../src/base/random.ts";
import { formatEntryLine } from "../../src/config/entry_line.ts";
import type { FabricNode } from "../fabric/fabric.ts";
import { hostnqn } from "./fabric_world.ts";
import type { MemoryWorld } from "./memory_world.ts";
import type { Membership } from "./membership.ts";
import type { RunOptions } from "./run_options.ts";
import type { Change } from "./run_step.ts";
import { hostName, type SimCluster } from "./sim_cluster.ts";
import { type SimHost, simHosts } from "./sim_host.ts";

export type FileChange = Extract<
  Change,
  { kind: "file-written" | "file-moved" | "file-removed" | "bad-lines" | "directory-recreated" }
>;

/** 32 bytes of key and 4 of checksum. */
const secret = `DHHC-1:00:${btoa("nobody may ever see this secret key.")}:`;

/** A file moved less long ago than this may not have been read under its new name yet, ms. */
const movedUnreadMs = 2_000;

/** Name of the first host's file once it was moved; back to its own with the next move. */
const renamedFile = "cluster-renamed";

export class SimFiles {
  /** Somebody has changed something in the directory. */
  touched = false;
  /** `traddr trsvcid` of every node that a file ever named. */
  readonly everConfigured = new Set<string>();
  readonly #memory: MemoryWorld;
  readonly #cluster: SimCluster;
  readonly #membership: Membership;
  readonly #options: RunOptions;
  readonly #hosts: readonly SimHost[];
  /** Numbers of the nodes that the files name. */
  #numbers: readonly number[];
  /** Where the first host's file is now. */
  #fileName = simHosts[0].file;
  #movedMs = -Infinity;
  #unreadable = false;
  #directoryGone = false;

  constructor(
    memory: MemoryWorld,
    cluster: SimCluster,
    membership: Membership,
    hosts: readonly SimHost[],
    options: RunOptions,
  ) {
    this.#memory = memory;
    this.#cluster = cluster;
    this.#membership = membership;
    this.#hosts = hosts;
    this.#options = options;
    this.#numbers = options.configured;
    if (options.secrets) memory.log.forbid(secret);
    this.#write("rename");
    if (options.memory === "garbage") memory.store.put('{"entries": [{"Traddr": 5}, 7, nul');
    if (options.memory === "predecessor") memory.store.put(this.#predecessorState());
  }

  /** Nodes that the files name now and that have not left. */
  get configured(): readonly FabricNode[] {
    return [...new Set(this.#numbers.flatMap((number) => this.#cluster.original(number) ?? []))];
  }

  change(change: FileChange): void {
    this.touched = true;
    const { configDir } = this.#memory;
    switch (change.kind) {
      case "file-written":
        this.#membership.note("file-written");
        this.#numbers = change.nodes;
        return this.#write(change.how);
      case "file-moved":
        return this.#move();
      case "file-removed":
        this.#membership.note("file-removed");
        if (configDir.names.includes(this.#fileName)) configDir.remove(this.#fileName);
        return;
      case "bad-lines":
        // Into a directory that is not there nobody can write.
        if (!this.#directoryGone) configDir.write("bad", badLines(change.salt));
        return;
      case "directory-recreated":
        configDir.removeDirectory();
        this.#directoryGone = true;
        this.#memory.clock.ownedBy("world").setTimer(300, () => {
          this.#directoryGone = false;
          configDir.createDirectory();
          this.#write("rename");
        });
    }
  }

  /** From now on the files that are there cannot be read, or can again. */
  setReadError(errno: string | null): void {
    const { configDir, clock } = this.#memory;
    this.#unreadable = errno !== null;
    const unseen = clock.nowMs() - this.#movedMs < movedUnreadMs || configDir.readAtMs <= this.#movedMs;
    if (this.#unreadable && this.#movedMs > -Infinity && unseen) {
      this.#membership.note("file-moved-while-unreadable");
    }
    for (const name of configDir.names) configDir.setReadError(name, errno);
  }

  /** The files are there again, where they were at first, and name somebody. */
  restore(): void {
    if (this.#numbers.every((number) => this.#cluster.original(number) === null)) {
      this.#numbers = this.#cluster.nodes.flatMap(({ id }) =>
        id.startsWith("n") ? [Number(id.slice(1))] : []
      );
    }
    const { configDir } = this.#memory;
    const names = this.#hosts.map((host) => host === simHosts[0] ? this.#fileName : host.file);
    // A copy that went on under the name that its file had before.
    for (const name of [simHosts[0].file, renamedFile]) {
      if (name !== this.#fileName && configDir.names.includes(name)) configDir.remove(name);
    }
    // Files that are right are left alone: nothing hints at what a lost hint has left unread.
    if (this.#hosts.every((host, at) => configDir.read(names[at]!) === this.#text(host))) return;
    for (const name of names) if (configDir.names.includes(name)) configDir.remove(name);
    this.#fileName = simHosts[0].file;
    this.#write("rename");
  }

  /** `host port hostnqn file` of every entry that the files hold, once they are restored. */
  get entries(): string[] {
    return this.#hosts.flatMap((host) =>
      this.configured.map((node) => {
        const { traddr, trsvcid } = node.discovery[0]!;
        const file = host === simHosts[0] ? this.#fileName : host.file;
        return `${this.#options.byName ? hostName(node) : traddr} ${trsvcid} ${host.hostnqn} ${file}`;
      })
    );
  }

  #write(how: "rename" | "copy"): void {
    for (const { discovery } of this.configured) {
      this.everConfigured.add(`${discovery[0]!.traddr} ${discovery[0]!.trsvcid}`);
    }
    for (const host of this.#hosts) {
      const name = host === simHosts[0] ? this.#fileName : host.file;
      const text = this.#text(host);
      if (how === "rename") this.#memory.configDir.write(name, text);
      else void this.#memory.configDir.writeSlowly(name, text, 4, 30);
    }
  }

  #text(host: SimHost): string {
    const { secrets, digests, byName } = this.#options;
    const own = host === simHosts[0] ? {} : { hostid: host.hostid };
    const lines = this.configured.map((node) => {
      const { traddr, trsvcid } = node.discovery[0]!;
      const line = formatEntryLine({
        cluster: host.cluster,
        transport: "tcp",
        traddr: byName ? hostName(node) : traddr,
        trsvcid,
        persistent: false,
        ...own,
        options: digests ? { hdrDigest: true, dataDigest: true } : {},
      });
      return secrets ? `${line} -S ${secret}` : line;
    });
    return `# consumers write comments too\n${lines.join("\n")}\n`;
  }

  #move(): void {
    const { configDir, clock } = this.#memory;
    if (!configDir.names.includes(this.#fileName)) return;
    if (this.#unreadable) this.#membership.note("file-moved-while-unreadable");
    const name = this.#fileName === simHosts[0].file ? renamedFile : simHosts[0].file;
    configDir.rename(this.#fileName, name);
    this.#fileName = name;
    this.#movedMs = clock.nowMs();
  }

  /** As the predecessor wrote it: one configured endpoint, marked as the user's. */
  #predecessorState(): string {
    const { traddr, trsvcid } = this.#cluster.nodes[0]!.discovery[0]!;
    const entry = {
      Transport: "tcp",
      Trsvcid: trsvcid,
      Traddr: traddr,
      Hostnqn: hostnqn,
      Hostid: "",
      Subsysnqn: simHosts[0].cluster.subsysnqn,
      Persistent: true,
      Hostaddr: "",
      EntrySource: "user",
      CtrlLossTMO: null,
    };
    return JSON.stringify({
      entries: [entry],
      creation_time: new Date(this.#memory.clock.wallMs()).toISOString(),
    });
  }
}

const badWords = [
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

/** What people and programs leave in such directories by mistake. */
function badLines(salt: number): string {
  const random = seededRandom(salt);
  const line = () =>
    Array.from({ length: Math.floor(random() * 9) }, () => badWords[Math.floor(random() * badWords.length)]!);
  return Array.from({ length: 8 }, () => withoutSense(line()).join(" ")).join("\n");
}

/** By chance a line may have all that it takes (seed 2002848): then it is a good one. */
function withoutSense(words: readonly string[]): readonly string[] {
  return ["-a", "-q", "-n"].every((word) => words.includes(word))
    ? words.filter((word) => word !== "-n")
    : words;
}
