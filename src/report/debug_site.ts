/**
 * What the debug endpoint answers: which path gives what, to GET and HEAD. It shows and changes nothing; no secret is
 * in what it shows, as none is in the snapshot. Profiles are somebody else's matter, under a path of their own, and the
 * page that people look at is in `page/`.
 */
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { versionText } from "../base/version.ts";
import type { EventFeed } from "./event_feed.ts";
import { eventStreamResponse } from "./event_stream.ts";
import { refuseForeignHost } from "./host_name_check.ts";
import { type HttpHandler, type HttpRequest, type HttpResponse, textResponse } from "../model/http.ts";
import type { MetricFamily } from "./metric_family.ts";
import { metricsContentType, type MetricsFormat, metricsFormat } from "./metrics_format.ts";
import type { StatusDocument } from "./status_document.ts";

export interface DebugSiteOptions {
  readonly clock: Clock;
  readonly isReady: () => boolean;
  readonly status: () => StatusDocument;
  readonly feed: EventFeed;
  /** Whether it listens for this host alone. */
  readonly isLocal: boolean;
  /** Left out: no metrics are served. */
  readonly families?: () => Promise<readonly MetricFamily[]>;
  /** Answers what is below `/debug/pprof/`; left out: nothing does. */
  readonly profiles?: HttpHandler;
}

/** What may be asked for by any name of this host: it is what scrapes and probes ask for. */
const openPaths: ReadonlySet<string> = new Set(["/metrics", "/healthz", "/readyz"]);
const profilesPath = "/debug/pprof/";

/** Whoever watches the process by this path must not take it for dead. */
const metricsOffText = "# Metrics are off: debug.metrics is false";

export class DebugSite {
  readonly #options: DebugSiteOptions;
  readonly #pages: ReadonlyMap<string, HttpHandler>;
  readonly #status: Momentary<string>;
  readonly #metrics: Readonly<Record<MetricsFormat, Momentary<Uint8Array>>>;

  constructor(options: DebugSiteOptions) {
    this.#options = options;
    const { clock } = options;
    this.#status = new Momentary(clock, () => Promise.resolve(this.#statusText()));
    const metrics = (format: MetricsFormat) => new Momentary(clock, () => this.#metricsBytes(format));
    this.#metrics = { prometheus: metrics("prometheus"), openmetrics: metrics("openmetrics") };
    this.#pages = new Map<string, HttpHandler>([
      ["/", (request) => this.#index(request)],
      ["/healthz", () => textResponse(200, "alive")],
      ["/readyz", () => this.#readiness()],
      ["/status", (request) => this.#statusPage(request)],
      ["/events", (request) => eventStreamResponse(options.feed, request)],
      ["/metrics", (request) => this.#metricsPage(request)],
    ]);
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    const { method, path } = request;
    const page = this.#pageAt(path);
    if (page === undefined) {
      return textResponse(404, "There is nothing here; / says where there is something");
    }
    if (method !== "GET" && method !== "HEAD") {
      return textResponse(405, "Only GET and HEAD are answered", { Allow: "GET, HEAD" });
    }
    const refused = this.#options.isLocal && !openPaths.has(path) ? refuseForeignHost(request) : null;
    return refused ?? await page(request);
  }

  #pageAt(path: string): HttpHandler | undefined {
    if (path.startsWith(profilesPath)) return this.#options.profiles;
    return this.#pages.get(path);
  }

  /** The page for browsers, a list of what there is for whoever does not ask for pages. */
  async #index({ headers }: HttpRequest): Promise<HttpResponse> {
    const wantsPage = /\btext\/html\b/i.test(headers.get("accept") ?? "");
    // Most agents are never looked at.
    const answer = wantsPage
      ? await (await import("./page/fabric_page.ts")).fabricPage()
      : textResponse(200, this.#indexText());
    return { ...answer, headers: { ...answer.headers, Vary: "Accept" } };
  }

  #indexText(): string {
    const paths = [...this.#pages.keys()].filter((path) => path !== "/");
    if (this.#options.profiles !== undefined) paths.push(profilesPath);
    return [`discovery-client ${versionText()}`, ...paths].join("\n");
  }

  #readiness(): HttpResponse {
    return this.#options.isReady()
      ? textResponse(200, "ready")
      : textResponse(503, "not ready: the first pass is not done");
  }

  #statusText(): string {
    return `${JSON.stringify(this.#options.status(), null, 2)}\n`;
  }

  async #statusPage({ method }: HttpRequest): Promise<HttpResponse> {
    const body = method === "HEAD" ? null : await this.#status.value();
    return { status: 200, type: "application/json", body };
  }

  async #metricsPage({ method, headers }: HttpRequest): Promise<HttpResponse> {
    if (this.#options.families === undefined) return textResponse(200, metricsOffText);
    const format = metricsFormat(headers.get("accept") ?? "");
    // Some ask with HEAD, every few seconds, whether we live: that costs nothing.
    const body = method === "HEAD" ? null : await this.#metrics[format].value();
    return { status: 200, type: metricsContentType(format), body, headers: { Vary: "Accept" } };
  }

  async #metricsBytes(format: MetricsFormat): Promise<Uint8Array> {
    const families = await this.#options.families?.() ?? [];
    // Most daemons are never scraped, and do without the library.
    const { formatMetrics } = await import("./metrics_text.ts");
    return new TextEncoder().encode(await formatMetrics(families, format));
  }
}

/** What is worked out when somebody asks, once at a time; it is good for a moment, and forgotten then. */
class Momentary<T> {
  readonly #clock: Clock;
  readonly #make: () => Promise<T>;
  #made: Promise<T> | null = null;

  constructor(clock: Clock, make: () => Promise<T>) {
    this.#clock = clock;
    this.#make = make;
  }

  value(): Promise<T> {
    if (this.#made === null) {
      const forget = () => this.#made = null;
      this.#made = this.#make();
      this.#made.then(() => this.#clock.setTimer(limits.debugCacheMs, forget), forget);
    }
    return this.#made;
  }
}
