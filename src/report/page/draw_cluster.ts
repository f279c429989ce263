/** A cluster on the page: its discovery endpoints, and its paths as a matrix. Runs in the browser, as `verdict.ts` does. */
import type { ClusterSnapshot, EndpointSnapshot, PathSnapshot } from "../snapshot.ts";
import type { PageDocument, PageElement } from "./browser.ts";
import { ageText, fold, make, markOf, nameText, type Pen, stateChip, untilText } from "./drawing.ts";
import { type MatrixCell, type MatrixGroup, matrixOf, type MatrixRow } from "./matrix.ts";
import { counted, isUnknownCluster, pathTone, steadyReason, subsystemsCutOff, type Tone } from "./verdict.ts";

export interface ClusterDrawing extends Pen {
  readonly key: string;
  readonly cluster: ClusterSnapshot;
  readonly paths: readonly PathSnapshot[];
  /** Folds that are open. */
  readonly openKeys: Set<string>;
  /** Somebody wants to know more of a cell. */
  readonly onCell: (title: string, paths: readonly PathSnapshot[]) => void;
}

export function isWellCluster(cluster: ClusterSnapshot, paths: readonly PathSnapshot[]): boolean {
  return cluster.notes.length === 0 && !isUnknownCluster(cluster) &&
    paths.every(({ state }) => state === "live") &&
    cluster.endpoints.every(({ state, retired }) => retired || state === "live");
}

export function clusterTone(cluster: ClusterSnapshot, paths: readonly PathSnapshot[]): Tone {
  if (isUnknownCluster(cluster)) return "bad";
  const tones = new Set(paths.map(pathTone));
  if (tones.has("bad")) return subsystemsCutOff(paths).length > 0 ? "bad" : "warn";
  if (tones.has("busy")) return "busy";
  return isWellCluster(cluster, paths) ? "good" : "warn";
}

export function clusterSummary(cluster: ClusterSnapshot, paths: readonly PathSnapshot[]): string {
  const live = paths.filter(({ state }) => state === "live").length;
  const wanted = cluster.endpoints.filter(({ retired }) => !retired);
  const up = wanted.filter(({ state }) => state === "live").length;
  const known = isUnknownCluster(cluster)
    ? "paths not known"
    : `${live.toLocaleString("en")} of ${counted(paths.length, "path")} live`;
  return `${known} · ${up} of ${counted(wanted.length, "endpoint")} in session`;
}

export function drawCluster(drawing: ClusterDrawing): PageElement {
  const { document, key, cluster, paths } = drawing;
  const titleId = `title-${key}`;
  const tone = clusterTone(cluster, paths);
  return make(
    document,
    "section",
    { class: `cluster ${tone}`, "aria-labelledby": titleId },
    make(
      document,
      "header",
      {},
      make(document, "h2", { id: titleId }, nameText(document, cluster.subsysnqn)),
      stateChip(document, tone, clusterSummary(cluster, paths)),
      make(document, "p", { class: "faint" }, `as ${cluster.hostnqn}`),
    ),
    ...cluster.notes.map((note) => make(document, "p", { class: "note" }, `Not used: ${note}`)),
    make(document, "h3", {}, "Discovery endpoints"),
    ...drawEndpoints(drawing),
    make(document, "h3", {}, "Paths"),
    ...drawMatrix(drawing),
  );
}

/** Where there are many, those that are in session are folded. */
export function drawEndpoints(drawing: ClusterDrawing): PageElement[] {
  const { document, key, cluster: { endpoints }, openKeys } = drawing;
  const isWell = ({ state, retired }: EndpointSnapshot) => state === "live" || retired;
  const folded = endpoints.length > 8 ? endpoints.filter(isWell) : [];
  const shown = endpoints.length > 8 ? endpoints.filter((endpoint) => !isWell(endpoint)) : endpoints;
  const parts: PageElement[] = [];
  if (shown.length > 0) parts.push(endpointTable(drawing, shown));
  if (folded.length > 0) {
    const summary = [
      stateChip(document, "good", counted(folded.length, "endpoint")),
      " in session or retired",
    ];
    parts.push(fold(document, `endpoints ${key}`, openKeys, summary, () => [endpointTable(drawing, folded)]));
  }
  return parts;
}

