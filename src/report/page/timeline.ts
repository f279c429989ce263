/**
 * What happens, newest first, as lines of a bounded list. Events that come in a heap are drawn together: a storm costs
 * a few drawings a second. Runs in the browser, as `verdict.ts` does.
 */
import type { Browser, PageElement } from "./browser.ts";
import { make } from "./drawing.ts";

/** As the stream of events has it: these, and whatever fields it is about. */
export interface TimelineEvent extends Readonly<Record<string, unknown>> {
  readonly time: string;
  readonly kind: string;
  readonly level: string;
  readonly message: string;
}

export class Timeline {
  readonly #browser: Browser;
  readonly #list: PageElement;
  readonly #linesMax = 200;
  #waiting: PageElement[] = [];
  /** The page's own, which no stream brings again. */
  readonly #notes: TimelineEvent[] = [];

  constructor(browser: Browser, list: PageElement) {
    this.#browser = browser;
    this.#list = list;
  }

  /** All that there was before; nobody is read all of it aloud. */
  restart(events: readonly TimelineEvent[]): void {
    this.#waiting = [];
    this.#list.setAttribute("aria-live", "off");
    const all = [...events, ...this.#notes].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
    this.#list.replaceChildren(...all.slice(-this.#linesMax).reverse().map((event) => this.#line(event)));
    this.#browser.after(500, () => this.#list.setAttribute("aria-live", "polite"));
  }

  add(event: TimelineEvent): void {
    this.#show(this.#line(event));
  }

  /** Of the page's own: the connection came or went. */
  note(message: string): void {
    const time = new Date(this.#browser.nowMs()).toISOString();
    const event = { time, kind: "page", level: "warn", message };
    this.#notes.push(event);
    if (this.#notes.length > 20) this.#notes.shift();
    this.add(event);
  }

  #show(line: PageElement): void {
    this.#waiting.unshift(line);
    if (this.#waiting.length > this.#linesMax) this.#waiting.pop();
    if (this.#waiting.length > 1) return;
    this.#browser.after(250, () => {
      this.#list.prepend(...this.#waiting);
      this.#waiting = [];
      while (this.#list.childElementCount > this.#linesMax) this.#list.lastElementChild?.remove();
    });
  }

  #line({ time, kind, level, message, ...fields }: TimelineEvent): PageElement {
    const { document } = this.#browser;
    const about = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
      .map(([key, value]) => `${key}=${value}`).join("  ");
    const date = new Date(time);
    const two = (amount: number) => String(amount).padStart(2, "0");
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    return make(
      document,
      "li",
      { class: level },
      make(document, "time", { datetime: time, title: time }, clock),
      " ",
      make(document, "span", { class: "kind" }, kind),
      " ",
      make(document, "span", { class: "message" }, message),
      ...about === "" ? [] : [" ", make(document, "span", { class: "fields" }, about)],
    );
  }
}
