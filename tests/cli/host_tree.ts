/** A host's /sys and /proc in a directory: controllers, their namespaces and who holds them, as Linux shows them. */

export interface TreeController {
  readonly name: string;
  readonly subsysnqn: string;
  readonly traddr?: string;
  readonly transport?: string;
  readonly state?: string;
  readonly cntrltype?: string;
  /** Path devices below the controller: name → ANA state, or null without ANA. */
  readonly paths?: Readonly<Record<string, string | null>>;
}

export class HostTree {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async make(): Promise<HostTree> {
    const tree = new HostTree(await Deno.makeTempDir());
    await tree.write("proc/self/mountinfo", "");
    await Deno.mkdir(`${tree.root}/sys/class/nvme`, { recursive: true });
    return tree;
  }

  async write(path: string, text: string): Promise<void> {
    const file = `${this.root}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }

  async addController(controller: TreeController): Promise<void> {
    const { name, subsysnqn, traddr = "10.0.0.1", transport = "tcp", state = "live", paths = {} } =
      controller;
    const directory = `sys/class/nvme/${name}`;
    const address = transport === "pcie" ? "0000:00:04.0" : `traddr=${traddr},trsvcid=4420`;
    const attributes = { state, transport, subsysnqn, address, cntlid: "1", delete_controller: "" };
    for (const [attribute, text] of Object.entries(attributes)) {
      await this.write(`${directory}/${attribute}`, text);
    }
    if (controller.cntrltype !== undefined) await this.write(`${directory}/cntrltype`, controller.cntrltype);
    for (const [path, ana] of Object.entries(paths)) {
      await this.write(`${directory}/${path}/size`, "2048\n");
      if (ana !== null) await this.write(`${directory}/${path}/ana_state`, `${ana}\n`);
    }
  }

  /** A block device by number, its partitions, and what lies on top of it or of one of them. */
  async addDevice(name: string, number: string, holders: Readonly<Record<string, readonly string[]>> = {}) {
    await this.write(`sys/block/${name}/dev`, `${number}\n`);
    for (const [part, names] of Object.entries({ [name]: [], ...holders })) {
      const directory = part === name ? `sys/block/${name}` : `sys/block/${name}/${part}`;
      if (part !== name) await this.write(`${directory}/dev`, `${number}${part.at(-1)}\n`);
      await Deno.mkdir(`${this.root}/${directory}/holders`, { recursive: true });
      for (const holder of names) await this.write(`${directory}/holders/${holder}`, "");
    }
  }

  /** Names of the controllers that were told to go. */
  async deleted(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(`${this.root}/sys/class/nvme`)) {
      const text = await Deno.readTextFile(`${this.root}/sys/class/nvme/${name}/delete_controller`);
      if (text === "1") names.push(name);
    }
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}
