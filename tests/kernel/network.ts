/**
 * The guest's network: node addresses on a dummy interface, discovery port 8009 led to 4420 (as clusters have it:
 * the log read through 8009 names 4420), and rules that make an address swallow packets.
 */
import { runCommand } from "./command.ts";

export const discoveryPort = 8009;
export const ioPort = 4420;

/** Address of a node, 1-based, of a cluster, 0-based. */
export function nodeAddress(node: number, cluster = 0): string {
  return `10.99.${cluster}.${node}`;
}

const ruleset = `
table ip lab {
  chain lead_out { type nat hook output priority -100; ip daddr 10.99.0.0/16 tcp dport ${discoveryPort} dnat to :${ioPort}; }
  chain lead_in { type nat hook prerouting priority -100; ip daddr 10.99.0.0/16 tcp dport ${discoveryPort} dnat to :${ioPort}; }
  chain divert { type nat hook output priority -110; }
  chain swallow { type filter hook output priority -200; }
}
`;

export async function setUpNetwork(): Promise<void> {
  await runCommand("ip", ["link", "add", "lab0", "type", "dummy"]);
  for (const cluster of [0, 1]) {
    for (const node of [1, 2, 3]) {
      // /32: with a common prefix the first address would be the source of connections to all the others, and
      // swallowing packets to it would cut them too.
      await runCommand("ip", ["addr", "add", `${nodeAddress(node, cluster)}/32`, "dev", "lab0"]);
    }
  }
  await runCommand("ip", ["link", "set", "lab0", "up"]);
  await runCommand("nft", ["-f", "-"], { stdin: ruleset });
}

/**
 * From now on packets to the address are lost without a word; with a port, those to this port alone. The chain stands
 * before the translation of 8009, so that the two ports of a node can be told apart.
 */
export async function swallow(address: string, port?: number): Promise<void> {
  const match = port === undefined ? [] : ["tcp", "dport", String(port)];
  await runCommand("nft", ["add", "rule", "ip", "lab", "swallow", "ip", "daddr", address, ...match, "drop"]);
}

/** From now on no connection to this port of the address comes about, without a word; what is connected stays. */
export async function swallowNewConnections(address: string, port: number): Promise<void> {
  const match = ["ip", "daddr", address, "tcp", "dport", String(port), "tcp", "flags", "syn"];
  await runCommand("nft", ["add", "rule", "ip", "lab", "swallow", ...match, "drop"]);
}

/** From now on whatever goes to this port of the address, within connections too, is answered with RST. */
export async function reset(address: string, port: number): Promise<void> {
  const match = ["ip", "daddr", address, "tcp", "dport", String(port)];
  await runCommand("nft", [
    "add",
    "rule",
    "ip",
    "lab",
    "swallow",
    ...match,
    "reject",
    "with",
    "tcp",
    "reset",
  ]);
}

/**
 * From now on new connections to this port of the address come to another port of this machine; what is connected
 * stays. The chain stands before the translation of 8009, so that discovery goes on.
 */
export async function divertNewConnections(address: string, port: number, to: number): Promise<void> {
  const match = ["ip", "daddr", address, "tcp", "dport", String(port)];
  await runCommand("nft", ["add", "rule", "ip", "lab", "divert", ...match, "dnat", "to", `:${to}`]);
}

export async function divertNothing(): Promise<void> {
  await runCommand("nft", ["flush", "chain", "ip", "lab", "divert"]);
}

/** Everything that the guest sends, both ways, goes through this (tc-netem(8)): `loss 10%`, `delay 100ms 50ms`. */
export async function impair(words: string): Promise<void> {
  // Packets between addresses of one machine go through its loopback, whatever interface the addresses are on.
  const add = ["qdisc", "replace", "dev", "lo", "root", "netem", "limit", "100000", ...words.split(" ")];
  await runCommand("tc", add);
}

export async function impairNothing(): Promise<void> {
  await runCommand("tc", ["qdisc", "del", "dev", "lo", "root"], { mayFail: true });
}

/** Packets that the impairment has dropped so far, and all that went through. */
export async function impairment(): Promise<{ sent: number; dropped: number }> {
  const { stdout } = await runCommand("tc", ["-s", "qdisc", "show", "dev", "lo"]);
  const found = /netem[^]*?Sent \d+ bytes (\d+) pkt \(dropped (\d+)/.exec(stdout);
  if (found === null) throw new Error(`Cannot read the impairment: ${stdout.trim()}`);
  return { sent: Number(found[1]), dropped: Number(found[2]) };
}

export interface TcpConnection {
  readonly address: string;
  readonly port: number;
  /** As in /proc/net/tcp: 1 is established, 2 waits for the answer to its SYN. */
  readonly state: number;
  /** Names the socket among a process's descriptors, as `socket:[4711]`. */
  readonly inode: string;
}

/** TCP connections of this machine, by their far end; the kernel's own as well. */
export async function tcpConnections(): Promise<TcpConnection[]> {
  const lines = (await Deno.readTextFile("/proc/net/tcp")).trim().split("\n").slice(1);
  return lines.map((line) => {
    const fields = line.trim().split(/\s+/);
    const [hex = "", port = ""] = (fields[2] ?? "").split(":");
    // Little endian, as on every machine that the lab emulates.
    const address = [6, 4, 2, 0].map((at) => parseInt(hex.slice(at, at + 2), 16)).join(".");
    return {
      address,
      port: parseInt(port, 16),
      state: parseInt(fields[3] ?? "", 16),
      inode: fields[9] ?? "",
    };
  });
}

/** Sockets with an established connection to each address of this port: `10.99.0.1` to their inodes. */
export async function establishedTo(port: number): Promise<Map<string, Set<string>>> {
  const sockets = new Map<string, Set<string>>();
  for (const { address, port: found, state, inode } of await tcpConnections()) {
    // A socket without an inode is one that its program has closed.
    if (state !== 1 || found !== port || inode === "0") continue;
    sockets.set(address, (sockets.get(address) ?? new Set()).add(inode));
  }
  return sockets;
}

/** Whether a TCP connection comes about at all; swallowed addresses never answer. */
export async function answers(address: string, port: number, limitMs = 500): Promise<boolean> {
  const attempt = new AbortController();
  const timer = setTimeout(() => attempt.abort(), limitMs);
  try {
    const connection = await Deno.connect({ hostname: address, port, signal: attempt.signal });
    connection.close();
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** No address swallows packets any more. */
export async function swallowNothing(): Promise<void> {
  await runCommand("nft", ["flush", "chain", "ip", "lab", "swallow"]);
}
