/**
 * A small HTTP/1.1 server for those who look at the agent, on a port or on a socket of this host: one request a
 * connection, with a body only where the options say how large one may be.
 *
 * Why not the runtime's own: it bounds neither connections nor their time, and every one takes a descriptor that the
 * agent's sessions need. Here a connection has a deadline for its request and one for taking its answer, there are no
 * more than `httpConnectionsMax`, and who came first without asking for anything gives way to who comes.
 */
import { canonicalAddress, formatHostPort } from "../base/address.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { type HttpHandler, type HttpResponse, textResponse } from "../model/http.ts";
import type { Closer } from "../model/world.ts";
import { formatResponseHead, headEnd, parseRequestHead, type RequestHead } from "./http_head.ts";
import { transportError } from "./io_errors.ts";

/** An address or name to listen on; port 0: any that is free. Or a socket that listens already, which is ours then. */
export type HttpPlace =
  | { readonly host: string; readonly port: number; readonly socket?: undefined }
  | { readonly socket: Deno.UnixListener };

export type HttpServerOptions = HttpPlace & {
  readonly clock: Clock;
  /** Bytes of a request's body; left out, bodies are not read. */
  readonly bodyBytesMax?: number;
  readonly handle: HttpHandler;
  /** What the handler threw. */
  readonly onProblem: (error: unknown) => void;
  /** The listener ended by itself. */
  readonly onGone: (error: Error) => void;
};

export class HttpServer implements Closer {
  readonly #options: HttpServerOptions;
  readonly #listener: Deno.TcpListener | Deno.UnixListener;
  readonly #connections = new Set<HttpConnection>();
  readonly #pauses = new Set<Timer>();
  #isRetired = false;

