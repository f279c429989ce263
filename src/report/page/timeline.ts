/**
 * What happens, newest first, as lines of a bounded list: a node that is lost takes one line, not one for each of its
 * paths. Events that come in a heap are drawn together: a storm costs a few drawings a second. Runs in the browser, as `verdict.ts` does.
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

/** Events that say the same of several, one after the other: one line. */
interface Heap {
  readonly about: string;
  readonly element: PageElement;
  /** What each of the first few is about. */
  readonly subjects: string[];
  amount: number;
}

export class Timeline {
  readonly #browser: Browser;
  readonly #list: PageElement;
  readonly #linesMax = 200;
  readonly #subjectsMax = 3;
  /** The page's own, which no stream brings again. */
  readonly #notes: TimelineEvent[] = [];
  #waiting: TimelineEvent[] = [];
  #newest: Heap | null = null;

  constructor(browser: Browser, list: PageElement) {
    this.#browser = browser;
    this.#list = list;
  }

  /** All that there was before; nobody is read all of it aloud. */
  restart(events: readonly TimelineEvent[]): void {
    this.#list.setAttribute("aria-live", "off");
    this.#list.replaceChildren();
    this.#newest = null;
    const all = [...events, ...this.#notes].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
    this.#waiting = all.slice(-this.#linesMax);
    this.#draw();
    this.#browser.after(500, () => this.#list.setAttribute("aria-live", "polite"));
  }

  add(event: TimelineEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > this.#linesMax) this.#waiting.shift();
    if (this.#waiting.length === 1) this.#browser.after(250, () => this.#draw());
  }

  /** Of the page's own: the connection came or went. */
  note(message: string): void {
    const time = new Date(this.#browser.nowMs()).toISOString();
    const event = { time, kind: "page", level: "warn", message };
    this.#notes.push(event);
    if (this.#notes.length > 20) this.#notes.shift();
    this.add(event);
  }

  #draw(): void {
    const events = this.#waiting;
    this.#waiting = [];
    const added: PageElement[] = [];
    for (const event of events) {
      const { kind, level, message } = event;
      const about = [kind, level, message].join(" ");
      if (this.#newest === null || this.#newest.about !== about) {
        const element = this.#browser.document.createElement("li");
        element.className = level;
        added.unshift(element);
        this.#newest = { about, element, subjects: [], amount: 0 };
      }
      this.#grow(this.#newest, event);
    }
    this.#list.prepend(...added);
    while (this.#list.childElementCount > this.#linesMax) this.#list.lastElementChild?.remove();
  }

  #grow(heap: Heap, event: TimelineEvent): void {
    const { document } = this.#browser;
    const { time, kind, message } = event;
    const subject = this.#subject(event);
    heap.amount++;
    if (subject !== "" && heap.subjects.length < this.#subjectsMax && !heap.subjects.includes(subject)) {
      heap.subjects.push(subject);
    }
    const more = heap.amount - heap.subjects.length;
    const subjects = heap.amount > this.#subjectsMax && more > 0 && heap.subjects.length === this.#subjectsMax
      ? [...heap.subjects, `and ${more} more`]
      : heap.subjects;
    const date = new Date(time);
    const two = (amount: number) => String(amount).padStart(2, "0");
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    heap.element.replaceChildren(
      make(document, "time", { datetime: time, title: time }, clock),
      " ",
      make(document, "span", { class: "kind" }, kind),
      ...heap.amount === 1 ? [] : [" ", make(document, "b", {}, `${heap.amount} ×`)],
      " ",
      make(document, "span", { class: "message" }, message),
      ...subjects.map((text) => make(document, "span", { class: "fields" }, text)),
    );
  }

  /** Path or endpoint first; what says whose it is has its place elsewhere on the page. */
  #subject({ path, endpoint, ...fields }: TimelineEvent): string {
    const known = new Set(["time", "kind", "level", "message", "cluster", "hostnqn"]);
    const rest = Object.entries(fields).filter(([key, value]) =>
      !known.has(key) && value !== undefined && value !== null
    );
    const first = path ?? endpoint;
    return [...first === undefined ? [] : [String(first)], ...rest.map(([key, value]) => `${key}=${value}`)]
      .join(" · ");
  }
}
