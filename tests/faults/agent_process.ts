/**
 * The agent as `main.ts` runs it, with one thing in another's place: the kernel, which is the process listening at
 * $FAULT_KERNEL. Everything else, sockets, files, signals, log, is the program's own.
 */
import { bugText, runCli } from "../../src/cli/run_cli.ts";
import { RemoteKernel } from "./kernel_wire.ts";

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

const bugListeners: ((error: unknown) => void)[] = [];
for (const type of ["error", "unhandledrejection"]) {
  globalThis.addEventListener(type, (event) => {
    event.preventDefault();
    const error = event instanceof PromiseRejectionEvent ? event.reason : (event as ErrorEvent).error;
    write(bugText(error));
    for (const listener of bugListeners) listener(error);
    Deno.exit(1);
  });
}

const output = { write, isTerminal: false, columns: undefined };
const path = Deno.env.get("FAULT_KERNEL");
if (path === undefined) throw new Error("FAULT_KERNEL is not set");
Deno.exit(
  await runCli({
    args: Deno.args,
    env: Deno.env.toObject(),
    stdout: output,
    stderr: output,
    onBug: (listener) => void bugListeners.push(listener),
    kernel: new RemoteKernel(path),
  }),
);
