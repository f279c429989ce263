/** Durations: never negative, never NaN; what is written is read back as the same. */
import { formatDurationMs, parseDurationMs } from "../../../src/base/duration.ts";
import { duration as durationKind } from "../../../src/config/setting_kind.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateText } from "../mutate.ts";

const units = ["ms", "s", "m", "h", "us", "ns", "µs", "μs"] as const;
const kind = durationKind({ minMs: 0, maxMs: 1e12, what: "a duration" });

function tryInput(choices: Choices): void {
  let text = "";
  for (let left = choices.between(1, 3); left > 0; left--) {
    const fraction = choices.once(3) ? `.${choices.edgy(1000)}` : "";
    text += `${choices.edgy(100_000)}${fraction}${choices.pick(units)}`;
  }
  if (choices.once(3)) text = mutateText(choices, text);
  choices.note("text", text);
  const ms = parseDurationMs(text);
  if (ms === null) return;
  check(ms >= 0 && Number.isFinite(ms), () => `Duration is ${ms}`);
  const short = parseDurationMs(formatDurationMs(ms));
  // The short form is for people: half a millisecond below a second, a tenth of a second above.
  check(
    short !== null && Math.abs(short - ms) <= (ms < 1_000 ? 0.5 : 100 + ms * 1e-9),
    `Short form of ${ms} ms`,
  );
  const value = kind.parse(text);
  if (value !== undefined) checkSame(kind.parse(kind.format(value)), value, "Parsed, formatted and parsed");
}

export const duration: FuzzTarget = { name: "duration", tryInput };
