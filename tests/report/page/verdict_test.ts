import { limits } from "../../../src/base/limits.ts";
import { pageScript } from "../../../src/report/page/fabric_page.ts";
import { ageWords, type Tone, verdictOf } from "../../../src/report/page/verdict.ts";
import type { StatusDocument } from "../../../src/report/status_document.ts";
import { isAllLive } from "../../../src/report/status_document.ts";
import { assert, assertEquals } from "../../assert.ts";
import { endpointOf, pathOf, statusOf } from "./status_samples.ts";

const missing = { state: "unreachable", code: "ETIMEDOUT" } as const;
const noAnswer = "10.0.0.2:4420 cannot be reached: no answer in 4 s; attempt 3";
const down = (nodes: number) =>
  statusOf({
    paths: [1, 2, 3].flatMap((node) =>
      ["a", "b"].map((name) =>
        node <= nodes
          ? pathOf(name, node, { ...missing, reason: noAnswer.replace(".2:", `.${node}:`) })
          : pathOf(name, node)
      )
    ),
  });

const rows: readonly [
  what: string,
  StatusDocument,
  Tone,
  title: string,
  reasons: readonly (string | RegExp)[],
][] = [
  ["all is well", down(0), "good", "All 6 paths live", []],
  ["one path", statusOf({ paths: [pathOf("a", 1)] }), "good", "The one path is live", []],
  ["a node is down", down(1), "warn", "2 of 6 paths missing", [
    "2 paths at 10.0.0.1 cannot be reached: no answer in 4 s",
  ]],
  ["two nodes are down", down(2), "warn", "4 of 6 paths missing", [
    "4 paths at 2 addresses cannot be reached: no answer in 4 s",
  ]],
  ["all nodes are down", down(3), "bad", "All 6 paths missing", [
    "2 subsystems without any path",
    "6 paths at 3 addresses cannot be reached: no answer in 4 s",
  ]],
  [
    "a volume is cut off",
    statusOf({
      paths: [pathOf("a", 1), pathOf("b", 1, { state: "failed", reason: "refused: access list; attempt 2" })],
    }),
    "bad",
    "1 of 2 paths missing",
    [/^1 subsystem without any path: .*:b$/, "1 path at 10.0.0.1: refused: access list"],
  ],
  [
    "a new path",
    statusOf({ paths: [pathOf("a", 1), pathOf("a", 2, { state: "probing", reason: "asking" })] }),
    "busy",
    "1 of 2 paths being connected",
    ["1 path at 10.0.0.2: asking"],
  ],
  [
    "it is tried again, and as missing as before",
    statusOf({
      paths: [pathOf("a", 1), pathOf("a", 2, { state: "probing", code: "ETIMEDOUT", reason: "asking" })],
    }),
    "warn",
    "1 of 2 paths missing",
    ["1 path at 10.0.0.2: asking"],
  ],
  [
    "a session is lost",
    statusOf({
      endpoints: [
        endpointOf(1),
        endpointOf(2, { state: "idle", error: "Cannot connect to 10.0.0.2:8009: refused" }),
      ],
      paths: [pathOf("a", 1), pathOf("a", 2)],
    }),
    "good",
    "All 2 paths live",
    ["1 of 2 discovery endpoints not in session: Cannot connect to 10.0.0.2:8009: refused"],
  ],
  [
    "no log was read",
    statusOf({
      endpoints: [endpointOf(1, { state: "idle", records: undefined, error: "refused" })],
      paths: [],
    }),
    "bad",
    "The paths of 1 cluster are not known",
    [/are not known: refused$/],
  ],
  ["no volumes", statusOf({ paths: [] }), "good", "No volumes: the logs name no paths", []],
  ["too many", statusOf({ paths: [pathOf("a", 1)], pathsDropped: 7 }), "warn", "7 of 8 paths missing", [
    "7 paths left out: there are too many",
  ]],
  [
    "no module",
    statusOf({ kernel: { present: false, error: "No such file" }, paths: [pathOf("a", 1, missing)] }),
    "bad",
    "The one path is missing",
    ["The kernel connects nothing: No such file", /without any path/, /^1 path at/],
  ],
  ["the start", statusOf({ ready: false }), "busy", "Starting", ["The first pass is not done yet"]],
  ["no files", { ...statusOf({}), clusters: [] }, "warn", "No cluster configured", [
    "No entry file names one",
  ]],
  [
    "a dry run",
    statusOf({ dryRun: true, paths: [pathOf("a", 1, { state: "would-connect" })] }),
    "busy",
    "Dry run: 1 path would be connected",
    ["1 path named by logs"],
  ],
  [
    "files",
    statusOf({ paths: [pathOf("a", 1)], fileProblems: ["d/x:3: no -a"] }),
    "good",
    "The one path is live",
    [
      "1 problem in entry files: d/x:3: no -a",
    ],
  ],
];

Deno.test("verdictOf() says what is, and why, in words", () => {
  for (const [what, status, tone, title, reasons] of rows) {
    const said = verdictOf(status);
    assertEquals([what, said.tone, said.title], [what, tone, title]);
    assertEquals([what, said.reasons.length], [what, reasons.length], said.reasons.join("\n"));
    for (const [at, reason] of reasons.entries()) {
      const line = said.reasons[at] ?? "";
      assert(typeof reason === "string" ? line === reason : reason.test(line), `${what}: ${line}`);
    }
  }
});

Deno.test("verdictOf() is green just where the status command ends with 0", () => {
  for (const [what, status, tone] of rows) {
    if (status.clusters.length === 0 || status.dryRun) continue;
    assertEquals([what, tone === "good"], [what, isAllLive(status)]);
  }
});

Deno.test("ageWords() has at most two units", () => {
  const words = [0, 59_400, 60_000, 3_600_000, 18_720_000, 86_400_000, 788_400_000].map(ageWords);
  assertEquals(words, ["0 s", "59 s", "1 min", "1 h", "5 h 12 min", "1 d", "9 d 3 h"]);
});

Deno.test("pageScript() is a script of its own: no import, no type, nothing that ends it early", () => {
  const script = pageScript();
  // Throws for what is no script.
  new Function(script);
  assert(!/^\s*(import|export) /m.test(script) && !script.includes("</"));
  assert(script.length < 64 * 1024 && limits.eventsShownMax <= 500);
});
