/** The agent as a process of the guest: `deno run main.ts serve`, or the compiled binary. */
import { discoveryPort } from "./network.ts";
import { type CommandResult, runCommand } from "./command.ts";
import { until } from "./poll.ts";
import type { HostIdentity } from "./initiator.ts";

export interface AgentSettings {
  readonly reconnectInterval?: string;
  /** Of the discovery sessions, s. */
  readonly kato?: number;
  readonly autoDetect?: { readonly enabled: boolean; readonly filename: string };
  /** Further lines of the settings file. */
  readonly extra?: string;
}

/** One endpoint of internal.json, in the words of that file. */
export interface StoredEntry {
  readonly Traddr: string;
  readonly Trsvcid: number | string;
  readonly Hostnqn: string;
  readonly Hostid: string;
  readonly Subsysnqn: string;
  readonly EntrySource: string;
}

const startLimitMs = 60_000;
const stopLimitMs = 15_000;

/** Program and first arguments of every call of the agent. */
let program: readonly string[] = [
  "deno",
  "run",
  "--quiet",
  "--allow-all",
  "--cached-only",
  `${Deno.cwd()}/main.ts`,
];

/** Program and first arguments, for who starts it in another way. */
export function agentProgram(): readonly string[] {
  return program;
}

export function useBinary(): void {
  program = [`${Deno.cwd()}/discovery-client`];
}

/** One line of an entry file; `more` are further options. */
export function entryLine(
  address: string,
  host: HostIdentity,
  nqn: string,
  port = discoveryPort,
  more = "",
): string {
  return `-t tcp -a ${address} -s ${port} -q ${host.hostnqn} -n ${nqn} -I ${host.hostid} ${more}`.trimEnd() +
    "\n";
}

/** Where one agent lives: its directories and its settings file. Several processes may follow one another in it. */
export class AgentHome {
  readonly clientConfigDir: string;
  readonly internalDir: string;
  readonly logFile: string;
  readonly #dir: string;
  #process: Deno.ChildProcess | null = null;
  #starts = 0;
  #ready: Promise<void> = Promise.resolve();
  #startedMs = 0;

  private constructor(dir: string) {
    this.#dir = dir;
    this.clientConfigDir = `${dir}/discovery.d`;
    this.internalDir = `${dir}/internal`;
    this.logFile = `${dir}/agent.log`;
  }

  static async create(dir: string, settings: AgentSettings = {}): Promise<AgentHome> {
    const home = new AgentHome(dir);
    await Deno.mkdir(home.clientConfigDir, { recursive: true });
    await Deno.mkdir(home.internalDir, { recursive: true });
    await home.#writeSettings(settings, home.settingsFile);
    return home;
  }

