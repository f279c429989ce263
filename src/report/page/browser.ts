/**
 * The browser as the page's script sees it: the few things of it that are used, handed in as the agent is handed its
 * world. Types only. There is no `innerHTML` among them: what comes from the network is text, and stays text.
 */
import type { StatusDocument } from "../status_document.ts";

export interface Browser {
  readonly document: PageDocument;
  readStatus(): Promise<StatusDocument>;
  openEvents(): EventStream;
  /** Calls back once, after so many ms. */
  after(delayMs: number, act: () => void): void;
  /** Calls back again and again. */
  every(periodMs: number, act: () => void): void;
  /** Nobody sees the page: it stands in another tab, or the screen is off. */
  isHidden(): boolean;
  nowMs(): number;
  reload(): void;
}

/** Server-sent events. */
export interface EventStream {
  /** 2: it does not come again by itself. */
  readonly readyState: number;
  addEventListener(kind: string, act: (event: { readonly data?: string }) => void): void;
  close(): void;
}

export interface PageDocument {
  title: string;
  readonly activeElement: PageElement | null;
  createElement(name: string): PageElement;
  getElementById(id: string): PageElement | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  addEventListener(kind: string, act: (event: PageEvent) => void): void;
}

export interface PageElement {
  textContent: string | null;
  className: string;
  id: string;
  hidden: boolean;
  /** Of `details` and `dialog`. */
  open: boolean;
  readonly dataset: Record<string, string | undefined>;
  readonly childElementCount: number;
  readonly lastElementChild: PageElement | null;
  append(...content: (PageElement | string)[]): void;
  prepend(...content: (PageElement | string)[]): void;
  replaceChildren(...content: (PageElement | string)[]): void;
  remove(): void;
  setAttribute(name: string, value: string): void;
  addEventListener(kind: string, act: (event: PageEvent) => void): void;
  closest(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  focus(): void;
  showModal(): void;
  close(): void;
}

export interface PageEvent {
  readonly target: PageElement | null;
  readonly key?: string;
  preventDefault(): void;
}
