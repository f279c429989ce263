/** What doctor found, for people: group by group, what is well and many folded, then what is wrong once more. Pure. */
import {
  countFindings,
  countText,
  type Finding,
  type FindingGroup,
  findingGroups,
  type FindingStep,
  type Verdict,
} from "../report/doctor/finding.ts";
import { formatOutline, type OutlineLine, type OutlineLook, type Tone } from "./outline.ts";

export interface DoctorTextOptions extends OutlineLook {
  /** Nothing is folded. */
  readonly isAll: boolean;
}

const titles: Readonly<Record<FindingGroup, string>> = {
  kernel: "Kernel",
  identity: "Identity",
  settings: "Settings and entry files",
  agent: "Agent",
  endpoints: "Discovery endpoints",
  network: "Network",
  paths: "Paths",
};

const tones: Readonly<Record<Verdict, Tone>> = {
  ok: "good",
  warning: "uncertain",
  failure: "bad",
  skipped: "faint",
};

/** With more findings than this in a group, those that are well are folded into a count. */
const unfoldedMax = 12;
/** Of those that say the same, in a row. */
const sameListedMax = 20;

export function formatDoctor(findings: readonly Finding[], options: DoctorTextOptions): string {
  const lines: OutlineLine[] = [];
  for (const group of findingGroups) {
    const own = findings.filter((finding) => finding.group === group);
    if (own.length === 0) continue;
    lines.push({ text: titles[group], tone: "strong" }, ...groupLines(own, options), { text: "" });
  }
  lines.push(...verdictLines(findings));
  return formatOutline(lines, options);
}

function groupLines(findings: readonly Finding[], { isAll }: DoctorTextOptions): OutlineLine[] {
  const isMany = !isAll && findings.length > unfoldedMax;
  const well = isMany ? findings.filter(({ verdict }) => verdict === "ok") : [];
  const shown = isMany ? findings.filter(({ verdict }) => verdict !== "ok") : findings;
  const listed = isAll ? shown : shown.slice(0, sameListedMax);
  return [
    ...well.length > 0 ? [{ indent: 1, text: `${well.length} are well`, tone: "good" } as const] : [],
    ...listed.map(findingLine),
    ...shown.length > listed.length
      ? [
        {
          indent: 1,
          text: `and ${shown.length - listed.length} more, which --all shows`,
          tone: "faint",
        } as const,
      ]
      : [],
  ];
}

function findingLine({ check, verdict, message, steps }: Finding): OutlineLine {
  const times = verdict === "ok" && steps !== undefined ? stepsText(steps) : "";
  return {
    indent: 1,
    cells: [check, verdict],
    text: times === "" ? message : `${message}; ${times}`,
    tone: tones[verdict],
  };
}

/** "TCP 0.4, ICResp 0.2, Connect 0.5 ms" */
function stepsText(steps: readonly FindingStep[]): string {
  return steps.length === 0 ? "" : `${steps.map(({ name, ms }) => `${name} ${ms}`).join(", ")} ms`;
}

/** What is wrong, each cause once, with what to do; the last line counts. */
function verdictLines(findings: readonly Finding[]): OutlineLine[] {
  const wrong = [
    ...findings.filter(({ verdict }) => verdict === "failure"),
    ...findings.filter(({ verdict }) => verdict === "warning"),
  ];
  const counts = countFindings(findings);
  const tone = counts.failure > 0 ? "bad" : counts.warning > 0 ? "uncertain" : "good";
  const causes = Map.groupBy(
    wrong,
    ({ verdict, group, advice, message }) => `${verdict} ${group} ${advice ?? message}`,
  );
  const lines: OutlineLine[] = [];
  for (const same of [...causes.values()].slice(0, sameListedMax)) {
    const [first] = same as [Finding, ...Finding[]];
    const more = same.length > 1 ? ` (and ${same.length - 1} more like it)` : "";
    lines.push({
      text: `${first.verdict}: ${first.check}: ${first.message}${more}`,
      tone: tones[first.verdict],
    });
    if (first.advice !== undefined) lines.push({ indent: 1, text: `→ ${first.advice}` });
  }
  if (lines.length > 0) lines.unshift({ text: "What to do", tone: "strong" });
  return [...lines, ...lines.length > 0 ? [{ text: "" }] : [], { text: countText(counts), tone }];
}