  async #writeSettings(settings: AgentSettings, file: string): Promise<void> {
    const detect = settings.autoDetect ?? { enabled: false, filename: "detected-io-controllers" };
    const text = `clientConfigDir: ${this.clientConfigDir}/
internalDir: ${this.internalDir}/
reconnectInterval: ${settings.reconnectInterval ?? "1s"}
logPagePaginationEnabled: false
maxIOQueues: 0
kato: ${settings.kato ?? 10}
nvmeHostIDPath: /etc/nvme/hostid
logging: {filename: ${this.logFile}, maxAge: 96h, maxSize: 100, level: debug, reportCaller: false}
debug: {metrics: false, enablepprof: false, endpoint: "127.0.0.1:6060"}
autoDetectEntries: {enabled: ${detect.enabled}, filename: ${detect.filename}, discoveryServicePort: ${discoveryPort}}
${settings.extra ?? ""}`;
    await Deno.writeTextFile(file, text, { mode: 0o600 });
  }

  /** Puts other settings in place of the file, by rename, as configuration systems do. */
  async changeSettings(settings: AgentSettings): Promise<void> {
    await this.#writeSettings(settings, `${this.#dir}/settings.new`);
    await Deno.rename(`${this.#dir}/settings.new`, this.settingsFile);
  }

  /** What the agent tells of itself at its debug endpoint. */
  async status(): Promise<string> {
    return await (await fetch("http://127.0.0.1:6060/status")).text();
  }

  get settingsFile(): string {
    return `${this.#dir}/discovery-client.yaml`;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  get pid(): number {
    if (this.#process === null) throw new Error("Cannot tell the pid: the agent is not running");
    return this.#process.pid;
  }

  start(): void {
    if (this.#process !== null) throw new Error("Cannot start the agent: it is running");
    this.#starts++;
    // Through a shell, so that the output of a killed process is kept too; exec keeps the pid.
    const socket = `${this.#dir}/notify${this.#starts}`;
    this.#ready = receiveReady(socket);
    this.#startedMs = performance.now();
    const command = [...program, "serve", "--config", this.settingsFile].join(" ");
    const child = new Deno.Command("sh", {
      args: ["-c", `exec ${command} >>${this.#dir}/stderr.log 2>&1`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      env: { NOTIFY_SOCKET: socket },
    }).spawn();
    this.#process = child;
    child.status.then((status) => {
      if (this.#process !== child) return;
      this.#process = null;
      Deno.writeTextFile(
        `${this.#dir}/stderr.log`,
        `(exited by itself: ${status.code} ${status.signal ?? ""})\n`,
        {
          append: true,
        },
      );
    });
  }

  /**
   * Resolves when the agent tells its service manager that it is ready (its first pass is done); answers the
   * milliseconds since its start.
   */
  async ready(): Promise<number> {
    let told = false;
    this.#ready.then(() => told = true);
    await until("READY=1", startLimitMs, () => told || this.#process === null ? null : "nothing");
    if (!told) throw new Error("The agent ended before it was ready");
    return performance.now() - this.#startedMs;
  }

  /** An orderly end; answers the milliseconds it took. */
  async stop(): Promise<number> {
    return await this.#end("SIGTERM");
  }

  signal(signal: Deno.Signal): void {
    if (this.#process === null) throw new Error(`Cannot send ${signal}: the agent is not running`);
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: Deno.Signal): Promise<number> {
    const child = this.#process;
    if (child === null) throw new Error("Cannot stop the agent: it is not running (see its log)");
    this.#process = null;
    const startedMs = performance.now();
    child.kill(signal);
    let ended = false;
    const status = child.status.then((found) => {
      ended = true;
      return found;
    });
    try {
      await until("the agent's end", stopLimitMs, () => ended ? null : "still running", 5);
    } finally {
      if (!ended) child.kill("SIGKILL");
    }
    const found = await status;
    if (signal === "SIGTERM" && !found.success) {
      throw new Error(`The agent ended with ${found.signal ?? found.code} when asked to stop`);
    }
    return performance.now() - startedMs;
  }

  /** Puts a file into the directory the way consumers do: written beside, then renamed in. */
  async drop(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.clientConfigDir}/tmp.dc.${name}`, text);
    await Deno.rename(`${this.clientConfigDir}/tmp.dc.${name}`, `${this.clientConfigDir}/${name}`);
  }

  /** Endpoints of internal.json; an empty list without the file. */
  async storedEntries(): Promise<StoredEntry[]> {
    const text = await Deno.readTextFile(`${this.internalDir}/internal.json`).catch(() => null);
    return text === null ? [] : (JSON.parse(text) as { entries: StoredEntry[] | null }).entries ?? [];
  }

  /** Null when internal.json holds exactly these endpoints (`address:port`), else what it holds. */
  async lookForStored(wanted: readonly string[]): Promise<string | null> {
    const found = (await this.storedEntries()).map((entry) => `${entry.Traddr}:${entry.Trsvcid}`).sort();
    return found.join(" ") === [...wanted].sort().join(" ")
      ? null
      : `internal.json: ${found.join(" ") || "nothing"}`;
  }

  /** What the agent wrote last. */
  async logTail(lines: number): Promise<string[]> {
    const last = (await this.log()).trimEnd().split("\n").slice(-lines);
    return [`${this.#dir}/stderr.log (${this.#starts} starts):`, ...last];
  }

  /** All that the agents of this home have logged; the log file has the same lines. */
  async log(): Promise<string> {
    return await Deno.readTextFile(`${this.#dir}/stderr.log`).catch(() => "");
  }

  /** Lines of the agent's log that hold the text. */
  async logCount(text: string): Promise<number> {
    return (await this.log()).split(text).length - 1;
  }

  async logContains(text: string): Promise<boolean> {
    return await this.logCount(text) > 0;
  }
}

/** Waits for READY=1 on a socket of its own, as systemd would (sd_notify(3)). */
function receiveReady(path: string): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  return new Promise((resolve) => {
    // Read to the end, as systemd does: a full socket would refuse what the agent tells later.
    (async () => {
      for await (const [bytes] of socket) {
        if (new TextDecoder().decode(bytes).split("\n").includes("READY=1")) resolve();
      }
    })();
  });
}

/** Another subcommand of the agent. */
export async function runAgent(args: readonly string[], mayFail = false): Promise<CommandResult> {
  const [first, ...rest] = program;
  return await runCommand(first ?? "deno", [...rest, ...args], { mayFail });
}

/** Whether there is an agent to run at all. */
export async function agentExists(): Promise<boolean> {
  const file = program.at(-1) ?? "";
  return await Deno.stat(file).then(() => true, () => false);
}
