import type { Browser, PageElement } from "../../../src/report/page/browser.ts";
import { Timeline, type TimelineEvent } from "../../../src/report/page/timeline.ts";
import { assertEquals } from "../../assert.ts";

/** As much of a document as a list of lines needs. */
class Element {
  readonly content: (Element | string)[] = [];
  readonly attributes = new Map<string, string>();
  className = "";

  get childElementCount(): number {
    return this.content.length;
  }

  get lastElementChild(): { remove(): void } {
    return { remove: () => void this.content.pop() };
  }

  get text(): string {
    return this.content.map((part) => typeof part === "string" ? part : part.text).join("");
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  append(...parts: (Element | string)[]): void {
    this.content.push(...parts);
  }

  prepend(...parts: (Element | string)[]): void {
    this.content.unshift(...parts);
  }

  replaceChildren(...parts: (Element | string)[]): void {
    this.content.splice(0, Infinity, ...parts);
  }
}

function timelineOf() {
  const due: (() => void)[] = [];
  const list = new Element();
  const browser = {
    document: { createElement: () => new Element() },
    after: (_: number, act: () => void) => void due.push(act),
    nowMs: () => 5_000,
  } as unknown as Browser;
  const timeline = new Timeline(browser, list as unknown as PageElement);
  const lines = () => {
    for (const act of due.splice(0)) act();
    return list.content.map((line) => (line as Element).text.replace(/^\S+ /, ""));
  };
  return { timeline, list, lines, due };
}

function eventOf(message: string, path: string, time = 1_000): TimelineEvent {
  return {
    time: new Date(time).toISOString(),
    kind: "path",
    level: "info",
    message,
    path,
    hostnqn: "h",
    cluster: "c",
  };
}

Deno.test("Timeline draws what comes together at once, newest first", () => {
  const { timeline, lines, due } = timelineOf();
  timeline.add(eventOf("A", "p1"));
  timeline.add(eventOf("B", "p2"));
  assertEquals(due.length, 1);
  assertEquals(lines(), ["path Bp2", "path Ap1"]);
});

Deno.test("Timeline makes one line of events that say the same, one after the other", () => {
  const { timeline, lines } = timelineOf();
  for (const path of ["p1", "p2", "p3"]) timeline.add(eventOf("Lost", path));
  assertEquals(lines(), ["path 3 × Lostp1p2p3"]);
  for (const path of ["p4", "p5"]) timeline.add(eventOf("Lost", path));
  timeline.add(eventOf("Live", "p1"));
  assertEquals(lines(), ["path Livep1", "path 5 × Lostp1p2p3and 2 more"]);
});

Deno.test("Timeline keeps a bounded number of lines, waiting ones too", () => {
  const { timeline, list, lines } = timelineOf();
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < 500; at++) timeline.add(eventOf(`Event ${at}`, "p"));
    assertEquals([lines().length, list.childElementCount], [200, 200]);
  }
  assertEquals(lines()[0], "path Event 499p");
});

Deno.test("Timeline begins anew with what the agent has, and with the page's own notes, without reading it all aloud", () => {
  const { timeline, list, lines } = timelineOf();
  timeline.note("The agent does not answer");
  timeline.add(eventOf("Of an agent that is gone", "p"));
  timeline.restart([eventOf("Earlier", "p"), eventOf("Later", "p", 9_000)]);
  assertEquals(list.attributes.get("aria-live"), "off");
  assertEquals(lines(), ["path Laterp", "page The agent does not answer", "path Earlierp"]);
  assertEquals(list.attributes.get("aria-live"), "polite");
});
