/**
 * Guest program: records what a real host and nvmet say to each other in discovery sessions, PDU by PDU, for the
 * goldens of the codecs (tests/golden). A proxy between the kernel's host and the target keeps the bytes.
 *
 *   scripts/kernel-lab --program capture > captures.json    (one line a session)
 */
import { runCommand } from "./command.ts";
import { Fabric } from "./fabric.ts";
import { controllers, deleteAllControllers, kernelLog } from "./initiator.ts";
import { discoveryPort, setUpNetwork } from "./network.ts";
import { formatSeconds, pause, until } from "./poll.ts";
import { sendReport } from "./report.ts";
import { hosts } from "./scenario.ts";

const proxyPort = 9009;

interface CapturedPdu {
  readonly from: "host" | "controller";
  readonly atMs: number;
  readonly about: string;
  readonly hex: string;
}

/** Splits each direction's bytes into PDUs by PLEN (NVMe/TCP 1.0 §3.1) and passes them on unchanged. */
class Recorder {
  readonly pdus: CapturedPdu[] = [];
  readonly #startedMs = performance.now();
  /** Opcode, and Fabrics type, of the commands in flight, by CID. */
  readonly #commands = new Map<number, string>();

  async relay(from: "host" | "controller", source: Deno.Conn, target: Deno.Conn): Promise<void> {
    let rest = new Uint8Array();
    const buffer = new Uint8Array(65_536);
    while (true) {
      const count = await source.read(buffer).catch(() => null);
      if (count === null) break;
      const chunk = buffer.slice(0, count);
      rest = this.#take(from, new Uint8Array([...rest, ...chunk]));
      await new Response(chunk).body?.pipeTo(target.writable, { preventClose: true }).catch(() => {});
    }
    for (const one of [source, target]) {
      try {
        one.close();
      } catch {
        // The other direction has closed it.
      }
    }
  }

  #take(from: "host" | "controller", bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    while (bytes.length >= 8) {
      const length = view(bytes).getUint32(4, true);
      if (length < 8 || bytes.length < length) break;
      const pdu = bytes.slice(0, length);
      const atMs = Math.round(performance.now() - this.#startedMs);
      this.pdus.push({ from, atMs, about: this.#describe(pdu), hex: pdu.toHex() });
      bytes = bytes.slice(length);
    }
    return bytes;
  }

  #describe(pdu: Uint8Array): string {
    const data = view(pdu);
    const flags = data.getUint8(1);
    switch (data.getUint8(0)) {
      case 0x00:
        return `ICReq, digests ${data.getUint8(11)}`;
      case 0x01:
        return `ICResp, digests ${data.getUint8(11)}, MAXH2CDATA ${data.getUint32(12, true)}`;
      case 0x04: {
        const name = commandName(data);
        this.#commands.set(data.getUint16(8 + 2, true), name);
        return `CapsuleCmd: ${name}, CID ${data.getUint16(8 + 2, true)}`;
      }
      case 0x05: {
        const cid = data.getUint16(8 + 12, true);
        const status = data.getUint16(8 + 14, true) >> 1;
        return `CapsuleResp: ${this.#commands.get(cid) ?? "?"}, CID ${cid}, status 0x${
          status.toString(16)
        }, ` +
          `DW0 0x${data.getUint32(8, true).toString(16)}`;
      }
      case 0x07: {
        const cid = data.getUint16(8, true);
        return `C2HData: ${this.#commands.get(cid) ?? "?"}, CID ${cid}, offset ${
          data.getUint32(12, true)
        }, ` +
          `${data.getUint32(16, true)} bytes, flags 0x${flags.toString(16)}`;
      }
      default:
        return `PDU type 0x${data.getUint8(0).toString(16)}`;
    }
  }
}

function commandName(data: DataView): string {
  const opcode = data.getUint8(8);
  const dword = (index: number) => data.getUint32(8 + index * 4, true);
  const names: Record<number, string> = {
    0x02: `Get Log Page 0x${(dword(10) & 0xff).toString(16)}, offset ${dword(12)}, ` +
      `${((dword(10) >>> 16) + 1) * 4} bytes, RAE ${(dword(10) >> 15) & 1}`,
    0x06: `Identify CNS ${dword(10) & 0xff}`,
    0x09: `Set Features 0x${(dword(10) & 0xff).toString(16)} = 0x${dword(11).toString(16)}`,
    0x0a: `Get Features 0x${(dword(10) & 0xff).toString(16)}`,
    0x0c: "Async Event Request",
    0x18: "Keep Alive",
  };
  if (opcode !== 0x7f) return names[opcode] ?? `opcode 0x${opcode.toString(16)}`;
  const offset = data.getUint32(8 + 44, true).toString(16);
  const fabrics: Record<number, string> = {
    0: `Property Set 0x${offset} = 0x${data.getUint32(8 + 48, true).toString(16)}`,
    1: `Connect, KATO ${data.getUint32(8 + 48, true)} ms`,
    4: `Property Get 0x${offset}`,
  };
  return fabrics[data.getUint8(8 + 4)] ?? "Fabrics";
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One recorded session: discovery through the proxy, a change, the log read again, keep-alive, the end. */
async function capture(fabric: Fabric, about: string, extra: readonly string[]): Promise<void> {
  const recorder = new Recorder();
  const address = fabric.address(1);
  const listener = Deno.listen({ hostname: address, port: proxyPort });
  (async () => {
    for await (const host of listener) {
      const target = await Deno.connect({ hostname: address, port: discoveryPort });
      recorder.relay("host", host, target);
      recorder.relay("controller", target, host);
    }
  })();
  const where = [
    "-t",
    "tcp",
    "-a",
    address,
    "-s",
    String(proxyPort),
    "-q",
    hosts[0].hostnqn,
    "-I",
    hosts[0].hostid,
  ];
  await runCommand("nvme", ["discover", ...where, "--persistent", "--keep-alive-tmo=2", ...extra]);
  const device = (await controllers())[0]?.name ?? "";
  const added = await fabric.createSubsystem(`sub${fabric.nqns.length + 1}`);
  await fabric.linkEverywhere(added);
  await until(
    "an event",
    3_000,
    () => recorder.pdus.some((pdu) => pdu.about.includes("DW0 0x70f002")) ? null : "no event yet",
  );
  await runCommand("nvme", ["discover", "-d", device, ...where]);
  // A Keep Alive or two; the host sends one every second.
  await pause(1_500);
  await deleteAllControllers();
  await pause(200);
  listener.close();
  const uname = (await Deno.readTextFile("/proc/sys/kernel/osrelease")).trim();
  const cli = (await runCommand("nvme", ["version"])).stdout.split("\n")[0] ?? "";
  await sendReport({ type: "document", document: { about, kernel: uname, tool: cli, pdus: recorder.pdus } });
}

await setUpNetwork();
const startedMs = performance.now();
try {
  const fabric = await Fabric.build({ subsystems: 2 });
  await capture(fabric, "discovery session of the Linux host with nvmet", []);
  await capture(fabric, "the same with header and data digests", ["--hdr-digest", "--data-digest"]);
} catch (error) {
  await sendReport({
    type: "note",
    text: `${(error as Error).stack}\n${(await kernelLog(0, 20)).join("\n")}`,
  });
}
await sendReport({ type: "note", text: `captured in ${formatSeconds(performance.now() - startedMs)}` });
await sendReport({ type: "end" });
