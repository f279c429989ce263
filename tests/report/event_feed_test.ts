import { limits } from "../../src/base/limits.ts";
import { EventFeed, type FeedItem } from "../../src/report/event_feed.ts";
import { assert, assertEquals } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const event = (message: string) => ({ kind: "path", level: "info", message, fields: {} }) as const;

function words(item: FeedItem | undefined): string | undefined {
  return typeof item === "object" ? item.message : item;
}

Deno.test("EventFeed gives each reader what happens from then on, in order, and keeps the last for others", async () => {
  const feed = new EventFeed(new VirtualClock());
  feed.happened(event("before"));
  const items = feed.read(new AbortController().signal)![Symbol.asyncIterator]();
  feed.happened(event("one"));
  feed.happened(event("two"));
  assertEquals(words((await items.next()).value), "one");
  assertEquals(words((await items.next()).value), "two");
  const third = items.next();
  feed.happened(event("three"));
  assertEquals(words((await third).value), "three");
  assertEquals(feed.recent().map(({ message }) => message), ["before", "one", "two", "three"]);
  await items.return?.();
  assertEquals(feed.readers, 0);
});

Deno.test("EventFeed says after a while that nothing has happened", async () => {
  const clock = new VirtualClock();
  const feed = new EventFeed(clock);
  const items = feed.read(new AbortController().signal)![Symbol.asyncIterator]();
  const next = items.next();
  await clock.advance(limits.eventsQuietMs);
  assertEquals((await next).value, "quiet");
  await items.return?.();
  assertEquals(clock.liveTimers(), 0);
});

Deno.test("EventFeed lets a reader go that does not keep up, and tells it so, without keeping what it missed", async () => {
  const feed = new EventFeed(new VirtualClock());
  const slow = feed.read(new AbortController().signal)!;
  for (let at = 0; at <= limits.eventsWaitingMax; at++) feed.happened(event(`number ${at}`));
  assertEquals(feed.readers, 0);
  const taken: FeedItem[] = [];
  for await (const item of slow) taken.push(item);
  assertEquals(taken, ["too-slow"]);
  assert(feed.recent().length <= limits.eventsKeptMax);
  assertEquals(feed.recent().at(-1)?.message, `number ${limits.eventsWaitingMax}`);
});

Deno.test("EventFeed ends with its reader's connection and with itself, and has so many readers only", async () => {
  const clock = new VirtualClock();
  const feed = new EventFeed(clock);
  const gone = new AbortController();
  const first = feed.read(gone.signal)![Symbol.asyncIterator]();
  const ending = first.next();
  gone.abort();
  assertEquals((await ending).done, true);
  const others = Array.from(
    { length: limits.eventReadersMax },
    () => feed.read(new AbortController().signal),
  );
  assert(others.every((reader) => reader !== null));
  assertEquals(feed.read(new AbortController().signal), null);
  feed.close();
  for await (const _ of others[0]!) throw new Error("It has ended");
  assertEquals([feed.readers, clock.liveTimers()], [0, 0]);
});
