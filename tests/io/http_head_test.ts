import { formatResponseHead, headEnd, parseRequestHead } from "../../src/io/http_head.ts";
import { assert, assertEquals } from "../assert.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

Deno.test("headEnd() finds the empty line, at whatever byte the rest is cut", () => {
  const text = "GET / HTTP/1.1\r\nA: b\r\n\r\nmore";
  const end = text.indexOf("more");
  for (let length = 0; length <= text.length; length++) {
    assertEquals(headEnd(bytesOf(text.slice(0, length))), length < end ? null : end);
  }
});

Deno.test("parseRequestHead() gives method, path, query and fields", () => {
  const head = parseRequestHead(
    bytesOf(
      "GET /a%20b?c=d&e=%20?f HTTP/1.1\r\nHost:x\r\nACCEPT: \t a ;q=1 \t\r\naccept: b\r\nEmpty:\r\n\r\n",
    ),
  );
  assert(head !== null);
  assertEquals([head.method, head.path], ["GET", "/a%20b"]);
  assertEquals([...head.query], [["c", "d"], ["e", " ?f"]]);
  assertEquals([...head.headers], [["host", "x"], ["accept", "a ;q=1, b"], ["empty", ""]]);
});

const targets: readonly [target: string, path: string][] = [
  ["/", "/"],
  ["http://localhost:6060/metrics?x", "/metrics"],
  ["http://localhost:6060", "/"],
  ["http://localhost?x", "/"],
  ["*", "*"],
  ["/a#b", "/a"],
];

Deno.test("parseRequestHead() takes every form of target", () => {
  for (const [target, path] of targets) {
    assertEquals(parseRequestHead(bytesOf(`GET ${target} HTTP/1.0\r\n\r\n`))?.path, path, target);
  }
});

Deno.test("parseRequestHead() refuses what is not well formed, and ends on any bytes", () => {
  const bad = ["", "GET", "GET / HTTP/1.1\r\nA b", "G / HTTP/1.2", "GET  / HTTP/1.1", "GET /\xff HTTP/1.1"];
  for (const text of bad) assertEquals(parseRequestHead(bytesOf(`${text}\r\n\r\n`)), null, text);
  for (let seed = 0; seed < 500; seed++) {
    const bytes = Uint8Array.from({ length: 64 }, (_, at) => (seed * 7919 + at * at * 104_729) % 251);
    assert(parseRequestHead(bytes) === null || bytes.length > 0);
  }
});

Deno.test("formatResponseHead() lets no value add a line", () => {
  assertEquals(
    formatResponseHead(200, { "X-A": "a\r\nSet-Cookie: b" }),
    "HTTP/1.1 200 OK\r\nX-A: a  Set-Cookie: b\r\n\r\n",
  );
  assert(formatResponseHead(299, {}).startsWith("HTTP/1.1 299 Other\r\n"));
});
