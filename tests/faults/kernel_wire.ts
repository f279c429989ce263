/**
 * The kernel process as the agent sees it, over a unix socket: a connection of its own for every call, as the device
 * is opened for every connect and sysfs for every reading, and one that stays for the hints. One line of JSON each way.
 */
import { errorCode, errorText, KernelError } from "../../src/base/errors.ts";
import type { Controller } from "../../src/model/controller.ts";
import type { Closer, Kernel } from "../../src/model/world.ts";
import { fabricsTokens } from "../sim/fabrics_options.ts";
import { lines } from "./lines.ts";
import type { SocketKernel } from "./socket_kernel.ts";

type Call = { readonly call: "connect"; readonly text: string } | {
  readonly call: "options" | "controllers" | "watch";
};
type Answer = { readonly value: unknown } | { readonly errno: string; readonly message: string };

const encoder = new TextEncoder();

/** The agent's end. Ends the process when the kernel is gone: then the machine is. */
export class RemoteKernel implements Kernel {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async connect(text: string): Promise<{ instance: number; cntlid: number }> {
    return await this.#ask({ call: "connect", text }) as { instance: number; cntlid: number };
  }

  async supportedOptions(): Promise<ReadonlySet<string>> {
    return new Set(await this.#ask({ call: "options" }) as string[]);
  }

  async controllers(): Promise<Controller[]> {
    return await this.#ask({ call: "controllers" }) as Controller[];
  }

  watch(onHint: () => void): Closer {
    let closed = false;
    let socket: Deno.UnixConn | undefined;
    const follow = async () => {
      try {
        socket = await Deno.connect({ transport: "unix", path: this.#path });
      } catch {
        // No descriptor left: as with real events, there are none then.
        return;
      }
      if (closed) return socket.close();
      await writeLine(socket, { call: "watch" });
      for await (const _ of lines(socket.readable)) onHint();
    };
    follow().catch(() => {}).then(() => {
      if (!closed && socket !== undefined) Deno.exit(70);
    });
    return {
      close(): void {
        closed = true;
        try {
          socket?.close();
        } catch {
          // It is closed already.
        }
      },
    };
  }

  async #ask(call: Call): Promise<unknown> {
    let socket: Deno.UnixConn;
    try {
      socket = await Deno.connect({ transport: "unix", path: this.#path });
    } catch (error) {
      throw new KernelError(errorCode(error), `Cannot open the kernel: ${errorText(error)}`, {
        cause: error,
      });
    }
    await writeLine(socket, call);
    for await (const line of lines(socket.readable)) {
      const answer = JSON.parse(line) as Answer;
      if ("value" in answer) return answer.value;
      throw new KernelError(answer.errno, answer.message);
    }
    throw new KernelError("EIO", "Cannot ask the kernel: it is gone");
  }
}

/** The kernel's end: answers until the process ends. */
export async function serveKernel(path: string, kernel: SocketKernel): Promise<void> {
  const watchers = new Set<Deno.UnixConn>();
  let isHinting = false;
  kernel.onHint = () => {
    if (isHinting) return;
    isHinting = true;
    queueMicrotask(() => {
      isHinting = false;
      for (const watcher of watchers) {
        writeLine(watcher, "hint").catch(() => watchers.delete(watcher));
      }
    });
  };
  for await (const socket of Deno.listen({ transport: "unix", path })) {
    answer(socket, kernel, watchers).catch(() => {}).finally(() => {
      watchers.delete(socket);
      try {
        socket.close();
      } catch {
        // The agent was killed.
      }
    });
  }
}

async function answer(
  socket: Deno.UnixConn,
  kernel: SocketKernel,
  watchers: Set<Deno.UnixConn>,
): Promise<void> {
  const reader = lines(socket.readable, { preventCancel: true });
  const first = await reader.next();
  if (first.done) return;
  const call = JSON.parse(first.value) as Call;
  if (call.call === "watch") {
    watchers.add(socket);
    await reader.next();
    return;
  }
  await writeLine(socket, await perform(kernel, call));
}

async function perform(kernel: SocketKernel, call: Call): Promise<Answer> {
  try {
    if (call.call === "connect") return { value: await kernel.connect(call.text) };
    return { value: call.call === "options" ? fabricsTokens : kernel.controllers() };
  } catch (error) {
    return { errno: errorCode(error), message: errorText(error) };
  }
}

async function writeLine(socket: Deno.Conn, value: unknown): Promise<void> {
  const bytes = encoder.encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}
