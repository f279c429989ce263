/**
 * Requests on stdin, answers on stdout, a line of JSON each: how a test tells its processes what to do. It ends with
 * stdin, that is with whoever started the process.
 */
import { lines } from "./lines.ts";

export type RequestHandlers = Readonly<Record<string, (...args: unknown[]) => unknown>>;

export interface Request {
  readonly id: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** Answers until stdin ends; the first line says that the process is ready. */
export async function answerRequests(handlers: RequestHandlers): Promise<void> {
  write({ id: 0, value: "ready" });
  for await (const line of lines(Deno.stdin.readable)) {
    const { id, call, args } = JSON.parse(line) as Request;
    try {
      write({ id, value: await handlers[call]!(...args) ?? null });
    } catch (error) {
      write({ id, error: error instanceof Error ? error.stack ?? error.message : String(error) });
    }
  }
}

function write(reply: Reply): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(reply)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