  /** Listens at once. Throws TransportError with the errno's name, such as `EADDRINUSE`. */
  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#listener = options.socket ?? listenOn(options.host, options.port);
    void this.#accept();
  }

  /** 0 for a socket. */
  get port(): number {
    const { addr } = this.#listener;
    return addr.transport === "tcp" ? addr.port : 0;
  }

  /** Connections open now. */
  get connections(): number {
    return this.#open().length;
  }

  #open(): HttpConnection[] {
    return [...this.#connections].filter(({ isClosed }) => !isClosed);
  }

  /** At once: whoever is being answered is cut off. */
  close(): void {
    this.retire();
    for (const connection of this.#connections) connection.close();
  }

  /** Takes nobody new; whoever is being answered is, to the end. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    for (const pause of this.#pauses) pause.cancel();
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    for (let failures = 0; !this.#isRetired;) {
      try {
        const socket = await this.#listener.accept();
        if (this.#isRetired) return closeQuietly(socket);
        this.#take(socket);
        failures = 0;
      } catch (error) {
        if (this.#isRetired) return;
        // One that went away before it was taken, or no descriptor left: either passes.
        if (++failures > limits.httpAcceptFailuresMax) {
          this.close();
          return this.#options.onGone(transportError("Cannot accept connections", error));
        }
        await this.#pause(limits.httpAcceptPauseMs);
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(delayMs, () => {
        this.#pauses.delete(timer);
        resolve();
      });
      this.#pauses.add(timer);
    });
  }

  #take(socket: Socket): void {
    if (this.#connections.size >= limits.httpConnectionsMax) {
      // In the order of their coming. Whoever is served takes a moment only, so that the oldest one hangs.
      const open = this.#open();
      const given = open.find(({ isIdle }) => isIdle) ?? open[0];
      // Deno before 2.9 does not end a pending write: closed ones may hold their descriptor until the peer goes.
      if (given === undefined) return closeQuietly(socket);
      given.close();
      if (given.isIdle) this.#connections.delete(given);
    }
    const connection = new HttpConnection(socket, this.#options);
    this.#connections.add(connection);
    void connection.serve().finally(() => this.#connections.delete(connection));
  }
}

type Socket = Deno.TcpConn | Deno.UnixConn;

function listenOn(host: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: host, port, transport: "tcp" });
  } catch (error) {
    throw transportError(`Cannot listen on ${formatHostPort(host, port)}`, error);
  }
}

class HttpConnection {
  readonly #socket: Socket;
  readonly #options: HttpServerOptions;
  readonly #gone = new AbortController();
  #deadline: Timer | null = null;
  /** It has asked for nothing yet, or has been answered. */
  isIdle = true;
  isClosed = false;

  constructor(socket: Socket, options: HttpServerOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  close(): void {
    this.isClosed = true;
    this.#deadline?.cancel();
    this.#gone.abort();
    closeQuietly(this.#socket);
  }

  /** Never rejects. */
  async serve(): Promise<void> {
    try {
      this.#within(limits.httpRequestTimeoutMs);
      const bytes = await this.#readHead();
      if (bytes === null) return;
      this.isIdle = false;
      await this.#respond(bytes);
      this.isIdle = true;
      await this.#linger();
    } catch {
      // The other side is gone, or its time is up: there is nobody to tell.
    } finally {
      this.close();
    }
  }

  /** Whatever is under way ends when the time is up. */
  #within(timeoutMs: number): void {
    this.#deadline?.cancel();
    if (this.#gone.signal.aborted) return;
    this.#deadline = this.#options.clock.setTimer(timeoutMs, () => this.close());
  }

  /** The head and what came with it. Null when the other side ends before it has asked. */
  async #readHead(): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(limits.httpHeadBytesMax);
    for (let length = 0; length < buffer.length;) {
      const count = await this.#socket.read(buffer.subarray(length));
      if (count === null) return null;
      length += count;
      if (headEnd(buffer.subarray(0, length)) !== null) return buffer.subarray(0, length);
    }
    return buffer;
  }

  async #respond(bytes: Uint8Array): Promise<void> {
    const end = headEnd(bytes);
    const head = end === null ? null : parseRequestHead(bytes.subarray(0, end));
    if (end === null || head === null) {
      const isLong = bytes.length >= limits.httpHeadBytesMax;
      return this.#send(
        isLong ? textResponse(431, "Request too long") : textResponse(400, "Bad request"),
        false,
      );
    }
    const isHead = head.method === "HEAD";
    const body = await this.#readBody(head, bytes.subarray(end));
    if (body !== null && "status" in body) return this.#send(body, isHead);
    await this.#send(await this.#answer(head, body), isHead);
  }

  async #answer(
    { method, path, query, headers }: RequestHead,
    body: Uint8Array | null,
  ): Promise<HttpResponse> {
    this.#within(limits.httpHandlerTimeoutMs);
    const { remoteAddr } = this.#socket;
    const peer = remoteAddr.transport === "tcp" ? canonicalAddress(remoteAddr.hostname) : "";
    const request = { method, path, query, headers, peer, signal: this.#gone.signal, ...body && { body } };
    try {
      return await this.#options.handle(request);
    } catch (error) {
      this.#options.onProblem(error);
      return textResponse(500, "Internal error");
    }
  }

  /** `begun` is what came with the head. Null where bodies are not read, an answer where this one cannot be. */
  async #readBody({ headers }: RequestHead, begun: Uint8Array): Promise<Uint8Array | HttpResponse | null> {
    const { bodyBytesMax } = this.#options;
    if (bodyBytesMax === undefined) return null;
    if (headers.has("transfer-encoding")) return textResponse(411, "Content-Length is needed");
    const field = headers.get("content-length") ?? "0";
    if (!/^\d{1,15}$/.test(field)) return textResponse(400, "Bad request");
    const length = Number(field);
    if (length > bodyBytesMax) return textResponse(413, `More than ${bodyBytesMax} bytes`);
    const body = new Uint8Array(length);
    body.set(begun.subarray(0, length));
    for (let at = Math.min(begun.length, length); at < length;) {
      const count = await this.#socket.read(body.subarray(at));
      if (count === null) return textResponse(400, "The body ends too soon");
      at += count;
    }
    return body;
  }

  async #send({ status, type, body, headers }: HttpResponse, isHead: boolean): Promise<void> {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const fields: Record<string, string> = {
      "Content-Type": type,
      ...bytes instanceof Uint8Array && { "Content-Length": String(bytes.length) },
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      Date: new Date(this.#options.clock.wallMs()).toUTCString(),
      Connection: "close",
      ...headers,
    };
    await this.#write(new TextEncoder().encode(formatResponseHead(status, fields)));
    if (isHead || bytes === null) return;
    if (bytes instanceof Uint8Array) return await this.#write(bytes);
    void this.#closeWithPeer();
    for await (const part of bytes) {
      await this.#write(part);
      // The next part comes when something happens.
      this.#deadline?.cancel();
    }
  }

  /** Whoever is sent what happens is known to be gone at once, not when something happens. */
  async #closeWithPeer(): Promise<void> {
    const buffer = new Uint8Array(1024);
    try {
      while (await this.#socket.read(buffer) !== null);
    } catch {
      // It is gone as well.
    }
    this.close();
  }

  /** In pieces: whoever takes none of them in time is cut off, whoever is slow is not. */
  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      this.#within(limits.httpWriteTimeoutMs);
      at += await this.#socket.write(bytes.subarray(at, at + limits.httpWriteBytes));
    }
  }

  /** Closing with bytes unread would reset the connection, and the other side might lose our answer. */
  async #linger(): Promise<void> {
    this.#within(limits.httpLingerMs);
    await this.#socket.closeWrite();
    const buffer = new Uint8Array(1024);
    for (let taken = 0; taken < limits.httpHeadBytesMax;) {
      const count = await this.#socket.read(buffer);
      if (count === null) return;
      taken += count;
    }
  }
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}
