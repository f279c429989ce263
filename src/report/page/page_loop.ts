/**
 * The page at work: reads the agent's state, draws what changed, and follows its events. Events say when to look; the
 * state is always read whole, so that one that is lost costs a moment. Without the agent it says so, keeps the last
 * picture, and goes on trying. Runs in the browser, as `verdict.ts` does.
 */
import type { PathSnapshot } from "../snapshot.ts";
import type { StatusDocument } from "../status_document.ts";
import type { Browser, EventStream, PageElement } from "./browser.ts";
import { clusterSummary, clusterTone, drawCluster, isWellCluster } from "./draw_cluster.ts";
import { drawDetail } from "./draw_detail.ts";
import { fold, make, markOf, nameText, type Pen, stateChip, tickAges } from "./drawing.ts";
import { Timeline, type TimelineEvent } from "./timeline.ts";
import { ageWords, type Verdict, verdictOf } from "./verdict.ts";

export class PageLoop {
  readonly #browser: Browser;
  readonly #timeline: Timeline;
  readonly #openKeys = new Set<string>();
  /** What was drawn of each cluster, by its key: ages apart. */
  readonly #drawn = new Map<string, { readonly look: string; readonly element: PageElement }>();
  #status: StatusDocument | null = null;
  /** The agent's wall clock less ours, ms. */
  #aheadMs = 0;
  #lostAtMs: number | null = null;
  #isReading = false;
  #isWanted = false;
  /** No reading before this, ms: what takes long is done rarely. */
  #notBeforeMs = 0;
  #readAtMs = 0;
  #heardAtMs = 0;
  /** The last event, by the agent's clock, ms. */
  #eventAtMs = 0;
  #stream: EventStream | null = null;
  #detail: { readonly title: string; readonly keys: ReadonlySet<string> } | null = null;
  #said = "";

  constructor(browser: Browser) {
    this.#browser = browser;
    this.#timeline = new Timeline(browser, this.#part("events"));
  }

  start(): void {
    const { document } = this.#browser;
    document.addEventListener("keydown", (event) => this.#moveInMatrix(event));
    document.addEventListener("visibilitychange", () => this.#lookOrRest());
    this.#part("detail-close").addEventListener("click", () => this.#part("detail").close());
    this.#part("detail").addEventListener("close", () => this.#detail = null);
    this.#browser.every(1_000, () => this.#tick());
    this.#lookOrRest();
    this.#want(0);
  }

  #part(id: string): PageElement {
    const element = this.#browser.document.getElementById(id);
    if (element === null) throw new Error(`The page has no ${id}`);
    return element;
  }

  // --- what happens ---

  /** A page that nobody sees follows no events: browsers have six connections for all pages of a place. */
  #lookOrRest(): void {
    if (this.#browser.isHidden()) {
      this.#stream?.close();
      this.#stream = null;
    } else {
      this.#open();
      this.#want(0);
    }
  }

  #open(): void {
    this.#stream?.close();
    const stream = this.#browser.openEvents();
    this.#stream = stream;
    this.#heardAtMs = this.#browser.nowMs();
    const on = (kind: string, act: (data: unknown) => void) =>
      stream.addEventListener(kind, ({ data }) => {
        this.#heardAtMs = this.#browser.nowMs();
        act(data === undefined || data === "" ? null : JSON.parse(data));
      });
    on("recent", (events) => {
      this.#timeline.restart(events as TimelineEvent[]);
      this.#want(0);
    });
    on("happened", (event) => {
      this.#timeline.add(event as TimelineEvent);
      this.#eventAtMs = Date.parse((event as TimelineEvent).time);
      this.#want(300);
    });
    on("quiet", () => {});
    on("dropped", (notice) => this.#timeline.note((notice as { message: string }).message));
    stream.addEventListener("error", () => {
      this.#want(0);
      // Refused, so that the browser does not come again by itself.
      if (stream.readyState === 2) this.#browser.after(3_000, () => this.#stream === stream && this.#open());
    });
  }

