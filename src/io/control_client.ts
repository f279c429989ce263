/**
 * Asks a running agent on its control socket: HTTP/1.1 as our own server speaks it, one request a connection, the
 * answer ends with the connection. Bounded in bytes and, but for what streams, in time.
 */
import { limits } from "../base/limits.ts";
import { ProtocolError, TimeoutError, TransportError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { errnoOf } from "./io_errors.ts";
import { headEnd } from "./http_head.ts";

export interface ControlRequest {
  readonly clock: Clock;
  /** Path of the socket. */
  readonly socket: string;
  readonly method: "GET" | "POST" | "PUT";
  /** `/v1/status` */
  readonly path: string;
  readonly body?: string;
}

export interface ControlAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * The whole answer. Throws TransportError with the errno's name (`ENOENT`, `ECONNREFUSED`, `EACCES` …; `closed` for an
 * answer that breaks off), TimeoutError `control`, ProtocolError `control`.
 */
export async function askAgent(request: ControlRequest): Promise<ControlAnswer> {
  const { clock, socket: path } = request;
  const socket = await open(request);
  const state = { late: false };
  const timer = clock.setTimer(limits.controlAnswerTimeoutMs, () => {
    state.late = true;
    closeQuietly(socket);
  });
  try {
    const answer = new AnswerReader(socket, path);
    const { status, length } = await answer.head();
    const bytes = await answer.rest();
    if (length !== null && bytes.length < length) throw brokenOff(path);
    return { status, text: new TextDecoder().decode(bytes) };
  } catch (error) {
    if (!state.late) throw error;
    throw new TimeoutError("control", `No answer on ${path} within ${limits.controlAnswerTimeoutMs} ms`);
  } finally {
    timer.cancel();
    closeQuietly(socket);
  }
}

/** The lines of an answer as they come, empty ones left out. Another status than 200 gives one line, the answer. */
export async function* followAgent(request: ControlRequest): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let begun = "";
  for await (const { part } of streamAgent(request)) {
    const lines = (begun + decoder.decode(part, { stream: true })).split("\n");
    begun = lines.pop() ?? "";
    if (begun.length > limits.httpWriteBytes) throw badAnswer(request.socket, "a line without end");
    for (const line of lines) if (line !== "") yield line;
  }
}

export interface AnswerPart {
  readonly status: number;
  readonly part: Uint8Array;
}

/** The bytes of an answer as they come, until its end or `signal`; the first part may be empty. */
export async function* streamAgent(
  request: ControlRequest,
  signal?: AbortSignal,
): AsyncGenerator<AnswerPart> {
  const socket = await open(request);
  const leave = () => closeQuietly(socket);
  signal?.addEventListener("abort", leave, { once: true });
  try {
    const answer = new AnswerReader(socket, request.socket);
    const { status } = await answer.head();
    for await (const part of answer.parts()) yield { status, part };
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  } finally {
    signal?.removeEventListener("abort", leave);
    closeQuietly(socket);
  }
}

async function open(
  { socket: path, method, path: target, body = "" }: ControlRequest,
): Promise<Deno.UnixConn> {
  let socket: Deno.UnixConn;
  try {
    socket = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    const code = errnoOf(error);
    throw new TransportError(code, `Cannot ask the agent on ${path}: ${reasonOf(code)}`, { cause: error });
  }
  const content = new TextEncoder().encode(body);
  const fields = `Host: localhost\r\nContent-Length: ${content.length}\r\nConnection: close\r\n`;
  const head = new TextEncoder().encode(`${method} ${target} HTTP/1.1\r\n${fields}\r\n`);
  try {
    await writeAll(socket, head);
    await writeAll(socket, content);
    return socket;
  } catch {
    // It may have answered all the same, and told why it takes no more.
    return socket;
  }
}

function reasonOf(code: string): string {
  if (code === "ENOENT") return "ENOENT (there is no such socket)";
  if (code === "ECONNREFUSED") return "ECONNREFUSED (nobody answers)";
  if (code === "EACCES" || code === "EPERM") {
    return `${code} (permission denied: it takes root, or a member of the socket's group)`;
  }
  return code;
}

async function writeAll(socket: Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}

function closeQuietly(socket: Deno.UnixConn): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}

function brokenOff(path: string): TransportError {
  return new TransportError("closed", `The agent on ${path} went away while it answered`);
}

function badAnswer(path: string, what: string): ProtocolError {
  return new ProtocolError("control", `Whoever answers on ${path} is no agent: ${what}`);
}

class AnswerReader {
  readonly #socket: Deno.UnixConn;
  readonly #path: string;
  /** What came with the head. */
  #begun: Uint8Array = new Uint8Array();

  constructor(socket: Deno.UnixConn, path: string) {
    this.#socket = socket;
    this.#path = path;
  }

  /** `length` is what Content-Length says, null without. */
  async head(): Promise<{ status: number; length: number | null }> {
    const buffer = new Uint8Array(limits.httpHeadBytesMax);
    for (let length = 0; length < buffer.length;) {
      const count = await this.#read(buffer.subarray(length));
      if (count === null) throw brokenOff(this.#path);
      length += count;
      const end = headEnd(buffer.subarray(0, length));
      if (end === null) continue;
      this.#begun = buffer.slice(end, length);
      const text = new TextDecoder().decode(buffer.subarray(0, end));
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
      if (status === undefined) break;
      const field = /\r\ncontent-length: *(\d+)\r\n/i.exec(text)?.[1];
      return { status: Number(status), length: field === undefined ? null : Number(field) };
    }
    throw badAnswer(this.#path, "its answer is no HTTP");
  }

  async *parts(): AsyncGenerator<Uint8Array> {
    yield this.#begun;
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await this.#read(buffer); count !== null; count = await this.#read(buffer)) {
      yield buffer.slice(0, count);
    }
  }

  async rest(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of this.parts()) {
      parts.push(part);
      length += part.length;
      if (length > limits.controlAnswerBytesMax) throw badAnswer(this.#path, "its answer has no end");
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#socket.read(buffer);
    } catch (error) {
      const code = errnoOf(error);
      // A reset is an end too, if not a polite one.
      if (code === "ECONNRESET" || code === "EPIPE") return null;
      throw new TransportError(code, `Cannot read from ${this.#path}: ${code}`, { cause: error });
    }
  }
}
