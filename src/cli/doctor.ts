/**
 * `doctor`: looks at this host, at what was written for the agent, at the agent itself, and goes to every endpoint and
 * path, step by step. It needs no running agent and no root, and changes nothing; of targets it takes a controller for
 * the moment of a Connect, where a path is not live.
 */
import { parsePort, splitHostPort } from "../base/address.ts";
import { versionText } from "../base/version.ts";
import { RealClock } from "../io/real_clock.ts";
import { countFindings, type Finding } from "../report/doctor/finding.ts";
import { redactText } from "../report/doctor/redaction.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { examine } from "./doctor_exam.ts";
import { Progress } from "./progress.ts";
import type { NarrowAddress } from "./doctor_steps.ts";
import { formatDoctor } from "./doctor_text.ts";
import type { Environment } from "./environment.ts";
import { formatAmong, hasColours, printJson } from "./output.ts";

export const doctorFormats = ["text", "json", "yaml"] as const;

/** Answers 1 when something fails; warnings alone are no failure. Throws UsageError, and KernelError for the bundle. */
export async function doctor(environment: Environment, options: OptionValues): Promise<number> {
  const format = formatAmong(doctorFormats, options, "text");
  const narrow = narrowAddress(options.text("address"));
  const bundle = options.text("bundle");
  if (bundle === "") throw new UsageError("Cannot use --bundle: it names no file");
  // Before minutes of work, not after.
  if (bundle !== undefined) await (await import("./doctor_bundle.ts")).checkBundleFile(bundle);
  const clock = new RealClock();
  const progress = new Progress(environment, clock);
  const startMs = clock.nowMs();
  const { findings: found, effective, socket } = await examine(environment, options, {
    clock,
    progress,
    narrow,
  });
  progress.end();
  const findings = found.map(toldFinding);
  const counts = countFindings(findings);
  const report = {
    version: versionText(),
    at: new Date(clock.wallMs()).toISOString(),
    tookMs: Math.round(clock.nowMs() - startMs),
    ...counts,
    findings,
  };
  if (format === "json") printJson(environment, report);
  else if (format === "yaml") {
    const { formatYaml } = await import("../config/yaml_text.ts");
    environment.stdout.write(formatYaml(report));
  } else {
    const { columns } = environment.stdout;
    const look = { columns, hasColours: hasColours(environment), isAll: options.flag("all") };
    environment.stdout.write(formatDoctor(findings, look));
  }
  if (bundle !== undefined) {
    const { writeBundle } = await import("./doctor_bundle.ts");
    progress.tell("what the bundle takes");
    const text = formatDoctor(findings, { columns: undefined, hasColours: false, isAll: true });
    const { file, bytes, members } = await writeBundle({ environment, effective, socket }, bundle, {
      report,
      text,
    });
    progress.end();
    environment.stderr.write(`discovery-client: Wrote ${file}: ${members} files, ${bytes} bytes\n`);
  }
  return counts.failure > 0 ? 1 : 0;
}

/** What targets, files and other versions say ends up in tickets: whatever looks like a key is taken out here once more. */
function toldFinding(finding: Finding): Finding {
  const { check, message, advice, steps } = finding;
  return {
    ...finding,
    check: redactText(check, []),
    message: redactText(message, []),
    ...advice === undefined ? {} : { advice: redactText(advice, []) },
    ...steps === undefined
      ? {}
      : { tookMs: Math.round(steps.reduce((sum, { ms }) => sum + ms, 0) * 10) / 10 },
  };
}

/** Throws UsageError. */
function narrowAddress(text: string | undefined): NarrowAddress | null {
  if (text === undefined) return null;
  const parts = splitHostPort(text);
  const port = parts?.port === undefined ? undefined : parsePort(parts.port);
  if (parts === null || (parts.port !== undefined && port === undefined)) {
    throw new UsageError(
      `Cannot use ${JSON.stringify(text)}: expected an address or a name, with or without :port`,
    );
  }
  return { text, host: parts.host, port };
}
