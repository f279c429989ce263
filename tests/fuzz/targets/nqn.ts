/** NQNs and host identifiers: what is accepted is harmless in the kernel's option string; parse, format, parse. */
import { parseHostIdFile } from "../../../src/config/host_identity.ts";
import { formatHostId, hostIdOfNqn, nqnProblem, parseHostId } from "../../../src/nvme/nqn.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawNqn, drawUuid } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateText } from "../mutate.ts";

function tryInput(choices: Choices): void {
  if (choices.below(2) === 0) tryName(choices);
  else tryHostId(choices);
}

function tryName(choices: Choices): void {
  const nqn = mutateText(choices, drawNqn(choices));
  choices.note("nqn", nqn);
  const problem = nqnProblem(nqn);
  if (problem === null) check(/^[\x21-\x2b\x2d-\x7e]{1,222}$/.test(nqn), "A harmful name is accepted");
  else check(/^it [\x20-\x7e]{5,100}$/.test(problem), () => `In odd words: ${problem}`);
  const hostid = hostIdOfNqn(nqn);
  if (hostid === null) return;
  checkSame(formatHostId(parseHostId(hostid)!), hostid, "Identifier of a name");
  check(nqnProblem(nqn) === null, "An identifier comes from no name");
}

function tryHostId(choices: Choices): void {
  const valid = drawUuid(choices);
  const bytes = parseHostId(valid);
  if (bytes !== null) checkSame(formatHostId(bytes), valid, "Parsed and formatted");
  const text = mutateText(choices, valid);
  choices.note("text", text);
  const parsed = parseHostId(text);
  if (parsed !== null) {
    check(parsed.length === 16 && parsed.some((byte) => byte !== 0), "Not 16 bytes, or all zero");
    checkSame(formatHostId(parsed), text.toLowerCase(), "Parsed and formatted");
    checkSame(parseHostId(formatHostId(parsed)), parsed, "Parsed, formatted and parsed");
  }
  const file = parseHostIdFile(`${mutateText(choices, "")}${text}\n${mutateText(choices, "second")}`);
  if (file.value !== undefined) checkSame(formatHostId(parseHostId(file.value)!), file.value, "File");
}

export const nqn: FuzzTarget = { name: "nqn", tryInput };
