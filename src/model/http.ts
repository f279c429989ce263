/** HTTP as the rest of the program sees it: a request in, a response out. `io/http_server.ts` does the talking. */

export interface HttpRequest {
  /** As sent, upper case: `GET`. */
  readonly method: string;
  /** Without the query, as sent: `/metrics`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By name in lower case; several of one name are joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** IP address of the other side; empty on a socket of this host. */
  readonly peer: string;
  /** Where the server reads bodies. */
  readonly body?: Uint8Array;
  /** Aborted when the other side is gone or the server closes. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** Content-Type. */
  readonly type: string;
  /**
   * Null: the answer to a HEAD whose GET would have to be worked out first. A sequence is sent as it comes, for as
   * long as it lasts.
   */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What it throws becomes a 500, and is told. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** A text of one line, as an answer. */
export function textResponse(status: number, text: string, headers?: HttpResponse["headers"]): HttpResponse {
  return { status, type: "text/plain; charset=utf-8", body: `${text}\n`, headers };
}
