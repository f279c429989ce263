/** A memory cgroup with a limit, of either version of cgroups; made, used, removed. */
import { assert } from "../assert.ts";
import { pause } from "./waiting.ts";

/** Files of a group, by what they say. */
const files = {
  v1: {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    most: "memory.max_usage_in_bytes",
    events: "memory.oom_control",
  },
  v2: { limit: "memory.max", used: "memory.current", most: "memory.peak", events: "memory.events" },
} as const;

const roots = { v1: "/sys/fs/cgroup/memory", v2: "/sys/fs/cgroup" } as const;
let made = 0;

export class MemoryGroup {
  readonly #path: string;
  readonly #version: keyof typeof files;

  private constructor(path: string, version: keyof typeof files) {
    this.#path = path;
    this.#version = version;
  }

  static async create(limitBytes: number): Promise<MemoryGroup> {
    const version = await isThere(`${roots.v1}/${files.v1.limit}`) ? "v1" : "v2";
    const path = `${roots[version]}/dc-faults-${Deno.pid}-${++made}`;
    if (version === "v2") await Deno.writeTextFile(`${roots.v2}/cgroup.subtree_control`, "+memory");
    await Deno.mkdir(path);
    const group = new MemoryGroup(path, version);
    await group.setLimit(limitBytes);
    return group;
  }

  /** Words that put the command after them into the group. */
  get wrapper(): readonly string[] {
    return ["sh", "-c", `echo $$ >${this.#path}/cgroup.procs && exec "$@"`, "sh"];
  }

  async setLimit(bytes: number): Promise<void> {
    await Deno.writeTextFile(`${this.#path}/${files[this.#version].limit}`, String(bytes));
  }

  /** Leaves no room: whoever needs more is killed. Version 2 kills at once where it must. */
  async squeeze(): Promise<void> {
    await this.setLimit(24 * 2 ** 20).catch(async () => await this.setLimit(await this.usedBytes()))
      // It needed more in between.
      .catch(() => {});
  }

  async usedBytes(): Promise<number> {
    return Number(await this.#read("used"));
  }

  async mostBytes(): Promise<number> {
    return Number(await this.#read("most"));
  }

  /** Processes that the system killed for this limit. */
  async kills(): Promise<number> {
    return Number(/^oom_kill (\d+)/m.exec(await this.#read("events"))?.[1] ?? NaN);
  }

  async #read(what: keyof typeof files.v1): Promise<string> {
    return await Deno.readTextFile(`${this.#path}/${files[this.#version][what]}`);
  }

  /** When its processes have ended. */
  async remove(): Promise<void> {
    for (let time = 0; time < 100; time++) {
      try {
        return await Deno.remove(this.#path);
      } catch {
        await pause(20);
      }
    }
    assert(false, `Cannot remove ${this.#path}`);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
