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
  chain swallow { type filter hook output priority 0; }
}
`;

export async function setUpNetwork(): Promise<void> {
  await runCommand("ip", ["link", "add", "lab0", "type", "dummy"]);
  for (const cluster of [0, 1]) {
    for (const node of [1, 2, 3]) {
      await runCommand("ip", ["addr", "add", `${nodeAddress(node, cluster)}/24`, "dev", "lab0"]);
    }
  }
  await runCommand("ip", ["link", "set", "lab0", "up"]);
  await runCommand("nft", ["-f", "-"], { stdin: ruleset });
}

/** From now on every packet to the address is lost without a word. */
export async function swallow(address: string): Promise<void> {
  await runCommand("nft", ["add", "rule", "ip", "lab", "swallow", "ip", "daddr", address, "drop"]);
}

/** No address swallows packets any more. */
export async function swallowNothing(): Promise<void> {
  await runCommand("nft", ["flush", "chain", "ip", "lab", "swallow"]);
}
