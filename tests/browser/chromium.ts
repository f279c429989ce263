/**
 * Headless Chromium over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/): opens pages,
 * evaluates expressions in them, takes pictures. Needs Debian's package `chromium`; nothing is downloaded.
 */
import { assert } from "../assert.ts";

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly sessionId?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Nothing here takes longer; a call that would hang fails. */
const callLimitMs = 30_000;

export class Chromium {
  readonly #child: Deno.ChildProcess;
  readonly #socket: WebSocket;
  readonly #profile: string;
  readonly #calls = new Map<number, (reply: Reply) => void>();
  readonly #listeners = new Set<(reply: Reply) => void>();
  #lastId = 0;

  private constructor(child: Deno.ChildProcess, socket: WebSocket, profile: string) {
    this.#child = child;
    this.#socket = socket;
    this.#profile = profile;
    socket.onmessage = ({ data }) => {
      const reply = JSON.parse(data) as Reply;
      if (reply.id !== undefined) this.#calls.get(reply.id)?.(reply);
      else for (const listener of this.#listeners) listener(reply);
    };
  }

  static async start(): Promise<Chromium> {
    const profile = await Deno.makeTempDir({ prefix: "discovery-client-chromium-" });
    const child = new Deno.Command("chromium", {
      args: [
        ...["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "--no-first-run"],
        // In a container there is no sandbox to be had, and there is nothing to keep out: the page is ours.
        ...["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
        ...["--disable-component-update", "--hide-scrollbars", "about:blank"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const url = await devToolsUrl(child.stderr);
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error(`Cannot talk to chromium at ${url}`));
    });
    return new Chromium(child, socket, profile);
  }

  async call(
    method: string,
    params: Record<string, unknown> = {},
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reply = await new Promise<Reply>((resolve) => {
      this.#calls.set(id, resolve);
      const late = { error: { message: `no answer in ${callLimitMs} ms` } };
      timer = setTimeout(() => resolve(late), callLimitMs);
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
    clearTimeout(timer);
    this.#calls.delete(id);
    if (reply.error !== undefined) throw new Error(`Chromium cannot ${method}: ${reply.error.message}`);
    return reply.result ?? {};
  }

  async open(url: string, { width = 1600, height = 1000, dark = false }: PageOptions = {}): Promise<Page> {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId as string);
    this.#listeners.add((reply) => reply.sessionId === sessionId && page.take(reply.method, reply.params));
    await page.call("Runtime.enable");
    await page.call("Log.enable");
    await page.call("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await page.call("Emulation.setEmulatedMedia", { features });
    await page.call("Page.navigate", { url });
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Asked, it ends its own processes too, and lets go of its files.
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await this.call("Browser.close").catch(() => {});
    await this.#child.status;
    clearTimeout(late);
    this.#socket.close();
    await Deno.remove(this.#profile, { recursive: true }).catch(() => {});
  }
}

export class Page {
  readonly #browser: Chromium;
  readonly #sessionId: string;
  /** What the page complained about: exceptions, refused loads, and whatever its policy forbids. */
  readonly complaints: string[] = [];

  constructor(browser: Chromium, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  take(method: string | undefined, params: Record<string, unknown> = {}): void {
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") {
      this.complaints.push(JSON.stringify(params));
    }
  }

  call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    return this.#browser.call(method, params, this.#sessionId);
  }

  /** The value of an expression, as JSON has it. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    assert(exceptionDetails === undefined, `${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  text(selector: string): Promise<string> {
    return this.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`);
  }

  async press(key: string): Promise<void> {
    const text = key === "Enter" ? { text: "\r" } : {};
    const code =
      { Enter: 13, Escape: 27, Tab: 9, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40 }[key];
    const event = { key, code: key, windowsVirtualKeyCode: code };
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...event, ...text });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** PNG. */
  async picture(): Promise<Uint8Array> {
    const { data } = await this.call("Page.captureScreenshot", { format: "png" });
    return Uint8Array.from(atob(data as string), (char) => char.charCodeAt(0));
  }
}

/** `DevTools listening on ws://…`; what else it says is thrown away. */
async function devToolsUrl(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { value, done } = await reader.read();
    assert(!done, `Chromium does not start:\n${text}`);
    text += value;
    const url = /DevTools listening on (\S+)\s/.exec(text)?.[1];
    if (url === undefined) continue;
    void (async () => {
      while (!(await reader.read()).done);
    })().catch(() => {});
    return url;
  }
}
