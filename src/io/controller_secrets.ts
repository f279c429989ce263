/**
 * Gives a controller that the kernel is bringing back other DH-CHAP secrets, by its sysfs attributes. Refuses one that
 * is live: there a write authenticates anew at once, and a target that has the old secret still would drop it. Shows no
 * secret, and answers none.
 *
 * Source: linux drivers/nvme/host/sysfs.c (nvme_ctrl_dhchap_secret_store), auth.c (nvme_ctrl_auth_work: only when live).
 */
import { KernelError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { Controller } from "../model/controller.ts";
import type { ControllerSecrets, SecretsRenewal } from "../model/world.ts";
import { errnoOf, kernelError } from "./io_errors.ts";
import { parseControllerState } from "./sysfs.ts";

/** Throws KernelError, `EACCES` without root's rights. */
export async function renewSecrets(
  { name, subsysnqn }: Pick<Controller, "name" | "subsysnqn">,
  secrets: ControllerSecrets,
  root = "/sys/class/nvme",
): Promise<SecretsRenewal> {
  const directory = `${root}/${name}`;
  const read = async (attribute: string) => (await Deno.readTextFile(`${directory}/${attribute}`)).trim();
  try {
    const wanted: readonly (readonly [string, Secret | undefined])[] = [
      ["dhchap_secret", secrets.dhchapSecret],
      ["dhchap_ctrl_secret", secrets.dhchapCtrlSecret],
    ];
    let answer: SecretsRenewal = "same";
    for (const [attribute, secret] of wanted) {
      if (secret === undefined) continue;
      const present = await read(attribute);
      if (present === secret.reveal()) continue;
      // One that was connected without cannot be given one.
      if (present === "none") return "without";
      // Right before the write: it may have come back, and its name may be another's by now.
      if (await read("subsysnqn") !== subsysnqn) return "gone";
      if (parseControllerState(await read("state")) !== "connecting") return "not-connecting";
      await writeAttribute(`${directory}/${attribute}`, secret);
      answer = "renewed";
    }
    return answer;
  } catch (error) {
    const code = errnoOf(error);
    if (["ENOENT", "ENODEV", "ENXIO"].includes(code)) return "gone";
    if (["EACCES", "EPERM"].includes(code)) {
      throw new KernelError(code, `Cannot renew the DH-CHAP secrets of ${name}: ${code}; only root may`);
    }
    throw kernelError(`Cannot renew the DH-CHAP secrets of ${name}`, error);
  }
}

/** One write: the kernel takes the whole secret or none. */
async function writeAttribute(path: string, secret: Secret): Promise<void> {
  const attribute = await Deno.open(path, { write: true });
  try {
    // Without a line end: the kernel keeps what it is given, and would send that on.
    await attribute.write(new TextEncoder().encode(secret.reveal()));
  } finally {
    attribute.close();
  }
}
