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
