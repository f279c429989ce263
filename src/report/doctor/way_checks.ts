/**
 * What `doctor` says of the way to one address: whether packets as large as this host sends get there. Where a switch or
 * the other side takes smaller ones only, sessions come up and hang at the first large answer or write.
 */
import type { Finding } from "./finding.ts";

export interface WayReading {
  /** IP address of the other side. */
  readonly address: string;
  readonly sourceAddress: string;
  /** Where that address is; null where it cannot be told. */
  readonly interfaceName: string | null;
  readonly interfaceMtuBytes: number | null;
  /** Largest packet that the kernel sends there whole. */
  readonly routeMtuBytes: number | null;
  /** Of a connection to it; null when none came about. */
  readonly tcp: TcpReading | null;
  /** Null when none was sent. */
  readonly echo: EchoReading | null;
}

export interface TcpReading {
  /** Largest segments in either direction, bytes. */
  readonly sendBytesMax: number;
  readonly receiveBytesMax: number;
  readonly roundTripMs: number;
}

/** What came of an ICMP echo of the smallest and one of the largest size that the route has. */
export interface EchoReading {
  readonly packetBytes: number;
  readonly small: EchoResult;
  readonly large: EchoResult;
}

export type EchoResult = "back" | "lost" | "too-large" | "forbidden";

/** Headers of IPv6 and TCP with options: a segment and these are a packet. */
const headerBytesMax = 40 + 20 + 40;

export function checkWay(reading: WayReading): Finding {
  const { address, interfaceName, interfaceMtuBytes, routeMtuBytes, tcp, echo } = reading;
  const base = { group: "network", check: `way to ${address}` } as const;
  const name = interfaceName ?? "the interface";
  // Loopback loses nothing, and its terms are those of no wire; an address of our own is reached that way too.
  if (interfaceName === "lo" || reading.sourceAddress === address) {
    return { ...base, verdict: "ok", message: "Within this host" };
  }
  if (isBlackHole(echo)) {
    const isHit = tcp === null || tcp.sendBytesMax + headerBytesMax >= echo.packetBytes;
    const seen = `Packets of ${echo.packetBytes} bytes do not get there and back, small ones do`;
    return {
      ...base,
      verdict: isHit ? "failure" : "warning",
      message: isHit
        ? `${seen}: whatever is large hangs, a log or I/O, though connections come up (${wayText(reading)})`
        : `${seen}; TCP gets by, since the other side asked for ${tcp!.sendBytesMax} bytes (${
          wayText(reading)
        })`,
      advice: `Have one MTU on all of the way: switches, bonds, VLANs and the target as ${name} (${
        interfaceMtuBytes ?? routeMtuBytes ?? "?"
      }); until then: ip link set ${interfaceName ?? "NAME"} mtu 1500`,
    };
  }
  if (tcp !== null && tcp.sendBytesMax + headerBytesMax < tcp.receiveBytesMax) {
    return {
      ...base,
      verdict: "warning",
      message:
        `The other side takes ${tcp.sendBytesMax} bytes a segment, this host ${tcp.receiveBytesMax}: its MTU, ` +
        `or one on the way, is smaller (${wayText(reading)})`,
      advice: `Have the same MTU there, or the smaller one on ${name}: large packets are for nothing so`,
    };
  }
  return { ...base, verdict: "ok", message: wayText(reading) };
}

function isBlackHole(echo: EchoReading | null): echo is EchoReading {
  return echo !== null && echo.small === "back" && (echo.large === "lost" || echo.large === "too-large");
}

/** "from 10.0.0.9 on eth1, MTU 9000, round trip 0.2 ms, segments of 8948, echoes of 9000 bytes come back" */
function wayText(
  { sourceAddress, interfaceName, interfaceMtuBytes, routeMtuBytes, tcp, echo }: WayReading,
): string {
  const mtu = interfaceMtuBytes === null ? "" : `, MTU ${interfaceMtuBytes}`;
  const route = routeMtuBytes === null || routeMtuBytes === interfaceMtuBytes
    ? ""
    : ` (${routeMtuBytes} that way)`;
  return [
    `from ${sourceAddress}${interfaceName === null ? "" : ` on ${interfaceName}`}${mtu}${route}`,
    ...tcp === null
      ? []
      : [`segments of ${tcp.sendBytesMax}`, `round trip ${roundTripText(tcp.roundTripMs)}`],
    ...echo === null ? [] : [echoText(echo)],
  ].join(", ");
}

function roundTripText(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function echoText({ packetBytes, small, large }: EchoReading): string {
  if (small === "forbidden") return "sending echoes is for root here (net.ipv4.ping_group_range)";
  if (large === "back") return `echoes of ${packetBytes} bytes come back`;
  return small === "back" ? `echoes of ${packetBytes} bytes are lost` : "echoes are not answered";
}
