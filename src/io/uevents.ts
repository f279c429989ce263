/**
 * The kernel's device events (uevents), as hints that NVMe controllers may have changed. They may be lost, late or
 * many; nobody may rely on them.
 */
import type { Closer } from "../model/world.ts";
import { closeDescriptor, openUeventSocket, openWakeup, receiveNow, waitReadable, wake } from "./libc.ts";
import { KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

export interface UeventOptions {
  /** Called for each burst of events of this subsystem. */
  readonly onHint: () => void;
  /** Called at most once, when no more hints will come. */
  readonly onProblem: (error: Error) => void;
  readonly subsystem?: string;
  /** Descriptor of the socket to read; closed at the end. */
  readonly openSocket?: () => number;
}

/** `ended` resolves when the thread and the descriptors are given back after `close`. */
export interface UeventWatch extends Closer {
  readonly ended: Promise<void>;
}

/** Begins to listen. Throws nothing: what fails is told to `onProblem`. */
export function watchUevents(options: UeventOptions): UeventWatch {
  const { openSocket = openUeventSocket } = options;
  let socket: number | undefined;
  try {
    socket = openSocket();
    const wakeup = openWakeup();
    let closed = false;
    const ended = listen(options, socket, wakeup, () => closed).finally(() => {
      closed = true;
      closeDescriptor(wakeup);
    });
    return {
      ended,
      close(): void {
        // After the end the number may belong to another descriptor.
        if (!closed) wake(wakeup);
        closed = true;
      },
    };
  } catch (error) {
    if (socket !== undefined) closeDescriptor(socket);
    options.onProblem(error as Error);
    return { ended: Promise.resolve(), close: () => {} };
  }
}

async function listen(
  options: UeventOptions,
  socket: number,
  wakeup: number,
  isClosed: () => boolean,
): Promise<void> {
  const buffer = new Uint8Array(limits.ueventBytesMax);
  const { subsystem = "nvme" } = options;
  try {
    for (let emptyWaits = 0; !isClosed();) {
      const [readable] = await waitReadable([socket, wakeup]);
      if (isClosed()) return;
      emptyWaits = readable ? 0 : emptyWaits + 1;
      if (emptyWaits > limits.ueventEmptyWaitsMax) {
        throw new KernelError("EIO", "Cannot wait for the kernel's device events");
      }
      if (readable && takeMessages(socket, buffer, subsystem)) options.onHint();
    }
  } catch (error) {
    if (!isClosed()) options.onProblem(error as Error);
  } finally {
    closeDescriptor(socket);
  }
}

/** Whether one of the messages at hand is about the subsystem, or may have been. */
function takeMessages(socket: number, buffer: Uint8Array<ArrayBuffer>, subsystem: string): boolean {
  let concerned = false;
  for (let count = 0; count < limits.ueventsPerHintMax; count++) {
    try {
      const length = receiveNow(socket, buffer);
      if (length === null) break;
      if (ueventSubsystem(buffer.subarray(0, length)) === subsystem) concerned = true;
    } catch (error) {
      // The queue was full and events are lost: ours may have been among them.
      if (!(error instanceof KernelError) || error.code !== "ENOBUFS") throw error;
      concerned = true;
    }
  }
  return concerned;
}

/**
 * The subsystem an event is about; null when the message is no kernel event.
 *
 *     add@/devices/virtual/nvme-fabrics/ctl/nvme0\0ACTION=add\0DEVPATH=…\0SUBSYSTEM=nvme\0…
 *
 * Source: linux lib/kobject_uevent.c, kobject_uevent_env().
 */
export function ueventSubsystem(message: Uint8Array): string | null {
  const [title = "", ...variables] = new TextDecoder().decode(message).split("\0");
  if (!/^[a-z]+@\//.test(title)) return null;
  const prefix = "SUBSYSTEM=";
  return variables.find((variable) => variable.startsWith(prefix))?.slice(prefix.length) ?? null;
}
