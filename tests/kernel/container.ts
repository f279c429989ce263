/**
 * The agent as its consumers' containers run it: a root directory of its own, in a mount namespace of its own, with
 * the host's network and /dev, and without any capability or the way to gain one. /sys can be read only; there is no
 * /etc/nvme, no /var/log, no systemd, no settings file. From the host comes nothing but the directory of entry files.
 */
import { agentProgram } from "./agent_process.ts";
import { runCommand } from "./command.ts";
import { until } from "./poll.ts";

const stopLimitMs = 15_000;
const runtimeDirectories = ["/bin", "/lib", "/lib64", "/usr", "/deno-dir"];

export class Container {
  /** On the host's side. */
  readonly clientConfigDir: string;
  readonly root: string;
  readonly #dir: string;
  #process: Deno.ChildProcess | null = null;

  private constructor(dir: string) {
    this.#dir = dir;
    this.root = `${dir}/root`;
    this.clientConfigDir = `${dir}/discovery.d`;
  }

  static async create(dir: string): Promise<Container> {
    const container = new Container(dir);
    const inside = [...runtimeDirectories, Deno.cwd(), "/dev", "/proc", "/sys", "/tmp"];
    inside.push("/etc/discovery-client/discovery.d");
    for (const directory of inside) await Deno.mkdir(`${container.root}${directory}`, { recursive: true });
    await Deno.mkdir(container.clientConfigDir, { recursive: true });
    return container;
  }

  /** `serve` without a word of ours but its environment. */
  start(env: Readonly<Record<string, string>>): void {
    const bind = (from: string, to = from) => `mount --bind ${from} ${this.root}${to}`;
    const script = [
      "set -e",
      ...[...runtimeDirectories, Deno.cwd(), "/dev"].map((directory) => bind(directory)),
      bind(this.clientConfigDir, "/etc/discovery-client/discovery.d"),
      `mount -t proc proc ${this.root}/proc`,
      `mount -t sysfs -o ro sysfs ${this.root}/sys`,
      "every=$(capsh --print | sed -n 's/^Bounding set =//p')",
      `exec capsh --chroot=${this.root} --drop="$every" --no-new-privs --shell=/bin/sh -- ` +
      `-c 'cd ${Deno.cwd()}; exec ${agentProgram().join(" ")} serve'`,
    ].join("\n");
    this.#process = new Deno.Command("sh", {
      args: ["-c", `exec unshare -m sh -c "$SCRIPT" >${this.#dir}/stderr.log 2>&1`],
      clearEnv: true,
      env: { PATH: "/bin", DENO_DIR: "/deno-dir", NO_COLOR: "1", SCRIPT: script, ...env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Runs a shell line beside the agent, in the same namespace and root; answers what it prints. */
  async look(line: string): Promise<string> {
    const args = ["-t", String(this.#process?.pid ?? ""), "-m", "-r", "sh", "-c", line];
    return (await runCommand("nsenter", args, { mayFail: true })).stdout.trim();
  }

  /** Its sets of capabilities, a line each. */
  async rights(): Promise<string> {
    const text = await Deno.readTextFile(`/proc/${this.#process?.pid}/status`);
    return text.split("\n").filter((line) => /^Cap(?:Inh|Prm|Eff|Bnd|Amb):/.test(line)).join("\n");
  }

  /** An orderly end; does nothing when it was never started. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#process = null;
    let code: number | null = null;
    child.status.then((status) => code = status.code);
    child.kill("SIGTERM");
    try {
      await until("the end of the container", stopLimitMs, () => code === null ? "still running" : null);
    } finally {
      if (code === null) child.kill("SIGKILL");
    }
    if (code !== 0) throw new Error(`The agent in the container ended with ${code}: ${await this.log()}`);
  }

  async log(): Promise<string> {
    return await Deno.readTextFile(`${this.#dir}/stderr.log`).catch(() => "");
  }
}
