import { assertEquals } from "../assert.ts";
import { sessionKatoMs } from "../../src/config/session_kato.ts";

Deno.test("sessionKatoMs() is what is asked for, and never none", () => {
  assertEquals([1, 10, 30, 0].map(sessionKatoMs), [1_000, 10_000, 30_000, 10_000]);
});
