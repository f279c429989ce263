/** A discovery target in a thread of its own: what it does delays nothing that the bench itself has to do meanwhile. */
/// <reference lib="deno.worker" />
import { FabricServer } from "../fabric/tcp_server.ts";
import { buildFabric } from "./process_bench.ts";

new FabricServer(buildFabric(1));
self.postMessage("listens");
