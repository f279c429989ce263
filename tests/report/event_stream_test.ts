import { limits } from "../../src/base/limits.ts";
import type { HttpRequest } from "../../src/model/http.ts";
import { type AgentEvent, EventFeed } from "../../src/report/event_feed.ts";
import { eventStreamResponse } from "../../src/report/event_stream.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

function requestOf(signal = new AbortController().signal, method = "GET"): HttpRequest {
  return { method, path: "/events", query: new URLSearchParams(), headers: new Map(), peer: "", signal };
}

function eventOf(message: string): Omit<AgentEvent, "atMs"> {
  return { kind: "path", level: "info", message, fields: { device: "nvme0" } };
}

function open(feed: EventFeed, signal?: AbortSignal): AsyncIterator<Uint8Array> {
  const { body, type, status } = eventStreamResponse(feed, requestOf(signal));
  assertEquals([status, type], [200, "text/event-stream"]);
  assert(typeof body === "object" && body !== null && Symbol.asyncIterator in body);
  return body[Symbol.asyncIterator]();
}

interface Message {
  readonly event: string;
  readonly data: unknown;
}

/** The next message as a browser takes it (HTML Standard §9.2.6); null at the end. */
async function next(reader: AsyncIterator<Uint8Array>): Promise<Message | null> {
  const { value, done } = await reader.next();
  if (done) return null;
  const text = new TextDecoder().decode(value);
  assert(text.endsWith("\n\n") && text.split("\n\n").length === 2, `One message: ${JSON.stringify(text)}`);
  const lines = text.trimEnd().split("\n").map((line) => /^(\w+): ([^]*)$/.exec(line)?.slice(1) ?? []);
  const field = (name: string) => lines.filter(([key]) => key === name).map(([, value]) => value);
  assertEquals([field("event").length, field("data").length], [1, 1]);
  return { event: field("event")[0]!, data: JSON.parse(field("data")[0]!) };
}

const messageOf = (message: Message | null) => (message?.data as { message: string }).message;

Deno.test("eventStreamResponse() begins with what is recent, goes on in order, and misses nothing between", async () => {
  const feed = new EventFeed(new VirtualClock());
  for (let at = 0; at < limits.eventsShownMax + 5; at++) feed.happened(eventOf(`before ${at}`));
  const reader = open(feed);
  feed.happened(eventOf("a"));
  feed.happened(eventOf("b"));
  const recent = await next(reader);
  const shown = recent?.data as { message: string; device: string }[];
  assertEquals([recent?.event, shown.length], ["recent", limits.eventsShownMax]);
  assertEquals([shown.at(-1)?.message, shown.at(-1)?.device], [
    `before ${limits.eventsShownMax + 4}`,
    "nvme0",
  ]);
  assertEquals([messageOf(await next(reader)), messageOf(await next(reader))], ["a", "b"]);
});

Deno.test("eventStreamResponse() keeps a hostile text in its message", async () => {
  const feed = new EventFeed(new VirtualClock());
  const reader = open(feed);
  await next(reader);
  const hostile = "a\n\nevent: dropped\r\ndata: {}\u2028<script>alert(1)</script>";
  feed.happened({ ...eventOf(hostile), fields: { "event: x\n": hostile } });
  const message = await next(reader);
  assertEquals([message?.event, messageOf(message)], ["happened", hostile]);
});

Deno.test("eventStreamResponse() says after a while that nothing happened", async () => {
  const clock = new VirtualClock();
  const reader = open(new EventFeed(clock));
  await next(reader);
  const quiet = next(reader);
  await clock.advance(limits.eventsQuietMs);
  assertEquals(await quiet, { event: "quiet", data: null });
});

Deno.test("eventStreamResponse() lets a slow reader go with a notice, and keeps no more for it than the bound", async () => {
  const feed = new EventFeed(new VirtualClock());
  const reader = open(feed);
  await next(reader);
  for (let at = 0; at < limits.eventsWaitingMax; at++) feed.happened(eventOf(`${at}`));
  assertEquals(feed.readers, 1, "Precondition: it is full, not over");
  // A reader begins when it is first read from: what came before waits.
  feed.happened(eventOf("one too many"));
  assertEquals(feed.readers, 0);
  const last = await next(reader);
  assertEquals(last?.event, "dropped");
  assert(messageOf(last).includes("too slow"));
  assertEquals(await next(reader), null);
});

Deno.test("eventStreamResponse() has room for so many readers, and again when one goes", async () => {
  const feed = new EventFeed(new VirtualClock());
  const gone = new AbortController();
  const first = open(feed, gone.signal);
  for (let at = 1; at < limits.eventReadersMax; at++) open(feed);
  assertEquals(eventStreamResponse(feed, requestOf()).status, 503);
  assertEquals(eventStreamResponse(feed, requestOf(undefined, "HEAD")).body, null);
  gone.abort();
  await next(first);
  assertEquals(await next(first), null);
  assertEquals([feed.readers, eventStreamResponse(feed, requestOf()).status], [
    limits.eventReadersMax - 1,
    200,
  ]);
});

Deno.test("eventStreamResponse() ends with the feed", async () => {
  const feed = new EventFeed(new VirtualClock());
  const reader = open(feed);
  await next(reader);
  const end = next(reader);
  feed.close();
  assertEquals(await end, null);
});
