/** Addresses: every spelling has one canonical form, which is a fixed point; two spellings agree in both directions. */
import {
  canonicalAddress,
  formatHostPort,
  formatIpAddress,
  type IpAddress,
  isHostName,
  parseIpAddress,
  parsePort,
  sameAddress,
  splitHostPort,
} from "../../../src/base/address.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawAddress, drawPort } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateText } from "../mutate.ts";

function tryInput(choices: Choices): void {
  switch (choices.below(3)) {
    case 0:
      return tryBytes(choices);
    case 1:
      return tryText(choices);
    default:
      return tryHostPort(choices);
  }
}

function tryBytes(choices: Choices): void {
  const family = choices.pick([4, 6] as const);
  const bytes = [...choices.bytes(family === 4 ? 4 : 16)];
  // Runs of zeros are what the text form shortens.
  const from = choices.below(bytes.length);
  bytes.fill(0, from, from + choices.below(bytes.length - from + 1));
  const mapped = family === 6 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff &&
    bytes[11] === 0xff;
  const scope = family === 6 && choices.once(3) ? { scope: "eth0" } : {};
  const address: IpAddress = { family, bytes, ...scope };
  choices.note("address", address);
  if (!mapped) checkSame(parseIpAddress(formatIpAddress(address)), address, "Formatted and parsed");
}

function tryText(choices: Choices): void {
  const text = mutateText(choices, drawAddress(choices));
  choices.note("text", text);
  const address = parseIpAddress(text);
  const canonical = canonicalAddress(text);
  if (address === null) {
    if (isHostName(text)) check(isHostName(canonical), () => `Canonical ${canonical} is no host name`);
  } else {
    check(/^[0-9A-Za-z:.%_@-]{2,64}$/.test(canonical), () => `Harmful address ${canonical}`);
    // Dotted decimal has one spelling: a leading zero means octal to some.
    if (/^[\d.]+$/.test(text)) checkSame(canonical, text, "Canonical form");
    checkSame(parseIpAddress(canonical), address, "Parsed, formatted and parsed");
    check(sameAddress(text, canonical) && sameAddress(canonical, text), "Not the same as its canonical form");
  }
  if (address !== null || isHostName(text)) {
    checkSame(canonicalAddress(canonical), canonical, "Canonical form of the canonical form");
  }
  const other = drawAddress(choices);
  check(sameAddress(text, other) === sameAddress(other, text), () => `One-sided: ${text} and ${other}`);
}

function tryHostPort(choices: Choices): void {
  const host = drawAddress(choices);
  const portText = drawPort(choices);
  const port = parsePort(portText);
  if (port !== undefined) checkSame(String(port), portText, "Port parsed and formatted");
  const valid = formatHostPort(host, port ?? 1);
  if (parseIpAddress(host) !== null || (isHostName(host) && !host.includes(":"))) {
    checkSame(splitHostPort(valid), { host, port: String(port ?? 1) }, "Formatted and split");
  }
  const text = mutateText(choices, valid);
  choices.note("text", text);
  const split = splitHostPort(text);
  if (split === null || split.port === undefined) return;
  const number = parsePort(split.port);
  if (number === undefined) return;
  checkSame(splitHostPort(formatHostPort(split.host, number)), split, "Split, formatted and split");
}

export const address: FuzzTarget = { name: "address", tryInput };
