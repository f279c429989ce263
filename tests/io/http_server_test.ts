import { TransportError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { HttpServer } from "../../src/io/http_server.ts";
import { type HttpHandler, type HttpRequest, textResponse } from "../../src/model/http.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { eventually } from "./eventually.ts";

interface Served {
  readonly server: HttpServer;
  readonly clock: VirtualClock;
  readonly url: string;
  readonly problems: unknown[];
}

/** A server on a port of its own, whose time only the test moves. */
async function withServer(handle: HttpHandler, action: (served: Served) => Promise<void>): Promise<void> {
  const clock = new VirtualClock();
  const problems: unknown[] = [];
  const server = new HttpServer({
    clock,
    host: "127.0.0.1",
    port: 0,
    handle,
    onProblem: (error) => problems.push(error),
    onGone: (error) => problems.push(error),
  });
  try {
    await action({ server, clock, url: `http://127.0.0.1:${server.port}`, problems });
  } finally {
    server.close();
  }
}

/** What comes back on a connection of our own, until the other side ends. */
async function exchange(port: number, text: string): Promise<string> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await socket.write(new TextEncoder().encode(text));
  return await readAll(socket);
}

async function readAll(socket: Deno.TcpConn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(4096);
  for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

Deno.test("HttpServer answers what its handler answers, and tells it what was asked", async () => {
  const asked: HttpRequest[] = [];
  const handle = (request: HttpRequest) => {
    asked.push(request);
    return textResponse(200, "well", { "X-Own": "a\r\nb" });
  };
  await withServer(handle, async ({ url }) => {
    const response = await fetch(`${url}/a/b?c=d&e`, { headers: { Accept: "text/plain" } });
    assertEquals([response.status, await response.text()], [200, "well\n"]);
    assertEquals(response.headers.get("content-type"), "text/plain; charset=utf-8");
    assertEquals(response.headers.get("x-own"), "a  b");
    const [{ method, path, query, headers, peer }] = asked as [HttpRequest];
    assertEquals([method, path, query.get("c"), peer], ["GET", "/a/b", "d", "127.0.0.1"]);
    assertEquals(headers.get("accept"), "text/plain");
  });
});

Deno.test("HttpServer answers HEAD without a body, with the length where it is known", async () => {
  const handle: HttpHandler = ({ path }) =>
    path === "/unknown" ? { status: 200, type: "text/plain", body: null } : textResponse(200, "well");
  await withServer(handle, async ({ server }) => {
    const known = await exchange(server.port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert(known.startsWith("HTTP/1.1 200 OK\r\n"), known);
    assert(known.includes("\r\nContent-Length: 5\r\n") && known.endsWith("\r\n\r\n"), known);
    const unknown = await exchange(server.port, "HEAD /unknown HTTP/1.0\r\n\r\n");
    assert(unknown.startsWith("HTTP/1.1 200 OK\r\n") && !unknown.includes("Content-Length"), unknown);
  });
});

Deno.test("HttpServer sends a sequence as it comes, and large bodies whole", async () => {
  async function* parts() {
    for (const part of ["a", "b", "c"]) yield await Promise.resolve(new TextEncoder().encode(part));
  }
  const large = new Uint8Array(5_000_000).fill(120);
  const handle: HttpHandler = ({ path }) => ({
    status: 200,
    type: "text/plain",
    body: path === "/large" ? large : parts(),
  });
  await withServer(handle, async ({ url }) => {
    assertEquals(await (await fetch(url)).text(), "abc");
    assertEquals((await (await fetch(`${url}/large`)).bytes()).length, large.length);
  });
});

Deno.test("HttpServer refuses what is no request, and one that does not end", async () => {
  await withServer(() => textResponse(200, "well"), async ({ server }) => {
    for (
      const bad of [
        "\r\n\r\n",
        "GET /\r\n\r\n",
        "get / HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nno field\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\n folded\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\r\n\r\n",
      ]
    ) {
      const answer = await exchange(server.port, bad);
      assert(answer.startsWith("HTTP/1.1 400 Bad Request\r\n"), JSON.stringify([bad, answer]));
    }
    const long = await exchange(server.port, `GET /${"a".repeat(limits.httpHeadBytesMax)} HTTP/1.1\r\n\r\n`);
    assert(long.startsWith("HTTP/1.1 431 "), long);
  });
});

Deno.test("HttpServer answers a body that nobody reads without a reset", async () => {
  await withServer(() => textResponse(405, "no"), async ({ server }) => {
    const answer = await exchange(
      server.port,
      `POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n${"a".repeat(5000)}`,
    );
    assert(answer.endsWith("\r\n\r\nno\n"), answer);
  });
});

Deno.test("HttpServer answers 500 for what its handler throws, and tells it", async () => {
  const handle = () => {
    throw new Error("within");
  };
  await withServer(handle, async ({ url, problems }) => {
    const response = await fetch(url);
    assertEquals([response.status, await response.text()], [500, "Internal error\n"]);
    assertEquals(problems.map(String), ["Error: within"]);
  });
});

Deno.test("HttpServer drops a connection that does not ask in time", async () => {
  await withServer(() => textResponse(200, "well"), async ({ server, clock }) => {
    using socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await socket.write(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
    await eventually("connected", () => server.connections === 1);
    await clock.advance(limits.httpRequestTimeoutMs);
    assertEquals(await readAll(socket).catch(() => ""), "");
    await eventually("dropped", () => server.connections === 0);
  });
});

Deno.test("HttpServer drops a connection that does not take its answer, and serves the others meanwhile", async () => {
  const large = new Uint8Array(64_000_000);
  const handle: HttpHandler = ({ path }) =>
    path === "/large" ? { status: 200, type: "x/y", body: large } : textResponse(200, "well");
  await withServer(handle, async ({ server, clock, url }) => {
    using socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await socket.write(new TextEncoder().encode("GET /large HTTP/1.1\r\n\r\n"));
    await eventually("connected", () => server.connections === 1);
    assertEquals(await (await fetch(url)).text(), "well\n");
    await eventually("the other one is gone", () => server.connections === 1);
    // As long as it takes until nothing more fits into the buffers between.
    await eventually("dropped", async () => {
      await clock.advance(limits.httpWriteTimeoutMs);
      return server.connections === 0;
    });
  });
});

Deno.test("HttpServer has the oldest connection give way when there are too many", async () => {
  await withServer(() => textResponse(200, "well"), async ({ server, url }) => {
    const sockets: Deno.TcpConn[] = [];
    try {
      for (let count = 0; count < limits.httpConnectionsMax + 10; count++) {
        sockets.push(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
      }
      assertEquals(await (await fetch(url)).text(), "well\n");
      assert(server.connections <= limits.httpConnectionsMax);
      assertEquals(await readAll(sockets[0]!).catch(() => ""), "");
      assert(server.connections >= limits.httpConnectionsMax - 1);
    } finally {
      for (const socket of sockets) socket.close();
    }
  });
});

Deno.test("HttpServer throws where it cannot listen, and frees its port when closed", async () => {
  await withServer(() => textResponse(200, "well"), async ({ server, clock }) => {
    const options = { clock, host: "127.0.0.1", port: server.port, handle: () => textResponse(200, "") };
    const another = () => new HttpServer({ ...options, onProblem() {}, onGone() {} });
    const { code, message } = assertThrows(another, TransportError);
    assertEquals([code, message.includes(`127.0.0.1:${server.port}`)], ["EADDRINUSE", true]);
    server.close();
    await eventually("freed", () => {
      try {
        another().close();
        return true;
      } catch {
        return false;
      }
    });
  });
});

Deno.test("HttpServer cuts off whoever is being answered when it closes", async () => {
  const { promise: never, resolve } = Promise.withResolvers<void>();
  const asked: HttpRequest[] = [];
  const handle = async (request: HttpRequest) => {
    asked.push(request);
    await never;
    return textResponse(200, "late");
  };
  await withServer(handle, async ({ server, clock }) => {
    const answer = exchange(server.port, "GET / HTTP/1.1\r\n\r\n").catch(() => "");
    await eventually("asked", () => asked.length === 1);
    server.close();
    assertEquals(await answer, "");
    assert(asked[0]?.signal.aborted);
    resolve();
    await eventually("gone", () => server.connections === 0);
    assertEquals(clock.liveTimers(), 0);
  });
});

Deno.test("HttpServer keeps a sequence open that has nothing to send for a while", async () => {
  let send: (part: string) => void = () => {};
  const handle: HttpHandler = () => {
    async function* body() {
      yield new TextEncoder().encode("first ");
      yield new TextEncoder().encode(await new Promise<string>((resolve) => send = resolve));
    }
    return { status: 200, type: "text/plain", body: body() };
  };
  await withServer(handle, async ({ url, clock, problems }) => {
    const response = await fetch(url);
    const reader = response.body!.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "first ");
    await clock.advance(limits.httpWriteTimeoutMs + limits.httpHandlerTimeoutMs);
    send("second");
    assertEquals(new TextDecoder().decode((await reader.read()).value), "second");
    assertEquals([(await reader.read()).done, problems], [true, []]);
  });
});

Deno.test("HttpServer knows at once that whoever was sent a sequence has gone, though it has nothing to send", async () => {
  let isGone = false;
  async function* parts(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("begun");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    isGone = true;
  }
  const handle = ({ signal }: HttpRequest) => ({ status: 200, type: "text/plain", body: parts(signal) });
  await withServer(handle, async ({ server }) => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await socket.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    const buffer = new Uint8Array(4096);
    let text = "";
    while (!text.endsWith("begun")) {
      const count = await socket.read(buffer);
      assert(count !== null, text);
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    assertEquals([isGone, server.connections], [false, 1]);
    socket.close();
    await eventually("the end", () => isGone && server.connections === 0);
  });
});

Deno.test("HttpServer that is retired takes nobody new, and serves on whom it serves, until it is closed", async () => {
  let send = (_text: string) => {};
  async function* parts(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    while (!signal.aborted) {
      yield await new Promise<Uint8Array>((resolve) =>
        send = (text) => resolve(new TextEncoder().encode(text))
      );
    }
  }
  const handle: HttpHandler = ({ signal }) => ({ status: 200, type: "text/plain", body: parts(signal) });
  await withServer(handle, async ({ server }) => {
    const { port } = server;
    using socket = await Deno.connect({ hostname: "127.0.0.1", port });
    await socket.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    const buffer = new Uint8Array(4_096);
    await socket.read(buffer);
    server.retire();
    server.retire();
    await eventually("nobody listens", () =>
      Deno.connect({ hostname: "127.0.0.1", port }).then((other) => {
        other.close();
        return false;
      }, (error) => error instanceof Deno.errors.ConnectionRefused));
    assertEquals(server.connections, 1);
    send("still");
    assertEquals(new TextDecoder().decode(buffer.subarray(0, await socket.read(buffer) ?? 0)), "still");
    server.close();
    assertEquals(await socket.read(buffer).catch(() => null), null);
    assertEquals(server.connections, 0);
  });
});
