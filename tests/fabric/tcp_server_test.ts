/** The fabric on real loopback sockets, ports given by the system: short, and bounded by answers, not by time. */
import { encodeIdentifyController } from "../../src/nvme/command.ts";
import { Framer } from "../../src/nvme/framer.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { Fabric } from "./fabric.ts";
import { FabricServer } from "./tcp_server.ts";

const icReq = encodePdu({ kind: "icReq", hpda: 0, digests: { header: false, data: false }, maxr2t: 0 });

const identify = encodePdu({
  kind: "capsuleCmd",
  sqe: encodeIdentifyController({ cid: 1 }),
  data: new Uint8Array(0),
});

/** The next PDU, or null at the end. */
async function readPdu(socket: Deno.TcpConn, framer = new Framer("host", 65_536)): Promise<Pdu | null> {
  const buffer = new Uint8Array(4096);
  for (;;) {
    const frame = framer.next();
    if (frame !== null) return decodePdu(frame);
    const count = await socket.read(buffer);
    if (count === null) return null;
    framer.push(buffer.subarray(0, count));
  }
}

function dial(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

Deno.test("FabricServer serves nodes, follows them down and up, and swallows them when told", async () => {
  const fabric = Fabric.build({
    nodes: 2,
    subsystems: 1,
    traddr: () => "127.0.0.1",
    discoveryPort: 0,
    ioPort: 0,
  });
  const server = new FabricServer(fabric);
  try {
    const { discovery, io } = fabric.node("n1");
    const [port, ioPort] = [discovery[0]!.trsvcid, io[0]!.trsvcid];
    assert(port > 0 && ioPort > 0 && port !== ioPort, "The system gave no ports");
    const log = fabric.discoveryLog("n2", "nqn.2014-08.org.nvmexpress:host");
    assertEquals(log.at(-1)?.trsvcid, String(port), "A referral does not tell the real port");

    for (const each of [port, ioPort]) {
      const socket = await dial(each);
      await socket.write(icReq);
      assertEquals((await readPdu(socket))?.kind, "icResp");
      socket.close();
    }

    const held = await dial(port);
    await held.write(icReq);
    assertEquals((await readPdu(held))?.kind, "icResp");
    fabric.setNodeDown("n1");
    assertEquals(await readPdu(held), null);
    held.close();
    await assertRejects(() => dial(port), Deno.errors.ConnectionRefused);
    fabric.setNodeUp("n1");

    const frozen = await dial(port);
    await frozen.write(icReq);
    const framer = new Framer("host", 65_536);
    assertEquals((await readPdu(frozen, framer))?.kind, "icResp");
    assertEquals(server.connectionCount("n1"), 1);
    server.setSwallowed("n1", true);
    await frozen.write(identify);
    let answered = false;
    const answer = readPdu(frozen, framer).finally(() => answered = true);
    const mute = await dial(port);
    const other = await dial(fabric.node("n2").discovery[0]!.trsvcid);
    await other.write(icReq);
    assertEquals((await readPdu(other))?.kind, "icResp");
    assertEquals(server.connectionCount("n1"), 1, "A swallowed node took a connection");
    assert(!answered, "A swallowed node answered");
    server.setSwallowed("n1", false);
    assertEquals(await readPdu(mute), null);
    assertEquals((await answer)?.kind, "capsuleResp");
    mute.close();
    frozen.close();
    const back = await dial(port);
    await back.write(icReq);
    assertEquals((await readPdu(back))?.kind, "icResp");
    back.close();
    other.close();
  } finally {
    await server.close();
  }
  assertEquals(server.connectionCount(), 0);
});
