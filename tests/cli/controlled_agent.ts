/**
 * A fabric on loopback, a kernel that connects to it from a process of its own, and a real agent between them with a
 * control socket: what status and watch are asked about.
 */
import { Fabric } from "../fabric/fabric.ts";
import { ChildProcess, denoWords } from "../faults/child_process.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { cluster, host } from "./memory_environment.ts";
import { ProgramProcess } from "./program_process.ts";

export class ControlledAgent {
  readonly root: string;
  readonly fabric: Fabric;
  readonly server: FabricServer;
  readonly #kernel: ChildProcess;
  readonly #processes: ProgramProcess[] = [];

  private constructor(root: string, nodes: number, subsystems: number) {
    this.root = root;
    const traddr = (index: number) => `127.0.0.${index}`;
    this.fabric = Fabric.build({ nodes, subsystems, traddr, discoveryPort: 0, ioPort: 0 });
    this.server = new FabricServer(this.fabric);
    this.fabric.refer();
    this.#kernel = new ChildProcess({
      name: "the kernel",
      words: [...denoWords("kernel_process.ts"), this.kernelSocket, "2000"],
      env: {},
      isAsked: true,
      onDeath: () => {},
    });
  }

  /** Below `root`, which is somebody else's. */
  static async create(
    root: string,
    { nodes = 3, subsystems = 2 }: { nodes?: number; subsystems?: number } = {},
  ): Promise<ControlledAgent> {
    const it = new ControlledAgent(root, nodes, subsystems);
    await it.#kernel.ready();
    return it;
  }

  get kernelSocket(): string {
    return `${this.root}/kernel.sock`;
  }

  port(id: string): number {
    return this.fabric.node(id).discovery[0]!.trsvcid;
  }

  /** `serve` with the first node as its only endpoint. */
  serve(...more: string[]): ProgramProcess {
    const address = `127.0.0.1:${this.port("n1")}`;
    const given = ["--ephemeral", "--debug.endpoint=", "-a", address, "-q", host, "-n", cluster];
    const quick = ["--reconnectInterval", "100ms", "--kato", "1", "--logging.reportCaller=false"];
    const program = denoWords("agent_process.ts");
    // An agent that is killed leaves its own directory: inside of ours.
    const env = { FAULT_KERNEL: this.kernelSocket, TMPDIR: this.root };
    const agent = new ProgramProcess(["serve", ...given, ...quick, ...more], { program, env });
    this.#processes.push(agent);
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) await process[Symbol.asyncDispose]();
    await this.#kernel.end();
    await this.server.close();
  }
}

/** The path that the agent says its control socket has. */
export async function controlSocketOf(agent: ProgramProcess): Promise<string> {
  const line = await agent.waitFor("The control socket is ");
  return line.replace(/^.* is /, "");
}
