import { assert, assertEquals } from "../assert.ts";
import {
  AgentError,
  ConfigError,
  errorCode,
  errorText,
  KernelError,
  NvmeStatusError,
  ProtocolError,
  TimeoutError,
  TransportError,
} from "../../src/base/errors.ts";

Deno.test("every error of ours has its class name, its code and its fields", () => {
  const cause = new Error("Inner");
  const rows: [AgentError, name: string][] = [
    [new ConfigError("yaml", "Text", { line: 3 }, { cause }), "ConfigError"],
    [new TransportError("ECONNREFUSED", "Text", { cause }), "TransportError"],
    [new ProtocolError("length", "Text", { fes: 1, fei: 4, cause }), "ProtocolError"],
    [new NvmeStatusError("invalid-host", "Text", { status: 0x184, dnr: true, crd: 1 }), "NvmeStatusError"],
    [new KernelError("EALREADY", "Text", { cause }), "KernelError"],
    [new TimeoutError("dial", "Text", { cause }), "TimeoutError"],
  ];
  for (const [error, name] of rows) {
    assert(error instanceof AgentError && error instanceof Error);
    assertEquals([error.name, error.message], [name, "Text"]);
    if (name !== "NvmeStatusError") assert(error.cause === cause, name);
  }
  const protocol = rows[2]?.[0] as ProtocolError;
  assertEquals([protocol.fes, protocol.fei], [1, 4]);
  assertEquals(new ProtocolError("x", "X").fes, 0);
  const status = rows[3]?.[0] as NvmeStatusError;
  assertEquals([status.status, status.dnr, status.crd], [0x184, true, 1]);
});

Deno.test("errorText() joins the causes once, outermost first, and ends on circles", () => {
  const inner = new TransportError("ECONNREFUSED", "Connection refused");
  assertEquals(errorText(new Error("Cannot dial", { cause: inner })), "Cannot dial: Connection refused");
  assertEquals(
    errorText(new Error("Cannot dial: Connection refused", { cause: inner })),
    "Cannot dial: Connection refused",
  );
  assertEquals(errorText("text"), "text");
  assertEquals(errorText(undefined), "undefined");
  const runtime = new Error("Connection refused (os error 111)");
  assertEquals(
    errorText(new KernelError("ECONNREFUSED", "Cannot connect", { cause: runtime })),
    "Cannot connect",
  );
  const circle = new KernelError("x", "Round");
  circle.cause = circle;
  assertEquals(errorText(circle), "Round");
  const deep = ["e", "d", "c", "b", "a"].reduce<Error | undefined>(
    (cause, text) => new KernelError("x", text, { cause }),
    undefined,
  );
  assertEquals(errorText(deep), "a: b: c: d");
});

Deno.test("errorCode() answers our code, the system's, or a name", () => {
  assertEquals(errorCode(new KernelError("EBUSY", "Busy")), "EBUSY");
  assertEquals(errorCode(Object.assign(new Error("x"), { code: "ENOENT" })), "ENOENT");
  assertEquals(errorCode(new TypeError("x")), "TypeError");
  assertEquals(errorCode("x"), "unknown");
});
