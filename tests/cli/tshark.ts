/** What tshark makes of a recording (Debian's package `tshark`). */
import { assert } from "../assert.ts";

/** Lines of tshark's fields, checksums verified; null where there is no tshark. */
export async function tshark(path: string, port: number, ...args: string[]): Promise<string[] | null> {
  const checks = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE"].flatMap((check) => ["-o", check]);
  try {
    const { success, stdout, stderr } = await new Deno.Command("tshark", {
      args: ["-r", path, "-d", `tcp.port==${port},nvme-tcp`, ...checks, ...args],
      // Its settings are not those of whoever runs the tests.
      env: { HOME: "/nonexistent", LC_ALL: "C.UTF-8" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert(success, `tshark failed: ${new TextDecoder().decode(stderr)}`);
    return text.split("\n").filter((line) => line !== "");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.warn("tshark is not installed: the trace was read by our own reader alone");
    return null;
  }
}

export function fields(...names: string[]): string[] {
  return ["-T", "fields", ...names.flatMap((name) => ["-e", name])];
}