export function endpointTable(drawing: ClusterDrawing, endpoints: readonly EndpointSnapshot[]): PageElement {
  const { document } = drawing;
  const most = 200;
  const heads = ["Address", "State", "Since", "Log", "From, or what is wrong"];
  const rows = endpoints.slice(0, most).map((endpoint) => endpointRow(drawing, endpoint));
  if (endpoints.length > most) {
    const text = `and ${endpoints.length - most} more, told by /status`;
    rows.push(make(document, "tr", {}, make(document, "td", { colspan: "5" }, text)));
  }
  return make(
    document,
    "div",
    { class: "scroll" },
    make(
      document,
      "table",
      { class: "endpoints" },
      make(document, "caption", { class: "unseen" }, "Discovery endpoints"),
      make(
        document,
        "thead",
        {},
        make(document, "tr", {}, ...heads.map((head) => make(document, "th", { scope: "col" }, head))),
      ),
      make(document, "tbody", {}, ...rows),
    ),
  );
}

export function endpointRow(pen: Pen, endpoint: EndpointSnapshot): PageElement {
  const { document } = pen;
  const { state, retired, failures, retryInMs, generation, records } = endpoint;
  const isLive = state === "live";
  const tone = isLive ? "good" : retired ? "gone" : failures > 0 ? "bad" : "busy";
  const word = isLive
    ? "in session"
    : retired
    ? "retired"
    : state === "idle" && failures > 0
    ? "failed"
    : state;
  const log = records === undefined ? "none yet" : `${counted(records, "record")}, generation ${generation}`;
  const wrong = isLive || retired ? undefined : endpoint.error;
  const about: (PageElement | string)[] = wrong === undefined
    ? [retired ? endpoint.reason : originText(endpoint)]
    : [failures > 1 ? `${wrong} (${failures} times)` : wrong];
  if (retryInMs !== undefined && !isLive) about.push("; next attempt ", untilText(pen, retryInMs));
  return make(
    document,
    "tr",
    {},
    make(document, "th", { scope: "row" }, endpoint.address),
    make(document, "td", {}, stateChip(document, tone, word)),
    make(document, "td", {}, ageText(pen, endpoint.forMs)),
    make(document, "td", {}, log),
    make(document, "td", { class: wrong === undefined ? "faint" : "wrong" }, ...about),
  );
}

/** `file:line`, or who refers to it. */
export function originText({ source, origins, namedBy, hostName }: EndpointSnapshot): string {
  const all = source === "referral"
    ? namedBy
    : origins.map(({ file, line }) => line === 0 ? file : `${file}:${line}`);
  const more = all.length > 1 ? ` and ${all.length - 1} more` : "";
  const name = hostName === undefined ? "" : ` (${hostName})`;
  return all.length === 0 ? source : `${source === "referral" ? "referral of " : ""}${all[0]}${more}${name}`;
}

export function drawMatrix(drawing: ClusterDrawing): PageElement[] {
  const { document, cluster, paths, key } = drawing;
  if (paths.length === 0) {
    const text = isUnknownCluster(cluster)
      ? "Not known: no discovery log of this cluster could be read yet"
      : "The logs name no volumes for this host";
    return [make(document, "p", { class: "faint" }, text)];
  }
  const matrix = matrixOf(paths, 40, 40);
  const { columns, rows, rowsMore, subsystemsMore } = matrix;
  const inWords = columns.length <= 6;
  const ports = new Set(paths.map(({ address }) => address.replace(/^.*:/, "")));
  const onlyPort = ports.size === 1 ? [...ports][0] : undefined;
  const caption = `Subsystems by address${onlyPort === undefined ? "" : `, all at port ${onlyPort}`}. ` +
    "Arrow keys move between cells, Enter shows more.";
  const table = make(
    document,
    "table",
    { class: inWords ? "matrix words" : "matrix small", role: "grid", "data-matrix": key },
    make(document, "caption", {}, caption),
    make(
      document,
      "thead",
      {},
      make(
        document,
        "tr",
        {},
        make(document, "th", { scope: "col" }, "Subsystem"),
        ...columns.map((column) => columnHead(document, column, onlyPort !== undefined)),
      ),
    ),
    make(document, "tbody", {}, ...rows.map((row, at) => matrixRow(drawing, row, at, columns, inWords))),
  );
  const parts = [make(document, "div", { class: "scroll" }, table)];
  if (rowsMore > 0) {
    parts.push(
      make(
        document,
        "p",
        { class: "faint" },
        `and ${counted(rowsMore, "row")} more, none worse off: ${counted(subsystemsMore, "subsystem")}`,
      ),
    );
  }
  return parts;
}

