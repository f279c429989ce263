import { TransportError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { NameResolver } from "../../src/io/name_resolver.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

Deno.test("resolve() asks the system, /etc/hosts included", async () => {
  const addresses = await new NameResolver().resolve("localhost");
  assert(addresses.length > 0 && addresses.every((address) => ["127.0.0.1", "::1"].includes(address)));
});

Deno.test("resolve() gives an address back in its canonical spelling, asking nobody", async () => {
  const resolver = new NameResolver(() => Promise.reject(new Error("Nobody shall be asked")));
  assertEquals(await resolver.resolve("FE80:0:0:0:0:0:0:1%eth0"), ["fe80::1%eth0"]);
});

Deno.test("resolve() gives each address once, canonical, in the system's order", async () => {
  const found = ["10.0.0.2", "0:0::1", "10.0.0.2", "::1", "::ffff:10.0.0.2", "10.0.0.1"];
  const resolver = new NameResolver(() => Promise.resolve(found));
  assertEquals(await resolver.resolve("node1"), ["10.0.0.2", "::1", "10.0.0.1"]);
});

Deno.test("resolve() takes so many addresses and no more", async () => {
  const found = Array.from({ length: 40 }, (_, at) => `10.0.0.${at}`);
  const resolver = new NameResolver(() => Promise.resolve(found));
  assertEquals(await resolver.resolve("node1"), found.slice(0, limits.addressesPerNameMax));
});

Deno.test("resolve() tells a name without addresses and what is no name", async () => {
  const resolver = new NameResolver(() => Promise.resolve([]));
  for (const name of ["node1", "", "a b", "-x", "a\0b", "1.2.3", "x".repeat(300)]) {
    const error = await assertRejects(() => resolver.resolve(name), TransportError, "Cannot resolve");
    assertEquals(error.code, "ENOTFOUND");
  }
});

Deno.test("resolve() runs so many lookups at once, the others in turn, also after failures", async () => {
  const running: PromiseWithResolvers<string[]>[] = [];
  const resolver = new NameResolver(() => {
    const lookup = Promise.withResolvers<string[]>();
    running.push(lookup);
    return lookup.promise;
  });
  const names = Array.from({ length: limits.lookupsInFlightMax + 2 }, (_, at) => `node${at}`);
  const results = names.map((name) => resolver.resolve(name).catch((error) => error.code));
  await Promise.resolve();
  assertEquals(running.length, limits.lookupsInFlightMax);
  running[0]?.reject(new TransportError("EAI_AGAIN", "Cannot resolve node0: EAI_AGAIN"));
  running[1]?.resolve(["10.0.0.1"]);
  assertEquals(await results[0], "EAI_AGAIN");
  assertEquals(await results[1], ["10.0.0.1"]);
  assertEquals(running.length, names.length);
  for (const lookup of running) lookup.resolve(["10.0.0.1"]);
  await Promise.all(results);
});

Deno.test("resolve() of a name that is being looked up waits for that answer, and takes no second place", async () => {
  const lookup = Promise.withResolvers<string[]>();
  let lookups = 0;
  const resolver = new NameResolver(() => {
    lookups++;
    return lookup.promise;
  });
  const both = [resolver.resolve("node1"), resolver.resolve("node1")];
  assertEquals(lookups, 1);
  lookup.resolve(["10.0.0.1"]);
  assertEquals(await Promise.all(both), [["10.0.0.1"], ["10.0.0.1"]]);
  await resolver.resolve("node1");
  assertEquals(lookups, 2, "The next one asks anew");
});
