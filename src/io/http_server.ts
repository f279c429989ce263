/**
 * A small HTTP/1.1 server for those who look at the agent: GET and HEAD without bodies, one request a connection.
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
import { formatResponseHead, headEnd, parseRequestHead } from "./http_head.ts";
import { transportError } from "./io_errors.ts";

export interface HttpServerOptions {
  readonly clock: Clock;
  /** Address or name to listen on. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly handle: HttpHandler;
  /** What the handler threw. */
  readonly onProblem: (error: unknown) => void;
  /** The listener ended by itself. */
  readonly onGone: (error: Error) => void;
}

export class HttpServer implements Closer {
  readonly #options: HttpServerOptions;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<HttpConnection>();
  readonly #pauses = new Set<Timer>();
  #isClosed = false;

  /** Listens at once. Throws TransportError with the errno's name, such as `EADDRINUSE`. */
  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { host, port } = options;
    try {
      this.#listener = Deno.listen({ hostname: host, port, transport: "tcp" });
    } catch (error) {
      throw transportError(`Cannot listen on ${formatHostPort(host, port)}`, error);
    }
    void this.#accept();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const pause of this.#pauses) pause.cancel();
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
  }

  async #accept(): Promise<void> {
    for (let failures = 0; !this.#isClosed;) {
      try {
        this.#take(await this.#listener.accept());
        failures = 0;
      } catch (error) {
        if (this.#isClosed) return;
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

  #take(socket: Deno.TcpConn): void {
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

class HttpConnection {
  readonly #socket: Deno.TcpConn;
  readonly #options: HttpServerOptions;
  readonly #gone = new AbortController();
  #deadline: Timer | null = null;
  /** It has asked for nothing yet, or has been answered. */
  isIdle = true;
  isClosed = false;

  constructor(socket: Deno.TcpConn, options: HttpServerOptions) {
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
      const head = await this.#readHead();
      if (head === null) return;
      this.isIdle = false;
      await this.#respond(head);
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

  /** Null when the other side ends before it has asked. */
  async #readHead(): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(limits.httpHeadBytesMax);
    for (let length = 0; length < buffer.length;) {
      const count = await this.#socket.read(buffer.subarray(length));
      if (count === null) return null;
      length += count;
      const end = headEnd(buffer.subarray(0, length));
      if (end !== null) return buffer.subarray(0, end);
    }
    return buffer;
  }

  async #respond(bytes: Uint8Array): Promise<void> {
    const head = headEnd(bytes) === null ? null : parseRequestHead(bytes);
    if (head === null) {
      const isLong = bytes.length >= limits.httpHeadBytesMax;
      return this.#send(
        isLong ? textResponse(431, "Request too long") : textResponse(400, "Bad request"),
        false,
      );
    }
    const { method, path, query, headers } = head;
    const isHead = method === "HEAD";
    this.#within(limits.httpHandlerTimeoutMs);
    const peer = canonicalAddress((this.#socket.remoteAddr as Deno.NetAddr).hostname);
    const request = { method, path, query, headers, peer, signal: this.#gone.signal };
    let response: HttpResponse;
    try {
      response = await this.#options.handle(request);
    } catch (error) {
      this.#options.onProblem(error);
      response = textResponse(500, "Internal error");
    }
    await this.#send(response, isHead);
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
    for await (const part of bytes) await this.#write(part);
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

function closeQuietly(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}
