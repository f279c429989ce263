/** Texts as the fields of NVMe hold them: names, addresses, ports; good, bad, and nearly good. */
import type { Choices } from "./choices.ts";
import { mutateText } from "./mutate.ts";

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_";

/** Printable ASCII without blanks, up to `most` characters. */
export function drawPlainText(choices: Choices, most: number): string {
  const length = choices.once(20) ? choices.below(most + 1) : choices.below(Math.min(most, 24) + 1);
  let text = "";
  for (const byte of choices.bytes(length)) text += alphabet[byte % alphabet.length];
  return text;
}

export function drawUuid(choices: Choices): string {
  const digits = Array.from(choices.bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const parts = [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => digits.slice(from, to));
  return parts.join("-");
}

export function drawNqn(choices: Choices): string {
  switch (choices.below(4)) {
    case 0:
      return `nqn.2014-08.org.nvmexpress:uuid:${drawUuid(choices)}`;
    case 1:
      return "nqn.2014-08.org.nvmexpress.discovery";
    case 2:
      return `nqn.2016-01.com.example:${drawPlainText(choices, 200)}`;
    default:
      return drawPlainText(choices, 300) || "n";
  }
}

export function drawIpv4(choices: Choices): string {
  return [0, 1, 2, 3].map(() => choices.edgy(256)).join(".");
}

/** Any spelling: groups left out, dotted end, scope, capitals. */
export function drawIpv6(choices: Choices): string {
  const groups = Array.from({ length: 8 }, () => choices.once(2) ? choices.below(0x10000).toString(16) : "0");
  let text = groups.join(":");
  const from = choices.below(8);
  const count = choices.below(8 - from + 1);
  if (count > 0) text = `${groups.slice(0, from).join(":")}::${groups.slice(from + count).join(":")}`;
  if (choices.once(6)) text = `::ffff:${drawIpv4(choices)}`;
  if (choices.once(5)) text += `%${choices.pick(["eth0", "1", "bond0.12", "", "very-long-name-of-a-link"])}`;
  return choices.once(8) ? text.toUpperCase() : text;
}

export function drawHostName(choices: Choices): string {
  return Array.from({ length: choices.between(1, 4) }, () => drawPlainText(choices, 64)).join(".");
}

export function drawAddress(choices: Choices): string {
  switch (choices.below(4)) {
    case 0:
      return drawIpv4(choices);
    case 1:
    case 2:
      return drawIpv6(choices);
    default:
      return drawHostName(choices);
  }
}

export function drawPort(choices: Choices): string {
  return choices.once(8) ? mutateText(choices, "4420") : String(choices.edgy(0x10000));
}
