/** What people, scripts and editors do to clientConfigDir. Every trick leaves files that readers can make sense of. */
import { formatEntryFile } from "../../src/config/entry_line.ts";
import { cluster, hostid, hostnqn } from "../faults/agent_home.ts";
import { discoveryPort } from "../faults/fabric_plan.ts";
import type { FaultHost } from "../faults/fault_host.ts";
import { pause } from "../faults/waiting.ts";
import type { Draw } from "../sim/draw.ts";
import type { FileTrick } from "./change.ts";
import { drawStranger } from "./strangers.ts";

const mainFile = "cluster.conf";
/** Files beside the main one, by number. */
const extraFiles = 6;
const hostileText = [
  "-t tcp -a",
  "--no-such-option 7 -t tcp",
  "-t tcp -a 127.0.0.1 -s 99999 -q x -n y",
  "\u0000\u0001 binary \ufffd",
  "'never closed",
  "# a comment",
  "-t rdma -a 127.0.0.1 -s 8009",
];

export class EntryFiles {
  readonly #host: FaultHost;
  readonly #ctrlLossTmo: number;

  constructor(host: FaultHost, ctrlLossTmo: number) {
    this.#host = host;
    this.#ctrlLossTmo = ctrlLossTmo;
  }

  get #directory(): string {
    return this.#host.configDir;
  }

  get #configured(): string[] {
    return [...this.#host.fabric.nodes.keys()].slice(0, 2).map((id) => this.#host.addressOf(id));
  }

  #text(addresses: readonly string[], subsysnqn = cluster.subsysnqn): string {
    const options = { reconnectDelay: 1, keepAliveTmo: 2, ctrlLossTmo: this.#ctrlLossTmo };
    return formatEntryFile(addresses.map((traddr) => ({
      cluster: { subsysnqn, hostnqn },
      transport: "tcp" as const,
      traddr,
      trsvcid: discoveryPort,
      hostid,
      persistent: false,
      options,
    })));
  }

  /** The directory as it is when all is well: the main file, and nothing else. */
  async restore(): Promise<void> {
    await Deno.mkdir(this.#directory, { recursive: true });
    await this.#rename(mainFile, this.#text(this.#configured));
    for await (const { name } of Deno.readDir(this.#directory)) {
      if (name !== mainFile) await Deno.remove(`${this.#directory}/${name}`, { recursive: true });
    }
  }

  async #rename(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.#directory}/tmp.dc.${name}`, text);
    await Deno.rename(`${this.#directory}/tmp.dc.${name}`, `${this.#directory}/${name}`);
  }

  async play(trick: FileTrick, draw: Draw): Promise<void> {
    const number = draw.int(1, extraFiles);
    const name = `extra-${number}.conf`;
    const path = `${this.#directory}/${name}`;
    const main = `${this.#directory}/${mainFile}`;
    const addresses = draw.some([...this.#host.fabric.nodes.keys()]).map((id) => this.#host.addressOf(id));
    switch (trick) {
      case "rewrite":
        return await this.#rename(draw.chance(0.5) ? mainFile : name, this.#text(this.#configured));
      case "rewrite in place, slowly":
        return await writeSlowly(main, this.#text(this.#configured), draw);
      case "copy slowly":
        // It may be a link, perhaps to nowhere.
        await quietly(Deno.remove(path));
        return await writeSlowly(path, this.#text(addresses), draw);
      case "move":
        return await quietly(Deno.rename(path, `${this.#directory}/extra-${number % extraFiles + 1}.conf`));
      case "delete":
        return await quietly(Deno.remove(path));
      case "add strangers":
        return await this.#rename(name, this.#text([drawStranger(draw), drawStranger(draw), "localhost"]));
      case "add another cluster":
        return await this.#rename(
          name,
          this.#text([drawStranger(draw)], `nqn.2024-01.org.example:other-${draw.int(1, 1_000_000)}`),
        );
      case "add hostile lines":
        return await this.#rename(name, draw.some(hostileText).join("\n"));
      case "add a link":
        await quietly(Deno.remove(path));
        return await Deno.symlink(draw.chance(0.7) ? main : "/nowhere/at/all", path);
      case "touch":
        return await Deno.utime(main, new Date(), new Date());
      case "recreate the directory":
        return await this.#recreate(draw);
    }
  }

  async #recreate(draw: Draw): Promise<void> {
    const away = `${this.#host.directory}/away`;
    await Deno.rename(this.#directory, away);
    await pause(draw.ms(1, 300));
    await Deno.mkdir(this.#directory);
    await pause(draw.ms(1, 100));
    await Deno.copyFile(`${away}/${mainFile}`, `${this.#directory}/${mainFile}`);
    await Deno.remove(away, { recursive: true });
  }
}

/** As `cp` over a slow line: the file is empty, then half there. */
async function writeSlowly(path: string, text: string, draw: Draw): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let at = 0; at < bytes.length;) {
    const until = Math.min(bytes.length, at + draw.int(1, bytes.length));
    while (at < until) at += await file.write(bytes.subarray(at, until));
    await pause(draw.ms(1, 150));
  }
}

/** What is not there cannot be moved or removed. */
async function quietly(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
