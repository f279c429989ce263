/**
 * Small pieces that every part of the page is drawn with. Runs in the browser, as `verdict.ts` does. Whatever comes from
 * the network goes in as text or as a harmless attribute.
 */
import type { PageDocument, PageElement } from "./browser.ts";
import { ageWords, type Tone } from "./verdict.ts";

/** What is drawn, where, and the agent's time when it was. */
export interface Pen {
  readonly document: PageDocument;
  /** The agent's wall clock at its answer, ms. */
  readonly atMs: number;
}

/** `content` becomes text, unless it is an element. */
export function make(
  document: PageDocument,
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...content: readonly (PageElement | string)[]
): PageElement {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

/** Another mark for each tone: nobody has to tell red from green. */
export function markOf(tone: Tone): string {
  return { good: "✓", busy: "…", warn: "!", bad: "✕", gone: "·" }[tone];
}

export function stateChip(document: PageDocument, tone: Tone, word: string): PageElement {
  return make(
    document,
    "span",
    { class: `chip ${tone}` },
    make(document, "span", { class: "mark", "aria-hidden": "true" }, markOf(tone)),
    word,
  );
}

/** How long ago something began; `tickAges` keeps it true. */
export function ageText({ document, atMs }: Pen, agoMs: number | undefined): PageElement | string {
  if (agoMs === undefined) return "–";
  return make(document, "span", { class: "age", "data-since": String(atMs - agoMs) }, ageWords(agoMs));
}

/** In how long something is tried again. */
export function untilText({ document, atMs }: Pen, inMs: number): PageElement {
  return make(document, "span", { class: "age", "data-until": String(atMs + inMs) }, untilWords(inMs));
}

export function untilWords(inMs: number): string {
  return inMs < 500 ? "now" : `in ${ageWords(inMs)}`;
}

export function tickAges(document: PageDocument, nowMs: number): void {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = ageWords(nowMs - Number(element.dataset.since));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    element.textContent = untilWords(Number(element.dataset.until) - nowMs);
  }
}

/** The part that tells names apart is strong: what stands behind the last colon. */
export function nameText(document: PageDocument, name: string): PageElement {
  const at = name.lastIndexOf(":") + 1;
  return make(
    document,
    "span",
    { class: "name" },
    make(document, "span", { class: "faint" }, name.slice(0, at)),
    make(document, "b", {}, name.slice(at)),
  );
}

/** What is inside is drawn when it is opened, and stays open when it is drawn anew. */
export function fold(
  document: PageDocument,
  key: string,
  openKeys: Set<string>,
  summary: readonly (PageElement | string)[],
  draw: () => readonly PageElement[],
): PageElement {
  const inside = make(document, "div", { class: "inside" });
  const element = make(
    document,
    "details",
    { "data-fold": key },
    make(document, "summary", { "data-focus": `fold ${key}` }, ...summary),
    inside,
  );
  const show = () => {
    if (inside.childElementCount === 0) inside.append(...draw());
  };
  if (openKeys.has(key)) {
    element.open = true;
    show();
  }
  element.addEventListener("toggle", () => {
    if (element.open) {
      openKeys.add(key);
      show();
    } else openKeys.delete(key);
  });
  return element;
}
