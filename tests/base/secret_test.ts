import { inspect } from "node:util";
import { assert, assertEquals } from "../assert.ts";
import { Secret } from "../../src/base/secret.ts";

Deno.test("a secret shows itself nowhere but in reveal()", () => {
  const secret = new Secret("hush");
  const texts = [
    String(secret),
    `${secret}`,
    secret + "",
    JSON.stringify({ secret }),
    Deno.inspect({ deep: { secret } }, { depth: 9, showHidden: true }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    JSON.stringify(structuredClone({ ...secret })),
    Object.keys(secret).join(),
    new Error("x", { cause: secret }).message,
  ];
  for (const text of texts) assert(!text.includes("hush"), text);
  assertEquals(JSON.stringify({ secret }), '{"secret":"[secret]"}');
  assertEquals(secret.reveal(), "hush");
});

Deno.test("secrets are compared by value", () => {
  assert(new Secret("a").equals(new Secret("a")));
  assert(!new Secret("a").equals(new Secret("b")));
});
