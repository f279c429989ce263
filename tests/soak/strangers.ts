/** Addresses inside the namespace at which nobody serves: some refuse at once, some swallow every packet. */
import type { Draw } from "../sim/draw.ts";

/** What the packet filter drops. */
export const silentNet = "127.79.1.0/24";

export function drawStranger(draw: Draw): string {
  return `127.79.${draw.int(0, 1)}.${draw.int(1, 8)}`;
}
