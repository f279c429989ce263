/** The data check: what the initiator reads is what the target's disk holds, and no other subsystem's. */
import { readNamespace } from "./initiator.ts";
import { namespacePattern } from "./nvmet.ts";
import { until } from "./poll.ts";

export async function expectPattern(nqn: string): Promise<void> {
  const wanted = namespacePattern(nqn);
  let found = new Uint8Array();
  // The block device appears a moment after the controller is live.
  await until(`the namespace of ${nqn}`, 5_000, async () => {
    const bytes = await readNamespace(nqn, wanted.length);
    if (bytes === null) return "no block device";
    found = bytes;
    return null;
  });
  if (found.length !== wanted.length || !found.every((byte, at) => byte === wanted[at])) {
    throw new Error(`Wrong data of ${nqn}: ${new TextDecoder().decode(found.subarray(0, 60))}`);
  }
}
