/**
 * What the control socket answers: JSON, for `status`, `watch`, `rescan`, `log-level` and whoever else may use it, and
 * pcapng for `trace`. The socket's rights say who that is; what is here changes nothing but the log's level and when
 * things are looked at, and writes no files: they would be root's.
 */
import { AgentError } from "../base/errors.ts";
import { type HttpHandler, type HttpRequest, type HttpResponse } from "../model/http.ts";
import type { AgentEvent, EventFeed, FeedItem } from "./event_feed.ts";
import type { StatusDocument } from "./status_document.ts";

export interface ControlSiteOptions {
  readonly status: () => StatusDocument;
  readonly feed: EventFeed;
  /** Reads files and controllers again, and has what waits tried at once. */
  readonly rescan: () => void;
  readonly logLevel: LevelControl;
  readonly version: () => Readonly<Record<string, string | number>>;
  readonly trace: TraceControl;
}

export interface TraceControl {
  /**
   * What our connections carry from now on, as pcapng; ends with `signal` or the reader. Throws ConfigError: `running`
   * while there is another recording, others for what makes no sense.
   */
  record(query: URLSearchParams, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

export interface LevelControl {
  level(): string;
  /** Throws ConfigError for what is no level. */
  setLevel(text: string): void;
}

type Method = "GET" | "POST" | "PUT";
type Page = Partial<Record<Method, HttpHandler>>;

export class ControlSite {
  readonly #options: ControlSiteOptions;
  readonly #pages: ReadonlyMap<string, Page>;

  constructor(options: ControlSiteOptions) {
    this.#options = options;
    const { status, rescan, logLevel, version } = options;
    this.#pages = new Map<string, Page>([
      ["/v1/status", { GET: () => jsonResponse(200, status()) }],
      ["/v1/recent", { GET: () => jsonResponse(200, { events: options.feed.recent().map(eventObject) }) }],
      ["/v1/watch", { GET: (request) => this.#watch(request) }],
      ["/v1/trace", { GET: (request) => this.#trace(request) }],
      ["/v1/rescan", {
        POST: () => {
          rescan();
          return jsonResponse(200, { rescan: "started" });
        },
      }],
      ["/v1/log-level", {
        GET: () => jsonResponse(200, { level: logLevel.level() }),
        PUT: (request) => this.#setLevel(request),
      }],
      ["/v1/version", { GET: () => jsonResponse(200, version()) }],
    ]);
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    const page = this.#pages.get(request.path);
    if (page === undefined) {
      return errorResponse(
        404,
        `Nothing is at ${request.path}; there is ${[...this.#pages.keys()].join(", ")}`,
      );
    }
    const answer = Object.hasOwn(page, request.method) ? page[request.method as Method] : undefined;
    if (answer !== undefined) return await answer(request);
    const allowed = Object.keys(page).join(", ");
    return errorResponse(405, `Cannot ${request.method} ${request.path}: it takes ${allowed}`, {
      Allow: allowed,
    });
  }

  /** `{"level": "debug"}`, or `?level=debug`. */
  #setLevel({ body, query }: HttpRequest): HttpResponse {
    const text = query.get("level") ?? levelOf(body);
    if (text === null) return errorResponse(400, 'Cannot read the level: expected {"level": "debug"}');
    const { logLevel } = this.#options;
    try {
      const before = logLevel.level();
      logLevel.setLevel(text);
      return jsonResponse(200, { level: logLevel.level(), before });
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return errorResponse(400, error.message);
    }
  }

  async #trace({ query, signal }: HttpRequest): Promise<HttpResponse> {
    try {
      const body = await this.#options.trace.record(query, signal);
      return { status: 200, type: "application/x-pcapng", body };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return errorResponse(error.code === "running" ? 409 : 400, error.message);
    }
  }

  #watch({ signal }: HttpRequest): HttpResponse {
    const items = this.#options.feed.read(signal);
    if (items === null) return errorResponse(503, "Too many are watching already");
    return { status: 200, type: "application/x-ndjson", body: lines(items) };
  }
}

function levelOf(body: Uint8Array | undefined): string | null {
  try {
    const { level } = JSON.parse(new TextDecoder().decode(body));
    return typeof level === "string" ? level : null;
  } catch {
    return null;
  }
}

async function* lines(items: AsyncIterable<FeedItem>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  // Whoever waits for the head gets it at once.
  yield encoder.encode("\n");
  for await (const item of items) yield encoder.encode(`${lineOf(item)}\n`);
}

/** An empty line says that nothing has happened. */
function lineOf(item: FeedItem): string {
  if (item === "quiet") return "";
  if (item === "too-slow") return JSON.stringify({ kind: "dropped", message: droppedMessage });
  return JSON.stringify(eventObject(item));
}

export const droppedMessage = "This reader is too slow: what waited for it is dropped, and so is it";

/** As it travels: `{"time": "…", "kind": "path", "level": "info", "message": "…", …fields}`. */
export function eventObject({ atMs, kind, level, message, fields }: AgentEvent): Record<string, unknown> {
  return { time: new Date(atMs).toISOString(), kind, level, message, ...fields };
}

function jsonResponse(status: number, value: unknown, headers?: HttpResponse["headers"]): HttpResponse {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n`, headers };
}

function errorResponse(status: number, error: string, headers?: HttpResponse["headers"]): HttpResponse {
  return jsonResponse(status, { error }, headers);
}
