import "./loaded_libc.ts";
import { KernelError } from "../../src/base/errors.ts";
import { echoOf, routeTo, tcpTermsWith } from "../../src/io/network_way.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../assert.ts";

Deno.test("routeTo() tells the address that packets leave by, and the largest of them", () => {
  const { sourceAddress, mtuBytes } = routeTo({ traddr: "127.0.0.1" });
  assertEquals(sourceAddress, "127.0.0.1");
  assert(mtuBytes !== null && mtuBytes > 1_000, `${mtuBytes}`);
  assertEquals(routeTo({ traddr: "127.0.0.1", hostTraddr: "127.0.0.9" }).sourceAddress, "127.0.0.9");
});

Deno.test("routeTo() refuses a source that this host does not have, an interface that is not there, a name", () => {
  // TEST-NET-1 (RFC 5737).
  const foreign = assertThrows(() => routeTo({ traddr: "127.0.0.1", hostTraddr: "192.0.2.77" }), KernelError);
  assertEquals(foreign.code, "EADDRNOTAVAIL");
  const scoped = assertThrows(() => routeTo({ traddr: "fe80::1%nowhere0" }), KernelError);
  assertEquals(scoped.code, "ENODEV");
  assertEquals(assertThrows(() => routeTo({ traddr: "node1" }), KernelError).code, "EINVAL");
});

Deno.test("tcpTermsWith() reads what both sides agreed on, and is null at a closed port", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const terms = await tcpTermsWith({ traddr: "127.0.0.1" }, port, 5_000);
  listener.close();
  assert(terms !== null);
  assert(terms.sendBytesMax > 500 && terms.receiveBytesMax > 500, JSON.stringify(terms));
  assert(terms.pathMtuBytes >= terms.sendBytesMax && terms.roundTripMs >= 0, JSON.stringify(terms));
  // Nobody is given port 1 by chance: the one just closed may be somebody else's by now.
  assertEquals(await tcpTermsWith({ traddr: "127.9.8.7" }, 1, 5_000), null);
});

Deno.test("echoOf() hears loopback, or may not ask it; what is larger than the interface bears is told", async () => {
  const small = await echoOf({ traddr: "127.0.0.1" }, 128, 5_000);
  assert(small === "back" || small === "forbidden", small);
  if (small === "forbidden") return;
  assertEquals(await echoOf({ traddr: "127.0.0.1" }, 9_000, 5_000), "back");
  const { mtuBytes } = routeTo({ traddr: "127.0.0.1" });
  assert(mtuBytes !== null && mtuBytes < 65_536, `${mtuBytes}`);
  const huge = await echoOf({ traddr: "127.0.0.1" }, 65_536, 5_000);
  assertEquals(huge, "too-large");
});

Deno.test("echoOf() refuses what is no address", async () => {
  assertEquals((await assertRejects(() => echoOf({ traddr: "node1" }, 64, 10), KernelError)).code, "EINVAL");
});
