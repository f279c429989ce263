/** A question to whoever sits at the terminal. */

/** Writes `question` to stderr and reads a line; only `y` and `yes` mean yes. */
export async function askYesNo(question: string): Promise<boolean> {
  await Deno.stderr.write(new TextEncoder().encode(`${question} [y/N] `));
  const buffer = new Uint8Array(1_024);
  let line = "";
  while (!line.includes("\n") && line.length < buffer.length) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) break;
    line += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return /^\s*y(es)?\s*$/i.test(line);
}
