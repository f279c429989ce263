/** Signals of the process as calls. Decides nothing about what they mean. */
import type { Closer } from "../model/world.ts";

export type SignalHandlers = Partial<Record<"SIGTERM" | "SIGINT" | "SIGHUP", () => void>>;

/** Calls the handler of each signal named, in place of the signal's default; `close` restores the defaults. */
export function watchSignals(handlers: SignalHandlers): Closer {
  let wanted = Object.entries(handlers) as [Deno.Signal, () => void][];
  for (const [signal, handler] of wanted) Deno.addSignalListener(signal, handler);
  return {
    close(): void {
      for (const [signal, handler] of wanted) Deno.removeSignalListener(signal, handler);
      wanted = [];
    },
  };
}
