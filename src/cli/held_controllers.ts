/**
 * Which controllers an operator's disconnect may take away. Pure. A controller stays that is among the last ways to a
 * device which somebody holds: without it a file system, a swap or a machine would lose its disk.
 */
import type { BlockDeviceUse } from "../model/block_device.ts";
import type { Controller } from "../model/controller.ts";

/**
 * Controller name → why it is kept, in words; those that may go are left out. `asked` go together, so none of them
 * counts as another's way out: of a held device's last paths all stay, none is picked to remain alone.
 */
export function heldControllers(
  asked: readonly Controller[],
  all: readonly Controller[],
  { paths, held }: BlockDeviceUse,
): Map<string, string> {
  const goes = new Set(asked.map(({ name }) => name));
  const stays = new Set(
    all.filter(({ name, state }) => state === "live" && !goes.has(name)).map(({ name }) => name),
  );
  const safe = new Set(
    paths.filter(({ controller, usable }) => usable && stays.has(controller)).map(({ device }) => device),
  );
  const kept = new Map<string, string>();
  for (const { name } of asked) {
    const devices = paths.filter(({ controller, device }) =>
      controller === name && held.has(device) && !safe.has(device)
    ).map(({ device }) => device);
    if (devices.length > 0) kept.set(name, reason(devices, held));
  }
  return kept;
}

function reason(devices: readonly string[], held: BlockDeviceUse["held"]): string {
  const texts = [...new Set(devices)].map((device) => `${device} (${listed(held.get(device) ?? [])})`);
  return `it serves ${listed(texts)}, which no other live path would serve then`;
}

/** A few, and how many more. */
function listed(texts: readonly string[]): string {
  const more = texts.length - 4;
  return more > 0 ? `${texts.slice(0, 4).join(", ")} and ${more} more` : texts.join(", ");
}
