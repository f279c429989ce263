/**
 * The page at `/`, put together when somebody first asks for it: one document that needs nothing else, and may load and
 * run nothing else. Its script is our own functions as text, as the runtime has them: they are checked and tested like
 * all the others, and so use nothing but each other, what every JavaScript has, and the browser they are handed.
 */
import type { HttpResponse } from "../../model/http.ts";
import * as cluster from "./draw_cluster.ts";
import * as detail from "./draw_detail.ts";
import * as drawing from "./drawing.ts";
import * as matrix from "./matrix.ts";
import * as loop from "./page_loop.ts";
import { pageMarkup } from "./page_markup.ts";
import { pageStyle } from "./page_style.ts";
import * as timeline from "./timeline.ts";
import * as verdict from "./verdict.ts";

let page: Promise<HttpResponse> | null = null;

export function fabricPage(): Promise<HttpResponse> {
  return page ??= makePage();
}

async function makePage(): Promise<HttpResponse> {
  const script = pageScript();
  const policy = [
    "default-src 'none'",
    `script-src ${await sourceHash(script)}`,
    `style-src ${await sourceHash(pageStyle)}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Whoever adds a line that makes markup of text finds that it does not work.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    status: 200,
    type: "text/html; charset=utf-8",
    body: pageMarkup(pageStyle, script),
    headers: {
      "Content-Security-Policy": policy.join("; "),
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Referrer-Policy": "no-referrer",
    },
  };
}

/** As a policy names an inline script or style (Content Security Policy Level 3 §2.3.1). */
async function sourceHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}

export function pageScript(): string {
  const modules = [verdict, matrix, drawing, cluster, detail, timeline, loop];
  const functions = modules.flatMap((module) => Object.values(module) as unknown[]).map(String);
  // A script ends at the first of these, wherever it stands.
  const text = functions.join("\n").replaceAll("</", "<\\/");
  return `"use strict";\n(() => {\n${text}\n${browserText}\n})();\n`;
}

/** The real browser, for the one who hands it over. */
const browserText = `
async function readStatus() {
  const answer = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(20000) });
  if (!answer.ok) throw new Error("The agent answered " + answer.status);
  return await answer.json();
}
new PageLoop({
  document,
  readStatus,
  openEvents: () => new EventSource("events"),
  after: (delayMs, act) => void setTimeout(act, delayMs),
  every: (periodMs, act) => void setInterval(act, periodMs),
  isHidden: () => document.hidden,
  nowMs: () => Date.now(),
  reload: () => location.reload(),
}).start();
`;