export function columnHead(
  document: PageDocument,
  { names, live, all }: MatrixGroup,
  isPortKnown: boolean,
): PageElement {
  const [first = ""] = names;
  const name = isPortKnown ? first.replace(/:\d+$/, "") : first;
  const text = names.length === 1 ? name : counted(names.length, "address").replace(/addresss$/, "addresses");
  const count = make(document, "span", { class: live === all ? "count" : "count bad" }, `${live}/${all}`);
  return make(
    document,
    "th",
    { scope: "col", title: names.slice(0, 20).join(", ") },
    make(document, "span", { class: "head" }, make(document, "span", {}, text), " ", count),
  );
}

export function matrixRow(
  drawing: ClusterDrawing,
  row: MatrixRow,
  at: number,
  columns: readonly MatrixGroup[],
  inWords: boolean,
): PageElement {
  const { document, key, onCell } = drawing;
  const [first = ""] = row.names;
  const last = row.names.at(-1) ?? "";
  const what = row.names.length === 1 ? first : counted(row.names.length, "subsystem");
  const tail = (name: string) => name.slice(name.lastIndexOf(":") + 1);
  const label = row.names.length === 1 ? [nameText(document, first)] : [
    make(document, "b", {}, what),
    make(document, "span", { class: "faint" }, ` ${tail(first)} … ${tail(last)}`),
  ];
  const cells = row.cells.map((cell, column) => {
    const names = columns[column]?.names ?? [];
    const where = names.length === 1 ? names[0] ?? "" : `${names.length} addresses`;
    const title = `${what} at ${where}`;
    const button = make(
      document,
      "button",
      {
        type: "button",
        class: `cell ${cell.tone}`,
        tabindex: at === 0 && column === 0 ? "0" : "-1",
        "data-focus": `cell ${key} ${at} ${column}`,
        "aria-label": `${title}: ${cellWords(cell)}`,
        title: `${title}: ${cellWords(cell)}`,
      },
      ...cellContent(document, cell, inWords),
    );
    button.addEventListener("click", () => onCell(title, cell.paths));
    return make(document, "td", {}, button);
  });
  return make(document, "tr", {}, make(document, "th", { scope: "row", title: first }, ...label), ...cells);
}

export function cellWords({ state, tone, paths }: MatrixCell): string {
  if (state === "none") return "no path named";
  const [path] = paths;
  if (paths.length === 1 && path !== undefined) {
    const device = path.device === undefined ? "" : `, ${path.device}`;
    return path.state === "live" ? `live${device}` : `${path.state}${device}, ${steadyReason(path)}`;
  }
  const live = paths.filter(({ state }) => state === "live").length;
  if (live === paths.length) return `all ${counted(live, "path")} live`;
  return `${paths.length - live} of ${counted(paths.length, "path")} ${
    tone === "busy" ? "on the way" : "missing"
  }`;
}

export function cellContent(
  document: PageDocument,
  { state, tone, paths }: MatrixCell,
  inWords: boolean,
): PageElement[] {
  const mark = make(document, "span", { class: "mark", "aria-hidden": "true" }, markOf(tone));
  if (!inWords) return [mark];
  const live = paths.filter((path) => path.state === "live").length;
  const word = state === "none" ? "" : paths.length > 1 ? `${live}/${paths.length}` : state ?? "";
  const device = paths.length === 1 ? paths[0]?.device : undefined;
  return [
    mark,
    make(document, "span", {}, word),
    ...device === undefined ? [] : [make(document, "span", { class: "device" }, device)],
  ];
}
