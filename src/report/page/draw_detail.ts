/** What there is to know of the paths behind one cell. Runs in the browser, as `verdict.ts` does. */
import type { PathSnapshot } from "../snapshot.ts";
import type { PageElement } from "./browser.ts";
import { ageText, make, type Pen, stateChip, untilText } from "./drawing.ts";
import { counted, missingReasons, pathTone } from "./verdict.ts";

export function drawDetail(pen: Pen, paths: readonly PathSnapshot[]): PageElement[] {
  const { document } = pen;
  const [only] = paths;
  if (only === undefined) return [make(document, "p", {}, "No log names such a path any more")];
  return paths.length === 1 ? [pathFacts(pen, only)] : manyPaths(pen, paths);
}

export function pathFacts(pen: Pen, path: PathSnapshot): PageElement {
  const { document } = pen;
  const facts: [string, PageElement | string][] = [
    ["State", stateChip(document, pathTone(path), path.state)],
    ["Reason", path.reason],
    ["Since", ageText(pen, path.forMs)],
    ["Device", path.device ?? "none"],
  ];
  if (path.retryInMs !== undefined) facts.push(["Next attempt", untilText(pen, path.retryInMs)]);
  if (path.code !== undefined) facts.push(["Code", path.code]);
  facts.push(
    ["Subsystem", path.subsysnqn],
    ["Address", path.address],
    ["Cluster", path.cluster],
    ["Host NQN", path.hostnqn],
  );
  const parts = facts.flatMap(([name, value]) => [
    make(document, "dt", {}, name),
    make(document, "dd", {}, value),
  ]);
  return make(document, "dl", {}, ...parts);
}

/** Why some are missing, and the first of them one by one, those first. */
export function manyPaths(pen: Pen, paths: readonly PathSnapshot[]): PageElement[] {
  const { document } = pen;
  const most = 100;
  const missing = paths.filter(({ state }) => state !== "live");
  const live = paths.filter(({ state }) => state === "live");
  const rows = [...missing, ...live].slice(0, most).map((path) =>
    make(
      document,
      "tr",
      {},
      make(document, "th", { scope: "row" }, path.subsysnqn),
      make(document, "td", {}, path.address),
      make(document, "td", {}, stateChip(document, pathTone(path), path.state)),
      make(document, "td", {}, path.device ?? "–"),
      make(document, "td", {}, path.state === "live" ? "" : path.reason),
    )
  );
  const heads = ["Subsystem", "Address", "State", "Device", "Reason"];
  const more = paths.length - rows.length;
  return [
    make(document, "p", {}, `${live.length} of ${counted(paths.length, "path")} live`),
    ...missing.length === 0 ? [] : [
      make(
        document,
        "ul",
        {},
        ...missingReasons(missing, 5).map((reason) => make(document, "li", {}, reason)),
      ),
    ],
    make(
      document,
      "div",
      { class: "scroll" },
      make(
        document,
        "table",
        { class: "endpoints" },
        make(
          document,
          "thead",
          {},
          make(document, "tr", {}, ...heads.map((head) => make(document, "th", { scope: "col" }, head))),
        ),
        make(document, "tbody", {}, ...rows),
      ),
    ),
    ...more > 0 ? [make(document, "p", { class: "faint" }, `and ${counted(more, "path")} more`)] : [],
  ];
}
