/** Hundreds of controllers of the guest's kernel, for which looking at each in full takes too long. */
import { controllers, deleteController } from "./initiator.ts";

/** How many controllers there are, whatever their state. */
export async function countControllers(): Promise<number> {
  let count = 0;
  for await (const { name } of Deno.readDir("/sys/class/nvme")) if (/^nvme\d+$/.test(name)) count++;
  return count;
}

/** Deletes all there are, one after the other: each takes its time. */
export async function clearControllers(): Promise<void> {
  for (const one of await controllers()) await deleteController(one.name);
}
