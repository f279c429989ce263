import { assert } from "../assert.ts";
import { Secret } from "../../src/base/secret.ts";
import { type ConnectOptions, sameConnectOptions } from "../../src/model/connect_options.ts";

Deno.test("sameConnectOptions() compares by value, secrets too", () => {
  const same: [ConnectOptions, ConnectOptions][] = [
    [{}, {}],
    [{}, { ctrlLossTmo: undefined }],
    [{ ctrlLossTmo: 5, tls: true }, { tls: true, ctrlLossTmo: 5 }],
    [{ dhchapSecret: new Secret("a") }, { dhchapSecret: new Secret("a") }],
  ];
  const different: [ConnectOptions, ConnectOptions][] = [
    [{}, { ctrlLossTmo: 0 }],
    [{ hostTraddr: "a" }, { hostTraddr: "b" }],
    [{ hostTraddr: "a" }, { hostIface: "a" }],
    [{ dhchapSecret: new Secret("a") }, { dhchapSecret: new Secret("b") }],
    [{ dhchapSecret: new Secret("a") }, {}],
  ];
  for (const [a, b] of same) {
    assert(sameConnectOptions(a, b) && sameConnectOptions(b, a), JSON.stringify([a, b]));
  }
  for (const [a, b] of different) {
    assert(!sameConnectOptions(a, b) && !sameConnectOptions(b, a), JSON.stringify([a, b]));
  }
});
