/** The kernel as a process: serves agents at the socket of its first argument, waits for a Connect as long as its second says (ms), and its starter on stdin and stdout. */
import { serveKernel } from "./kernel_wire.ts";
import { answerRequests } from "./process_requests.ts";
import { SocketKernel } from "./socket_kernel.ts";

const kernel = new SocketKernel(Number(Deno.args[1] ?? 15_000));
serveKernel(Deno.args[0]!, kernel);
await answerRequests({
  state: () => ({ controllers: kernel.controllers(), losses: kernel.losses, counts: kernel.counts }),
  deleteController: (name) => kernel.deleteController(name as string),
});
Deno.exit(0);
