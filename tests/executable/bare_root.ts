/**
 * A root directory with the executable, the libraries that it names and nothing else: no shell, no /tmp, no home. All
 * of it is read-only but two directories, and it has no network, not even a loopback that is up. Needs root.
 */
import { assert } from "../assert.ts";
import type { ProcessOptions } from "../cli/program_process.ts";

export const executable = new URL(
  Deno.env.get("DISCOVERY_CLIENT") || "../../dist/discovery-client",
  import.meta.url,
).pathname;

/** What the agent may write to: its state and its socket. */
export const writable = ["/etc/discovery-client", "/run/discovery-client"] as const;

export class BareRoot {
  /** Mounted in the process's own namespace only. */
  readonly #root: string;
  /** Holds the directories of `writable` for both sides. */
  readonly #shared: string;

  private constructor(directory: string) {
    this.#root = `${directory}/root`;
    this.#shared = `${directory}/shared`;
  }

  static async create(directory: string): Promise<BareRoot> {
    const bare = new BareRoot(directory);
    await Deno.mkdir(bare.#root);
    for (const path of writable) await Deno.mkdir(bare.#shared + path, { recursive: true });
    return bare;
  }

  /** Where a path below one of `writable` is outside. */
  outside(path: string): string {
    assert(writable.some((directory) => path.startsWith(`${directory}/`)), `${path} is inside only`);
    return this.#shared + path;
  }

  /** For ProgramProcess: runs the executable in there, with these variables alone. */
  async options(env: Readonly<Record<string, string>> = {}): Promise<ProcessOptions> {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const shell = ["unshare", "--mount", "--net", "setsid", "sh", "-euc", await this.#script(), "sh"];
    return {
      wrapper: [...shell, ...variables, await which("chroot"), this.#root],
      program: ["/discovery-client"],
    };
  }

  /** Ends in exec, so that the number of the process stays. The arguments are variables, then the command. */
  async #script(): Promise<string> {
    const root = this.#root;
    const files = [...await libraries(), "/dev/null", "/dev/urandom"];
    return [
      "mount --make-rprivate /",
      `mount -t tmpfs -o mode=0755 none ${root}`,
      `touch ${root}/discovery-client`,
      `mount --bind ${executable} ${root}/discovery-client`,
      ...files.map((file) =>
        `mkdir -p ${root}${
          file.replace(/\/[^/]*$/, "")
        }; touch ${root}${file}; mount --bind ${file} ${root}${file}`
      ),
      ...writable.map((path) =>
        `mkdir -p ${root}${path}; mount --bind ${this.#shared}${path} ${root}${path}`
      ),
      `mkdir ${root}/proc ${root}/sys`,
      `mount --rbind /proc ${root}/proc`,
      `mount --rbind /sys ${root}/sys`,
      `mount -o remount,ro none ${root}`,
      'exec env -i "$@"',
    ].join("\n");
  }
}

/** The loader and what it loads, as ldd(1) finds them here. */
async function libraries(): Promise<string[]> {
  const { stdout } = await new Deno.Command("ldd", { args: [executable] }).output();
  const found = [...new TextDecoder().decode(stdout).matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  assert(found.some((path) => path.includes("libc.so")), "ldd tells no C library");
  return found;
}

async function which(command: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `PATH=$PATH:/sbin:/usr/sbin command -v ${command}`],
  })
    .output();
  const path = new TextDecoder().decode(stdout).trim();
  assert(path !== "", `${command} is not there`);
  return path;
}
