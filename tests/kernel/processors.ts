/** The guest's processors: it has more than are switched on. */

const directory = "/sys/devices/system/cpu";

/** Switches on so many in all; answers what switches them off again. */
export async function switchOnProcessors(count: number): Promise<() => Promise<void>> {
  const switched: number[] = [];
  const set = (processor: number, on: boolean) =>
    Deno.writeTextFile(`${directory}/cpu${processor}/online`, on ? "1" : "0", { create: false });
  for (let processor = 1; processor < count; processor++) {
    await set(processor, true);
    switched.push(processor);
  }
  return async () => {
    for (const processor of switched) await set(processor, false);
  };
}

/** `0-2`, as the kernel lists them. */
export async function processorsOn(): Promise<string> {
  return (await Deno.readTextFile(`${directory}/online`)).trim();
}
