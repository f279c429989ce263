/** Uevents: the subsystem is found wherever it stands; any bytes give a subsystem or none. */
import { ueventSubsystem } from "../../../src/io/uevents.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawPlainText } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateBytes } from "../mutate.ts";

const encoder = new TextEncoder();

function tryInput(choices: Choices): void {
  const action = choices.pick(["add", "change", "remove", "bind", "offline"]);
  const path = `/devices/${drawPlainText(choices, 40)}`;
  const subsystem = choices.pick(["nvme", "nvme-subsystem", "net", "block"]);
  const variables = [`ACTION=${action}`, `DEVPATH=${path}`];
  for (let left = choices.below(4); left > 0; left--) variables.push(`K=${drawPlainText(choices, 20)}`);
  variables.splice(choices.below(variables.length + 1), 0, `SUBSYSTEM=${subsystem}`);
  const message = encoder.encode(`${action}@${path}\0${variables.join("\0")}\0`);
  checkSame(ueventSubsystem(message), subsystem, "Subsystem");
  const mutated = choices.once(10) ? choices.bytes(choices.below(200)) : mutateBytes(choices, message);
  choices.note("message", mutated);
  const found = ueventSubsystem(mutated);
  check(found === null || found.length <= mutated.length, "A subsystem longer than the message");
}

export const uevent: FuzzTarget = { name: "uevent", tryInput };
