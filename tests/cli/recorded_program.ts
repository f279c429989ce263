/**
 * The program as `main.ts` runs it, but for the kernel: this one appends what it is told to connect to the file that
 * $RECORDED_CONNECTS names, a line each, and refuses it.
 */
import { KernelError } from "../../src/base/errors.ts";
import { runCli } from "../../src/cli/run_cli.ts";

const record = Deno.env.get("RECORDED_CONNECTS");
if (record === undefined) throw new Error("RECORDED_CONNECTS is not set");

const output = (stream: typeof Deno.stdout | typeof Deno.stderr) => ({
  write: (text: string) => void stream.writeSync(new TextEncoder().encode(text)),
  isTerminal: false,
  columns: undefined,
});

Deno.exit(
  await runCli({
    args: Deno.args,
    env: Deno.env.toObject(),
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    onBug: () => {},
    kernel: {
      connect: (text) => {
        Deno.writeTextFileSync(record, `${text}\n`, { append: true });
        return Promise.reject(new KernelError("EIO", "Cannot connect: this kernel connects nothing"));
      },
      supportedOptions: () => Promise.resolve(null),
      controllers: () => Promise.resolve([]),
      watch: () => ({ close: () => {} }),
    },
  }),
);
