/** internal.json: what can be saved is loaded the same; what is loaded, saved and loaded again stays as it is. */
import { canonicalAddress, isHostName, isIpAddress } from "../../../src/base/address.ts";
import { ConfigError } from "../../../src/base/errors.ts";
import { limits } from "../../../src/base/limits.ts";
import { formatState, parseState, type State, type StateEntry } from "../../../src/config/state_file.ts";
import { nqnProblem, parseHostId } from "../../../src/nvme/nqn.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawAddress, drawIpv4, drawIpv6, drawNqn, drawPlainText, drawUuid } from "../draw_text.ts";
import { type FuzzTarget, outcomeOf } from "../fuzz_target.ts";
import { mutateBytes, mutateText } from "../mutate.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function tryInput(choices: Choices): void {
  const state = drawState(choices);
  const text = formatState(state);
  checkSame(parseState(encoder.encode(text)), { ...state, problems: [] }, "Saved and loaded");
  const spoilt = choices.once(2) ? mutateText(choices, text) : spoilValues(choices, text);
  let bytes: Uint8Array = encoder.encode(spoilt);
  if (choices.once(4)) bytes = mutateBytes(choices, bytes);
  choices.note("file", decoder.decode(bytes));
  const { value, error } = outcomeOf(() => parseState(bytes));
  if (error !== undefined) {
    check(error instanceof ConfigError, () => `Refused with ${error}`);
    check(/^Cannot parse internal.json: [\x20-\x7e\u2026]{5,400}$/.test(error.message), () => error.message);
    return;
  }
  const { problems, ...loaded } = value;
  check(problems.length <= limits.lineErrorsPerFileMax + 1, () => `${problems.length} problems are told`);
  check(loaded.entries.every(isUsable), "An entry is loaded that cannot be used");
  checkSame(
    parseState(encoder.encode(formatState(loaded))),
    { ...loaded, problems: [] },
    "Loaded, saved and loaded",
  );
}

function isUsable({ cluster, traddr, trsvcid, hostid, namedBy, ctrlLossTmo = 0 }: StateEntry): boolean {
  return nqnProblem(cluster.hostnqn) === null && nqnProblem(cluster.subsysnqn) === null &&
    (isIpAddress(traddr) || isHostName(traddr)) && trsvcid >= 1 && trsvcid <= 65_535 &&
    (hostid === undefined || parseHostId(hostid) !== null) && namedBy.length <= limits.namedByMax &&
    ctrlLossTmo >= -1 && ctrlLossTmo < 2 ** 31;
}

function drawState(choices: Choices): State {
  const entries = Array.from({ length: choices.below(4) }, () => drawEntry(choices));
  const digest = choices.once(2) ? { configDigest: choices.uint32().toString(16) } : {};
  // The text form has years of four and six digits.
  return {
    entries,
    createdAtMs: (choices.edgy(2 ** 32) - 2 ** 31) * 1_000 + choices.below(1_000),
    ...digest,
  };
}

function drawEntry(choices: Choices): StateEntry {
  const nqn = () => {
    const drawn = drawNqn(choices);
    return nqnProblem(drawn) === null ? drawn : "n";
  };
  const ip = () => {
    const drawn = choices.once(2) ? drawIpv6(choices) : drawIpv4(choices);
    return isIpAddress(drawn) ? canonicalAddress(drawn) : "10.0.0.1";
  };
  const optional = <Key extends string, Value>(key: Key, value: () => Value) =>
    (choices.once(3) ? { [key]: value() } : {}) as { [K in Key]?: Value };
  const uuid = drawUuid(choices);
  return {
    cluster: { subsysnqn: nqn(), hostnqn: nqn() },
    transport: "tcp",
    traddr: ip(),
    trsvcid: choices.between(1, 65_535),
    ...(parseHostId(uuid) === null ? {} : { hostid: uuid }),
    persistent: choices.once(2),
    source: choices.pick(["user", "referral"]),
    namedBy: Array.from({ length: choices.below(3) }, () => `a${drawPlainText(choices, 20)}`),
    retired: choices.once(2),
    ...optional("hostTraddr", ip),
    ...optional("ctrlLossTmo", () => choices.edgy(2 ** 31 - 1) - 1),
    ...optional("hostName", () => "node1.example"),
    ...optional("discoveryNqn", nqn),
  };
}

const oddValues = [
  "null",
  "true",
  "[]",
  "{}",
  '""',
  "-1",
  "0",
  "1.5",
  "1e999",
  "65536",
  '"8009"',
  '"08009"',
  "9007199254740993",
  '"[fe80::1]"',
  '"A.B."',
  '"\\u0000"',
  '"\\ud800"',
  '"2024-02-30T00:00:00Z"',
  '"x,y"',
  "[[[[]]]]",
] as const;

/** Values of the document replaced by odd ones, the JSON left whole. */
function spoilValues(choices: Choices, text: string): string {
  let spoilt = text;
  for (let left = choices.between(1, 3); left > 0; left--) {
    const values = [...spoilt.matchAll(/: ("[^"]*"|[^[{\s,]+)/g)];
    if (values.length === 0) break;
    const { index, 0: whole } = choices.pick(values);
    const value = choices.once(3) ? JSON.stringify(drawAddress(choices)) : choices.pick(oddValues);
    spoilt = `${spoilt.slice(0, index)}: ${value}${spoilt.slice(index + whole.length)}`;
  }
  return spoilt;
}

export const state: FuzzTarget = { name: "state", share: 3, tryInput };
