import { assertEquals, assertThrows } from "../assert.ts";
import { assert, AssertionError, unreachable } from "../../src/base/assert.ts";
import { AgentError } from "../../src/base/errors.ts";

Deno.test("assert() throws on what is falsy, and what it throws is no expected failure", () => {
  for (const value of [true, 1, "x", {}]) assert(value, "Never");
  for (const value of [false, 0, "", null, undefined]) {
    const error = assertThrows(() => assert(value, "Broken"), AssertionError, "Broken");
    assertEquals([error.name, error instanceof AgentError], ["AssertionError", false]);
  }
  assertThrows(() => unreachable("x" as never), AssertionError, '"x"');
});
