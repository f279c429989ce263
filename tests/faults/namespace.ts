/** A network namespace of one run, with its packet filter: made, used, removed. Needs root. */
import { assert } from "../assert.ts";

let made = 0;

export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async create(): Promise<Namespace> {
    const namespace = new Namespace(`dc-faults-${Deno.pid}-${++made}`);
    await run(["ip", "netns", "add", namespace.name]);
    await namespace.run(["ip", "link", "set", "lo", "up"]);
    await namespace.nft("add table inet faults");
    await namespace.nft("add chain inet faults input { type filter hook input priority 0; }");
    return namespace;
  }

  /** One, for both ends. */
  static async createTwice(): Promise<[Namespace, Namespace]> {
    const namespace = await Namespace.create();
    return [namespace, namespace];
  }

  /** Two, with a cable between: the second has every address of 10.77.0.0/16. */
  static async createLinked(): Promise<[Namespace, Namespace]> {
    const [near, far] = [await Namespace.create(), await Namespace.create()];
    await near.run(["ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", far.name]);
    await near.run(["ip", "address", "add", "10.78.0.1/24", "dev", "near"]);
    await far.run(["ip", "address", "add", "10.78.0.2/24", "dev", "far"]);
    await far.run(["ip", "link", "set", "far", "up"]);
    await far.run(["ip", "route", "add", "local", "10.77.0.0/16", "dev", "lo"]);
    await near.plug();
    return [near, far];
  }

  /** The near end of the cable. */
  async plug(): Promise<void> {
    await this.run(["ip", "link", "set", "near", "up"]);
    await this.run(["ip", "route", "replace", "10.77.0.0/16", "dev", "near", "src", "10.78.0.1"]);
  }

  async unplug(): Promise<void> {
    await this.run(["ip", "link", "set", "near", "down"]);
  }

  /** Words that run a command inside. */
  get prefix(): readonly string[] {
    return ["ip", "netns", "exec", this.name];
  }

  async run(words: readonly string[]): Promise<string> {
    return await run([...this.prefix, ...words]);
  }

  async nft(command: string): Promise<void> {
    await this.run(["nft", command]);
  }

  /** What happens to packets that arrive, in nft's words: `ip saddr 127.77.0.2 drop`. */
  async addRule(rule: string): Promise<void> {
    await this.nft(`add rule inet faults input ${rule}`);
  }

  async clearRules(): Promise<void> {
    await this.nft("flush chain inet faults input");
  }

  /** Packets that the rules with a counter have matched. */
  async matched(): Promise<number> {
    const text = await this.run(["nft", "list", "table", "inet", "faults"]);
    return [...text.matchAll(/counter packets (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async remove(): Promise<void> {
    await run(["ip", "netns", "delete", this.name]);
  }
}

/** Runs a command to its end; answers its stdout. Throws with its stderr when it fails. */
export async function run(words: readonly string[]): Promise<string> {
  const [command = "", ...args] = words;
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  assert(success, `Cannot run ${words.join(" ")}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}
