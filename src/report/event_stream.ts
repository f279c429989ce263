/**
 * The feed of events as a stream of server-sent events (HTML Standard §9.2), for the page: first the last few as one
 * `recent`, then each as a `happened`; `quiet` when there was none for a while; `dropped` as the last one for a reader
 * that was too slow. Whoever is cut off comes again by itself after the time that the stream begins with.
 */
import { limits } from "../base/limits.ts";
import { type HttpRequest, type HttpResponse, textResponse } from "../model/http.ts";
import { droppedMessage, eventObject } from "./control_site.ts";
import type { EventFeed, FeedItem } from "./event_feed.ts";

export function eventStreamResponse(feed: EventFeed, { method, signal }: HttpRequest): HttpResponse {
  const answer = { status: 200, type: "text/event-stream" };
  if (method === "HEAD") return { ...answer, body: null };
  // In one go with what is recent: nothing may happen between the two.
  const items = feed.read(signal);
  if (items === null) return textResponse(503, "Too many are watching already");
  const recent = feed.recent().slice(-limits.eventsShownMax).map(eventObject);
  return { ...answer, body: messages(recent, items) };
}

async function* messages(
  recent: readonly unknown[],
  items: AsyncIterable<FeedItem>,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(`retry: ${limits.eventStreamRetryMs}\n${message("recent", recent)}`);
  for await (const item of items) yield encoder.encode(messageOf(item));
}

function messageOf(item: FeedItem): string {
  if (item === "quiet") return message("quiet", null);
  if (item === "too-slow") return message("dropped", { message: droppedMessage });
  return message("happened", eventObject(item));
}

/** JSON has no line breaks of its own: a message is one line of data, whatever a target wrote. */
function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
