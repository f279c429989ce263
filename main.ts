/**
 * The program's entry: the process as Environment, and its exit status. Everything else is in src/, and loaded after
 * the question for the version, which packages and probes ask often and which needs none of it.
 */
import { versionText } from "./src/base/version.ts";
import type { Output } from "./src/cli/environment.ts";

type Stream = typeof Deno.stdout | typeof Deno.stderr;

/** Writes all of a text before it returns: the last line before an exit counts most. */
function write(stream: Stream, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      // Whoever read our output has gone: there is nobody left to tell.
      if (error instanceof Deno.errors.BrokenPipe) return;
      // A pipe that its other users made non-blocking is full.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function terminalColumns(): number | undefined {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return undefined;
  }
}

function output(stream: Stream): Output {
  const isTerminal = stream.isTerminal();
  return {
    write: (text) => write(stream, text),
    isTerminal,
    columns: isTerminal ? terminalColumns() : undefined,
  };
}

if (Deno.args.length === 1 && (Deno.args[0] === "--version" || Deno.args[0] === "-V")) {
  write(Deno.stdout, `${versionText()}\n`);
  Deno.exit(0);
}
const { bugText, runCli } = await import("./src/cli/run_cli.ts");

/** Whether somebody can be asked: they see the question and can type. */
function canAsk(): boolean {
  return Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
}

async function confirm(question: string): Promise<boolean> {
  return await (await import("./src/io/terminal_question.ts")).askYesNo(question);
}

const bugListeners: ((error: unknown) => void)[] = [];
for (const type of ["error", "unhandledrejection"]) {
  globalThis.addEventListener(type, (event) => {
    event.preventDefault();
    const error = event instanceof PromiseRejectionEvent ? event.reason : (event as ErrorEvent).error;
    write(Deno.stderr, bugText(error));
    for (const listener of bugListeners) listener(error);
    Deno.exit(1);
  });
}

const status = await runCli({
  args: Deno.args,
  env: Deno.env.toObject(),
  stdout: output(Deno.stdout),
  stderr: output(Deno.stderr),
  ...(canAsk() ? { confirm } : {}),
  onBug: (listener) => void bugListeners.push(listener),
});
Deno.exit(status);
