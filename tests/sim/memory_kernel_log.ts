/** The kernel's log in memory: what is written is told to whoever listens since before. */
import { explainConnect } from "../../src/io/kernel_words.ts";
import type { KernelLog, KernelLogTail, KernelMessage } from "../../src/model/world.ts";
import type { ConnectRecord } from "./kernel_record.ts";

export class MemoryKernelLog implements KernelLog {
  readonly #tails = new Set<KernelMessage[]>();
  /** False: nobody may read it, as in a container. */
  readable = true;

  write(severity: number, text: string): void {
    for (const tail of this.#tails) tail.push({ severity, text });
  }

  /** What Linux says where a controller refuses a Connect. */
  writeResult({ result, name, options }: ConnectRecord): void {
    if (result !== "EIO" || name === null || options === null) return;
    this.write(3, `nvme ${name}: Connect Invalid Data Parameter, subsysnqn "${options.nqn}"`);
  }

  /** A connect whose failure says what stands here about it. */
  explain<T>(options: string, connect: () => Promise<T>, namesKnown: () => readonly string[]): Promise<T> {
    return explainConnect(connect, { options, kernelLog: this, namesKnown });
  }

  listen(): KernelLogTail | null {
    if (!this.readable) return null;
    const messages: KernelMessage[] = [];
    this.#tails.add(messages);
    return { take: () => messages.splice(0), close: () => void this.#tails.delete(messages) };
  }

  /** Tails not closed. */
  get listeners(): number {
    return this.#tails.size;
  }
}
