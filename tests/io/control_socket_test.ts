import { type AgentError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { askAgent, followAgent } from "../../src/io/control_client.ts";
import { findGroup, openControlSocket } from "../../src/io/control_socket.ts";
import { HttpServer } from "../../src/io/http_server.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { type HttpHandler, type HttpRequest, textResponse } from "../../src/model/http.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";
import { eventually } from "./eventually.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const clock = new RealClock();

async function open(path: string, group = "", problems: Error[] = []): Promise<Deno.UnixListener> {
  const onProblem = (error: Error) => void problems.push(error);
  return await openControlSocket({ clock, path, group, onProblem, onLost: onProblem });
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    return (error as AgentError).code;
  }
  throw new Error("It did not fail");
}

Deno.test("openControlSocket() makes its directory, gives mode 0660 whatever the umask, and removes the file at its end", async () => {
  await withDirectory(async (root) => {
    const path = `${root}/a/b/control.sock`;
    const before = Deno.umask(0);
    try {
      const listener = await open(path, String(Deno.gid()));
      assertEquals(Deno.umask(), 0, "The umask is as it was");
      const { mode, gid } = await Deno.lstat(path);
      assertEquals([mode! & 0o777, gid], [0o660, Deno.gid()]);
      listener.close();
      assertEquals(await codeOf(Deno.lstat(path)), "ENOENT");
    } finally {
      Deno.umask(before);
    }
  });
});

Deno.test("openControlSocket() replaces a socket that nobody answers on, and leaves alone what is none or is in use", async () => {
  await withDirectory(async (root) => {
    const path = `${root}/control.sock`;
    const script = `Deno.listen({ transport: "unix", path: ${
      JSON.stringify(path)
    } }); Deno.kill(Deno.pid, "SIGKILL")`;
    await new Deno.Command(Deno.execPath(), { args: ["eval", script], stderr: "null" }).output();
    assert((await Deno.lstat(path)).isSocket, "Precondition: a dead program has left it");
    const first = await open(path);
    assertEquals(await codeOf(open(path)), "EADDRINUSE");
    first.close();
    await Deno.writeTextFile(path, "precious");
    assertEquals(await codeOf(open(path)), "EEXIST");
    assertEquals(await Deno.readTextFile(path), "precious");
  });
});

