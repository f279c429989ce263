/**
 * Against DNS rebinding: a web site that somebody on this host visits can have its own name lead to 127.0.0.1, and its
 * scripts then read what we show as if it were theirs. Their requests name that site in `Host`; so an endpoint of this
 * host alone shows its state only to those who ask for it as localhost or by address.
 */
import { parseIpAddress } from "../base/address.ts";
import { type HttpRequest, type HttpResponse, textResponse } from "../model/http.ts";

/** Null where the request may be answered. HTTP/1.0 knows no `Host`, and no browser leaves it out. */
export function refuseForeignHost({ headers }: HttpRequest): HttpResponse | null {
  const host = headers.get("host");
  if (host === undefined || host === "" || isOfThisHost(host)) return null;
  const text =
    "This is shown to those of this host who ask for localhost or an IP address, not for another name";
  return textResponse(421, text);
}

function isOfThisHost(host: string): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::\d*)?$/.exec(host) ?? [];
  const name = (bracketed ?? plain ?? "").toLowerCase();
  // Browsers and resolvers keep localhost to loopback (RFC 6761 §6.3).
  return parseIpAddress(name) !== null || name === "localhost" || name.endsWith(".localhost");
}
