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
