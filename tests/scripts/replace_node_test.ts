import {
  createRequire,
  EventEmitter,
  fs,
  stripVTControlCharacters,
} from "../../scripts/executable/node_parts.js";
import { replaceNodeImports } from "../../scripts/executable/replace_node.ts";
import { assertEquals, assertThrows } from "../assert.ts";

Deno.test("replaceNodeImports() takes default and named imports from node_parts.js", () => {
  assertEquals(
    replaceNodeImports(
      'import{EventEmitter as W}from"node:events";import H from"node:child_process";var a=1;import x from"./y.js";',
    ),
    'import{EventEmitter as W}from"./node_parts.js";import{childProcess as H}from"./node_parts.js";var a=1;' +
      'import x from"./y.js";',
  );
});

Deno.test("replaceNodeImports() stops at what is not there", () => {
  for (
    const bundle of [
      'import{once}from"node:events";',
      'import a from"node:net";',
      'import*as a from"node:fs";',
      'const a=await import("node:fs");',
      'import "node:fs";',
    ]
  ) assertThrows(() => replaceNodeImports(bundle), Error);
});

Deno.test("what a CommonJS library asks for is what it may find missing, or an error", () => {
  const bundle = 'import{createRequire as r}from"node:module";var g=r(import.meta.url);g("node:process");';
  assertEquals(replaceNodeImports(bundle), bundle.replace("node:module", "./node_parts.js"));
  const require = createRequire();
  assertEquals([require("node:process"), require("node:buffer")], [{ env: {} }, {}]);
  assertThrows(() => require("node:fs"), Error);
});

Deno.test("EventEmitter calls listeners in their order, with their emitter, and counts them", () => {
  const emitter = new EventEmitter();
  const heard: unknown[] = [];
  emitter.on("a", function (this: unknown, value: number) {
    heard.push(this === emitter, value);
  }).on("a", () => heard.push("second"));
  assertEquals([emitter.emit("a", 1), emitter.emit("b"), heard], [true, false, [true, 1, "second"]]);
  assertEquals([emitter.listenerCount("a"), emitter.listenerCount("b")], [2, 0]);
});

Deno.test("stripVTControlCharacters() leaves the text, and a module that is not there says so", () => {
  assertEquals(stripVTControlCharacters("\x1b[1;31mred\x1b[0m"), "red");
  assertThrows(() => (fs as unknown as { existsSync: unknown }).existsSync, Error);
});
