/**
 * Where the agents of a run live: settings, entry files, internal.json, and the socket on which they tell how they
 * are. Several processes may follow one another in it; it starts none.
 */
import { assert } from "../assert.ts";
import { formatEntryFile } from "../../src/config/entry_line.ts";
import { parseState } from "../../src/config/state_file.ts";
import { receiveNow } from "../../src/io/libc.ts";
import type { Cluster } from "../../src/model/cluster.ts";
import { bindDatagramSocket } from "../io/datagram_socket.ts";
import { discoveryPort } from "./fabric_plan.ts";

export const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
export const hostid = "00112233-4455-6677-8899-aabbccddeeff";
export const cluster: Cluster = { subsysnqn: "nqn.2024-01.org.example:cluster", hostnqn };

export interface AgentHomeOptions {
  /** Keep Alive Timeout of the sessions, s. */
  readonly kato?: number;
  /** As the settings file has it. */
  readonly reconnectInterval?: string;
  readonly logLevel?: string;
  /** Seconds until the kernel gives a lost controller up. */
  readonly ctrlLossTmo?: number;
  /** Instead of a directory of the run's own. */
  readonly internalDir?: string;
}

export class AgentHome {
  readonly configDir: string;
  readonly internalDir: string;
  readonly settingsFile: string;
  readonly notifySocket: string;
  readonly #directory: string;
  readonly #options: AgentHomeOptions;
  #status = "";
  #listening: ReturnType<typeof setInterval> | undefined;

  constructor(directory: string, options: AgentHomeOptions) {
    this.#directory = directory;
    this.#options = options;
    this.configDir = `${directory}/discovery.d`;
    this.internalDir = options.internalDir ?? `${directory}/internal`;
    this.settingsFile = `${directory}/settings.yaml`;
    this.notifySocket = `${directory}/notify`;
  }

  async prepare(): Promise<void> {
    await Deno.mkdir(this.configDir);
    await Deno.mkdir(this.internalDir, { recursive: true });
    await Deno.writeTextFile(this.settingsFile, this.#settingsText());
    await Deno.writeTextFile(`${this.#directory}/hostid`, `${hostid}\n`);
    this.#listen();
  }

  #settingsText(): string {
    const { kato = 4, reconnectInterval = "500ms", logLevel = "info" } = this.#options;
    return `clientConfigDir: ${this.configDir}
internalDir: ${this.internalDir}
reconnectInterval: ${reconnectInterval}
kato: ${kato}
nvmeHostIDPath: ${this.#directory}/hostid
logging: {level: ${logLevel}}
autoDetectEntries: {enabled: false}
control: {socket: ${this.#directory}/control.sock}
`;
  }

  #listen(): void {
    const descriptor = bindDatagramSocket(this.notifySocket);
    const buffer = new Uint8Array(4096);
    this.#listening = setInterval(() => {
      for (let length; (length = receiveNow(descriptor, buffer)) !== null;) {
        const text = new TextDecoder().decode(buffer.subarray(0, length));
        if (text.startsWith("STATUS=")) this.#status = text.slice("STATUS=".length);
      }
    }, 50);
  }

  /** What an agent last told its service manager: `6 of 6 paths live, 3 of 3 endpoints in session`. */
  get status(): string {
    return this.#status;
  }

  forgetStatus(): void {
    this.#status = "";
  }

  async dropFile(name: string, addresses: readonly string[]): Promise<void> {
    const { ctrlLossTmo } = this.#options;
    const options = {
      reconnectDelay: 1,
      keepAliveTmo: 2,
      ...(ctrlLossTmo === undefined ? {} : { ctrlLossTmo }),
    };
    const common = { cluster, transport: "tcp" as const, hostid, persistent: false, options };
    const text = formatEntryFile(
      addresses.map((traddr) => ({ ...common, traddr, trsvcid: discoveryPort })),
    );
    await Deno.writeTextFile(`${this.configDir}/tmp.dc.${name}`, text);
    await Deno.rename(`${this.configDir}/tmp.dc.${name}`, `${this.configDir}/${name}`);
  }

  /** Endpoints of internal.json that are not retired; throws when it cannot be loaded. Null: there is none. */
  async rememberedEndpoints(): Promise<string[] | null> {
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(`${this.internalDir}/internal.json`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
    const { entries, problems } = parseState(bytes);
    assert(problems.length === 0, `internal.json: ${problems[0]}`);
    return entries.filter(({ retired }) => !retired).map(({ traddr, trsvcid }) => `${traddr}:${trsvcid}`)
      .sort();
  }

  close(): void {
    clearInterval(this.#listening);
  }
}