Deno.test("openControlSocket() removes its file in the moment of the close, though a client is awaited", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/c.sock`;
    const first = await open(path);
    const waiting = first.accept().then((socket) => socket.close(), () => {});
    first.close();
    assertThrows(() => Deno.lstatSync(path), Deno.errors.NotFound);
    await waiting;
  });
});

for (
  const [what, harm, isLost] of [
    ["is removed", (path: string) => Deno.removeSync(path), true],
    ["is replaced", (path: string) => {
      Deno.removeSync(path);
      Deno.writeTextFileSync(path, "");
    }, true],
    ["gets another mode", (path: string) => Deno.chmodSync(path, 0o600), false],
    ["stays", () => {}, false],
  ] as const
) {
  Deno.test(`openControlSocket() ${isLost ? "tells once" : "says nothing"} when its file ${what}`, async () => {
    await withDirectory(async (root) => {
      const path = `${root}/control.sock`;
      const virtual = new VirtualClock();
      const lost: string[] = [];
      const listener = await openControlSocket({
        ...{ clock: virtual, path, group: "", onProblem: () => {} },
        onLost: (error) => lost.push((error as AgentError).code),
      });
      await virtual.advance(limits.controlFileCheckMs);
      assertEquals(lost, [], "Precondition: it is there");
      harm(path);
      await virtual.advance(limits.controlFileCheckMs - 1);
      assertEquals(lost, [], "It is not looked at all the time");
      await virtual.advance(10 * limits.controlFileCheckMs);
      assertEquals(lost, isLost ? ["lost"] : []);
      listener.close();
      assertEquals(virtual.liveTimers(), 0, "No timer is left");
      assertEquals(
        [...Deno.readDirSync(root)].length,
        what === "is replaced" ? 1 : 0,
        "Only its own file goes",
      );
    });
  });
}

Deno.test("openControlSocket() leaves a socket alone that somebody else made in place of its own", async () => {
  await withDirectory(async (root) => {
    const path = `${root}/control.sock`;
    const first = await open(path);
    await Deno.remove(path);
    const other = Deno.listen({ transport: "unix", path });
    const { ino } = await Deno.lstat(path);
    assertEquals(await codeOf(open(path)), "EADDRINUSE");
    first.close();
    assertEquals((await Deno.lstat(path)).ino, ino, "It is still the other's");
    const accepted = other.accept();
    (await Deno.connect({ transport: "unix", path })).close();
    (await accepted).close();
    other.close();
    (await open(path)).close();
  });
});

Deno.test("openControlSocket() tells a group that is not there, and serves its own user", async () => {
  await withDirectory(async (root) => {
    const problems: Error[] = [];
    const listener = await open(`${root}/control.sock`, "no-such-group", problems);
    assertEquals(problems.map(({ message }) => message), [
      "Cannot find the group no-such-group in /etc/group; a number will do too",
    ]);
    listener.close();
    assertEquals(await codeOf(open("/proc/nothing/control.sock")), "ENOENT");
    assertEquals(await codeOf(open(`${root}/${"x".repeat(200)}`)), "EINVAL");
  });
});

Deno.test("findGroup() reads numbers and the lines of /etc/group", async () => {
  await withDirectory(async (root) => {
    const file = `${root}/group`;
    await Deno.writeTextFile(
      file,
      "root:x:0:\n# a comment\nstorage:x:973:alice,bob\nbad:x:many:\nlast:x:12:",
    );
    const found = ["1234", "storage", "last", "root"].map((name) => findGroup(name, file));
    assertEquals(await Promise.all(found), [1234, 973, 12, 0]);
    for (const name of ["bad", "stor", "alice", ""]) {
      assertEquals(await codeOf(findGroup(name, file)), "no-group");
    }
    assertEquals(await codeOf(findGroup("storage", `${root}/none`)), "no-group");
  });
});

async function withServer(handle: HttpHandler, action: (socket: string) => Promise<void>): Promise<void> {
  await withDirectory(async (root) => {
    const path = `${root}/control.sock`;
    const server = new HttpServer({
      clock,
      socket: await open(path),
      bodyBytesMax: 100,
      handle,
      onProblem: () => {},
      onGone: () => {},
    });
    try {
      await action(path);
    } finally {
      server.close();
    }
  });
}

Deno.test("askAgent() brings a request with its body over, and the answer back", async () => {
  const asked: HttpRequest[] = [];
  const large = "x".repeat(3_000_000);
  const handle: HttpHandler = (request) => {
    asked.push(request);
    return request.path === "/large" ? textResponse(200, large) : textResponse(404, "nothing");
  };
  await withServer(handle, async (socket) => {
    const body = "{}";
    assertEquals(await askAgent({ clock, socket, method: "PUT", path: "/a?b=c", body }), {
      status: 404,
      text: "nothing\n",
    });
    const [{ method, path, query, peer, body: bytes }] = asked as [HttpRequest];
    assertEquals([method, path, query.get("b"), peer], ["PUT", "/a", "c", ""]);
    assertEquals(new TextDecoder().decode(bytes), body);
    const answer = await askAgent({ clock, socket, method: "GET", path: "/large" });
    assertEquals(answer.text.length, large.length + 1);
    const refused = await askAgent({ clock, socket, method: "PUT", path: "/", body: "x".repeat(101) });
    assertEquals([refused.status, refused.text], [413, "More than 100 bytes\n"]);
  });
});

Deno.test("followAgent() gives lines as they come, and ends with the other side", async () => {
  const handle: HttpHandler = () => {
    const encoder = new TextEncoder();
    async function* body() {
      for (const part of ["\n", "one\ntw", "o\n\nthr", "ee\n"]) {
        yield await Promise.resolve(encoder.encode(part));
      }
    }
    return { status: 200, type: "application/x-ndjson", body: body() };
  };
  await withServer(handle, async (socket) => {
    const lines: string[] = [];
    for await (const line of followAgent({ clock, socket, method: "GET", path: "/" })) lines.push(line);
    assertEquals(lines, ["one", "two", "three"]);
  });
});

/** What answers with these bytes, whatever it is asked. */
async function withAnswer(text: string | null, action: (socket: string) => Promise<void>): Promise<void> {
  await withDirectory(async (root) => {
    const path = `${root}/control.sock`;
    const listener = await open(path);
    const serving = (async () => {
      const held: Deno.UnixConn[] = [];
      for await (const connection of listener) {
        if (text === null) held.push(connection);
        else {
          await connection.read(new Uint8Array(4096));
          await connection.write(new TextEncoder().encode(text)).catch(() => {});
          connection.close();
        }
      }
      for (const connection of held) connection.close();
    })();
    try {
      await action(path);
    } finally {
      listener.close();
      await serving;
    }
  });
}

Deno.test("askAgent() says what is wrong with an answer, and waits for none without end", async () => {
  const cases: readonly [text: string, code: string][] = [
    ["", "closed"],
    ["HTTP/1.1 200 OK\r\nContent-", "closed"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "closed"],
    ["garbage\r\n\r\n", "control"],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(limits.httpHeadBytesMax)}`, "control"],
  ];
  for (const [text, code] of cases) {
    await withAnswer(text, async (socket) => {
      assertEquals(
        await codeOf(askAgent({ clock, socket, method: "GET", path: "/" })),
        code,
        text.slice(0, 60),
      );
    });
  }
  await withAnswer(null, async (socket) => {
    const virtual = new VirtualClock();
    const asking = codeOf(askAgent({ clock: virtual, socket, method: "GET", path: "/" }));
    await eventually("it is connected", () => virtual.liveTimers() > 0);
    await await virtual.advance(limits.controlAnswerTimeoutMs);
    assertEquals(await asking, "control");
  });
  const nowhere = { clock, socket: "/nonexistent/x.sock", method: "GET", path: "/" } as const;
  assertEquals(await codeOf(askAgent(nowhere)), "ENOENT");
});
