/**
 * The head of an HTTP/1 request, from bytes (RFC 9112 §3 and §5), and that of a response, to text. Knows no bodies:
 * whoever reads them counts them. Lenient in nothing: what is not well formed is refused.
 */

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: ReadonlyMap<string, string>;
}

/** Where the head ends: behind its empty line; null when that has not come yet. */
export function headEnd(bytes: Uint8Array): number | null {
  for (let at = 3; at < bytes.length; at++) {
    // CR LF CR LF
    if (bytes[at] === 10 && bytes[at - 1] === 13 && bytes[at - 2] === 10 && bytes[at - 3] === 13) {
      return at + 1;
    }
  }
  return null;
}

/** Null for what is no head of HTTP/1.0 or 1.1. */
export function parseRequestHead(bytes: Uint8Array): RequestHead | null {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  const [requestLine = "", ...lines] = text.replace(/\r\n\r\n$/, "").split("\r\n");
  const [, method, target] = /^([A-Z]{1,16}) ([\x21-\x7e]+) HTTP\/1\.[01]$/.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) return null;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\0\r\n]*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return null;
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  // The absolute form is for proxies; servers take it all the same (RFC 9112 §3.2.2).
  const [, way] = /^(?:https?:\/\/[^/?#]*)?(\/?[^#]*)/i.exec(target) ?? [];
  const [path = "", ...query] = (way ?? "").split("?");
  return { method, path: path === "" ? "/" : path, query: new URLSearchParams(query.join("?")), headers };
}

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  411: "Length Required",
  413: "Content Too Large",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Status line and fields, with the empty line. */
export function formatResponseHead(status: number, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, value]) =>
    `${name}: ${value.replace(/[\r\n\0]/g, " ")}\r\n`
  );
  return `HTTP/1.1 ${status} ${reasons[status] ?? "Other"}\r\n${lines.join("")}\r\n`;
}