  /** A reading within so many ms, or as soon as one is due. */
  #want(delayMs: number): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    const dueMs = this.#notBeforeMs - this.#browser.nowMs();
    this.#browser.after(Math.max(delayMs, dueMs), () => {
      this.#isWanted = false;
      void this.#read();
    });
  }

  async #read(): Promise<void> {
    const { nowMs, readStatus, reload, isHidden } = this.#browser;
    const beganMs = nowMs();
    // Whoever looks at another tab has the title kept true, no more.
    if (this.#isReading || (isHidden() && beganMs - this.#readAtMs < 30_000)) return;
    this.#isReading = true;
    try {
      const status = await readStatus();
      if (this.#status !== null && status.version !== this.#status.version) return reload();
      this.#take(status);
    } catch {
      this.#lost();
    } finally {
      this.#isReading = false;
      this.#readAtMs = nowMs();
      this.#notBeforeMs = this.#readAtMs + Math.max(1_000, 10 * (this.#readAtMs - beganMs));
    }
  }

  #take(status: StatusDocument): void {
    const nowMs = this.#browser.nowMs();
    this.#status = status;
    this.#aheadMs = Date.parse(status.at) - nowMs;
    if (this.#lostAtMs !== null) {
      this.#timeline.note(`The agent answers again, after ${ageWords(nowMs - this.#lostAtMs)}`);
      this.#lostAtMs = null;
    }
    this.#draw(status);
    // The agent answers with what it worked out up to a second ago: events may be younger.
    if (Date.parse(status.at) <= this.#eventAtMs) this.#want(1_000);
  }

  #lost(): void {
    if (this.#lostAtMs === null) {
      this.#lostAtMs = this.#browser.nowMs();
      this.#timeline.note("The agent does not answer");
    }
    this.#drawLost();
    this.#want(2_000);
  }

  #tick(): void {
    const nowMs = this.#browser.nowMs();
    tickAges(this.#browser.document, nowMs + this.#aheadMs);
    if (this.#lostAtMs !== null) this.#drawLost();
    // The agent says something at least every 15 s.
    if (this.#stream !== null && nowMs - this.#heardAtMs > 40_000) this.#open();
    const isCalm = this.#status?.paths.every(({ state }) => state === "live") ?? false;
    if (nowMs - this.#readAtMs > (isCalm ? 15_000 : 5_000)) this.#want(0);
  }

  // --- what is seen ---

  #drawLost(): void {
    const sinceMs = this.#lostAtMs ?? this.#browser.nowMs();
    const age = ageWords(this.#browser.nowMs() - sinceMs);
    const old = this.#status === null
      ? []
      : ["What is below is how it was then; volumes stay as the kernel has them"];
    const reasons = [`It has not answered for ${age}; trying again`, ...old];
    this.#drawVerdict({ tone: "gone", title: "No connection to the agent", reasons });
    this.#part("fabric").className = "stale";
  }

  #draw(status: StatusDocument): void {
    const { document } = this.#browser;
    this.#part("fabric").className = "";
    this.#drawVerdict(verdictOf(status));
    const { pathsLive, pathsWanted, sessionsLive, endpoints } = status.summary;
    this.#part("count-paths").textContent = `${pathsLive.toLocaleString("en")}/${
      pathsWanted.toLocaleString("en")
    }`;
    this.#part("count-sessions").textContent = `${sessionsLive}/${endpoints}`;
    this.#part("count-clusters").textContent = String(status.clusters.length);
    this.#part("label-clusters").textContent = status.clusters.length === 1 ? "cluster" : "clusters";
    const up = ageWords(status.upMs);
    this.#part("agent").textContent = `${status.version}, process ${status.pid}, up ${up}` +
      (status.dryRun ? ", a dry run" : "");
    const pen = { document, atMs: Date.parse(status.at) };
    this.#drawClusters(status, pen);
    this.#drawDetail(pen);
    tickAges(document, this.#browser.nowMs() + this.#aheadMs);
  }

  #drawVerdict({ tone, title, reasons }: Verdict): void {
    const { document } = this.#browser;
    this.#part("verdict").className = tone;
    const said = JSON.stringify([title, tone === "gone" ? "" : reasons]);
    const list = this.#part("reasons");
    if (tone === "gone" || said !== this.#said) {
      list.replaceChildren(...reasons.map((reason) => make(document, "li", {}, reason)));
    }
    if (said === this.#said) return;
    this.#said = said;
    this.#part("mark").textContent = tone === "gone" ? "?" : markOf(tone);
    this.#part("title").textContent = title;
    document.title = `${tone === "gone" ? "?" : markOf(tone)} ${title} – discovery-client`;
  }

  /** Draws anew only what looks otherwise than before, so that a reader keeps their place. */
  #drawClusters(status: StatusDocument, pen: Pen): void {
    const pathsOf = new Map<string, PathSnapshot[]>();
    for (const path of status.paths) {
      const key = `${path.hostnqn} ${path.cluster}`;
      const its = pathsOf.get(key);
      if (its === undefined) pathsOf.set(key, [path]);
      else its.push(path);
    }
    const isMany = status.clusters.length > 8;
    const rank = { bad: 0, warn: 1, busy: 2, good: 3, gone: 4 };
    const seen = new Set<string>();
    const elements: PageElement[] = [];
    const known = status.clusters.map((cluster, at) => {
      const key = `${cluster.hostnqn} ${cluster.subsysnqn}`;
      const paths = pathsOf.get(key) ?? [];
      return { cluster, key, at, paths, rank: rank[clusterTone(cluster, paths)] };
    });
    if (isMany) known.sort((a, b) => a.rank - b.rank || a.at - b.at);
    for (const { cluster, key: name, paths } of known) {
      // Clusters without a name of their own are told apart by their first endpoint.
      const key = seen.has(name) ? `${name} ${cluster.endpoints[0]?.address}` : name;
      seen.add(key);
      const isFolded = isMany && isWellCluster(cluster, paths);
      const look = lookOf([isFolded, cluster, paths]);
      const before = this.#drawn.get(key);
      if (before?.look === look) {
        elements.push(before.element);
        continue;
      }
      const draw = () =>
        drawCluster({
          ...pen,
          key,
          cluster,
          paths,
          openKeys: this.#openKeys,
          onCell: (title, its) => this.#showDetail(title, its),
        });
      const element = isFolded ? this.#folded(key, cluster, paths, draw) : draw();
      this.#drawn.set(key, { look, element });
      elements.push(element);
    }
    for (const key of this.#drawn.keys()) if (!seen.has(key)) this.#drawn.delete(key);
    this.#replaceKeepingFocus(elements);
  }

  #folded(
    key: string,
    cluster: StatusDocument["clusters"][number],
    paths: readonly PathSnapshot[],
    draw: () => PageElement,
  ): PageElement {
    const { document } = this.#browser;
    const chip = stateChip(document, "good", clusterSummary(cluster, paths));
    const summary = [nameText(document, cluster.subsysnqn), " ", chip];
    return fold(document, `cluster ${key}`, this.#openKeys, summary, () => [draw()]);
  }

  #replaceKeepingFocus(elements: readonly PageElement[]): void {
    const { document } = this.#browser;
    const parent = this.#part("clusters");
    const focus = document.activeElement?.dataset.focus;
    parent.replaceChildren(...elements);
    if (focus === undefined) return;
    for (const element of parent.querySelectorAll("[data-focus]")) {
      if (element.dataset.focus === focus) return element.focus();
    }
  }

  // --- one path, or several that look the same ---

  #showDetail(title: string, paths: readonly PathSnapshot[]): void {
    if (this.#status === null) return;
    this.#detail = { title, keys: new Set(paths.map(keyOfPath)) };
    this.#drawDetail({ document: this.#browser.document, atMs: Date.parse(this.#status.at) });
    this.#part("detail").showModal();
  }

  #drawDetail(pen: Pen): void {
    if (this.#detail === null || this.#status === null) return;
    const { title, keys } = this.#detail;
    this.#part("detail-title").textContent = title;
    const paths = this.#status.paths.filter((path) => keys.has(keyOfPath(path)));
    this.#part("detail-content").replaceChildren(...drawDetail(pen, paths));
  }

  #moveInMatrix(
    event: { readonly key?: string; readonly target: PageElement | null; preventDefault(): void },
  ): void {
    const steps: Record<string, [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const step = steps[event.key ?? ""];
    const [, key, row, column] = /^cell (.*) (\d+) (\d+)$/.exec(event.target?.dataset?.focus ?? "") ?? [];
    if (step === undefined || key === undefined) return;
    const wanted = `cell ${key} ${Number(row) + step[0]} ${Number(column) + step[1]}`;
    const matrix = event.target?.closest("table");
    for (const cell of matrix?.querySelectorAll("button") ?? []) {
      if (cell.dataset.focus !== wanted) continue;
      event.preventDefault();
      event.target?.setAttribute("tabindex", "-1");
      cell.setAttribute("tabindex", "0");
      cell.focus();
    }
  }
}

export function keyOfPath({ hostnqn, cluster, subsysnqn, address }: PathSnapshot): string {
  return [hostnqn, cluster, subsysnqn, address].join(" ");
}

/** All that a drawing shows but ages, which go on by themselves. */
export function lookOf(value: unknown): string {
  const ages = new Set(["forMs", "logAgeMs", "lastEventAgeMs", "retryInMs", "lastEventMs"]);
  return JSON.stringify(value, (key, inner) => ages.has(key) ? undefined : inner);
}
