/** What doctor prints, against the text kept beside: groups in their order, folds, causes told once, colours. */
import { formatDoctor } from "../../src/cli/doctor_text.ts";
import type { Finding } from "../../src/report/doctor/finding.ts";
import { assert, assertEquals } from "../assert.ts";

const steps = [{ name: "route", ok: true, ms: 0.1 }, { name: "TCP", ok: true, ms: 0.4 }];
const refused = "Cannot connect to 10.0.0.2:8009: ECONNREFUSED (connection refused, nothing listens there)";
const advice = "The host is up and nothing listens there: is the port right?";

/** Out of order on purpose. */
const findings: readonly Finding[] = [
  { group: "paths", check: "nqn.2024-01.org.example:sub1 at 10.0.0.1:4420", verdict: "ok", message: "live" },
  {
    group: "endpoints",
    check: "10.0.0.1:8009",
    verdict: "ok",
    message: "log 2 with 3 records",
    steps,
    tookMs: 0.5,
  },
  { group: "endpoints", check: "10.0.0.2:8009", verdict: "failure", message: refused, advice, steps },
  { group: "endpoints", check: "10.0.0.3:8009", verdict: "failure", message: "The same again", advice },
  {
    group: "settings",
    check: "entry files",
    verdict: "warning",
    message: "one:1: \u001b[2Jbad",
    advice: "Mend it",
  },
  {
    group: "kernel",
    check: "modules",
    verdict: "ok",
    message: "nvme_tcp is loaded, /dev/nvme-fabrics is there",
  },
  { group: "kernel", check: "clock", verdict: "skipped", message: "It takes root" },
];

const golden = new URL("./doctor.txt", import.meta.url);

Deno.test("formatDoctor() shows group by group what it found, then each cause once with what to do", async () => {
  const text = formatDoctor(findings, { isAll: false, hasColours: false });
  // Set GOLDEN to have the file written anew; then look at what changed.
  if (Deno.env.get("GOLDEN") !== undefined) await Deno.writeTextFile(golden, text);
  assertEquals(text, await Deno.readTextFile(golden));
});

Deno.test("formatDoctor() folds what is well and many, and --all unfolds it", () => {
  const many = Array.from({ length: 40 }, (_, at): Finding => ({
    group: "paths",
    check: `path ${at}`,
    verdict: at < 30 ? "ok" : "failure",
    message: at < 30 ? "live" : "no",
    advice: "Do this",
  }));
  const folded = formatDoctor(many, { isAll: false, hasColours: false });
  assert(/^ {2}30 are well$/m.test(folded) && !/path 29/.test(folded) && /path 39/.test(folded), folded);
  assertEquals(
    folded.match(/→ Do this/g)?.length,
    1,
    "one cause, told once",
  );
  assert(/\(and 9 more like it\)/.test(folded) && /\n10 failures, 30 checks well\n$/.test(folded), folded);
  const all = formatDoctor(many, { isAll: true, hasColours: false });
  assert(/path 0 /.test(all) && /path 39/.test(all) && !/are well/.test(all), all);
  const lost = many.map((finding): Finding => ({ ...finding, verdict: "failure" }));
  assert(
    /^ {2}and 20 more, which --all shows$/m.test(formatDoctor(lost, { isAll: false, hasColours: false })),
  );
});

Deno.test("formatDoctor() colours verdicts where there are colours, and wraps where there is a width", () => {
  const text = formatDoctor(findings, { isAll: false, hasColours: true, columns: 60 });
  assert(text.includes("\u001b[31m") && text.includes("\u001b[33m") && !text.includes("\u001b[2J"), text);
  // deno-lint-ignore no-control-regex
  const widest = Math.max(...text.replace(/\u001b\[\d+m/g, "").split("\n").map((line) => line.length));
  assert(widest <= 60, `${widest}\n${text}`);
});
