/** Entries from the options of a command line, checked by the rules that entry files have. */
import { canonicalAddress, isHostName, isIpAddress, parsePort, splitHostPort } from "../base/address.ts";
import { quoteText } from "../base/quote.ts";
import type { Entry } from "../model/entry.ts";
import { formatHostId, nqnProblem, parseHostId } from "../nvme/nqn.ts";
import { discoveryPort } from "../nvme/spec.ts";
import { type OptionValues, UsageError } from "./command.ts";

export interface Address {
  /** Canonical IP address, or a host name in lower case. */
  readonly host: string;
  readonly port: number;
}

/**
 * `10.0.0.1`, `node1:8009`, `[fe80::1%eth0]:8009`; `portText` is what another option says, `standardPort` counts
 * without either. Throws UsageError.
 */
export function parseAddress(
  text: string,
  option: string,
  portText?: string,
  standardPort = discoveryPort,
): Address {
  const split = splitHostPort(text);
  if (split === null || !(isIpAddress(split.host) || isHostName(split.host))) {
    const expected =
      "an IP address or host name, with or without a port, such as 10.0.0.1:8009 or [fe80::1]:8009";
    throw new UsageError(`Cannot use ${option} ${quoteText(text)}: expected ${expected}`);
  }
  const ports = [split.port, portText].filter((port) => port !== undefined).map((port) => {
    const number = parsePort(port);
    if (number === undefined) {
      throw new UsageError(
        `Cannot use port ${quoteText(port)} for ${quoteText(split.host)}: expected a number from 1 to 65535`,
      );
    }
    return number;
  });
  if (new Set(ports).size > 1) {
    throw new UsageError(`Cannot use two ports for ${split.host}: ${ports.join(" and ")}`);
  }
  return { host: canonicalAddress(split.host), port: ports[0] ?? standardPort };
}

/** Throws UsageError when the option holds no NQN. */
export function parseNqn(options: OptionValues, long: string): string {
  const text = options.given(long);
  const problem = nqnProblem(text);
  if (problem !== null) throw new UsageError(`Cannot use --${long} ${quoteText(text)}: ${problem}`);
  return text;
}

/** UUID text in lower case; undefined when it is not given. Throws UsageError. */
export function parseHostIdOption(options: OptionValues): string | undefined {
  const text = options.text("hostid");
  if (text === undefined) return undefined;
  const bytes = parseHostId(text);
  if (bytes === null) {
    throw new UsageError(`Cannot use --hostid ${quoteText(text)}: expected a UUID that is not all zero`);
  }
  return formatHostId(bytes);
}

/** Throws UsageError for another transport than tcp. */
export function checkTransport(options: OptionValues): void {
  const text = options.text("transport") ?? "tcp";
  if (text !== "tcp") throw new UsageError(`Cannot use --transport ${quoteText(text)}: expected tcp`);
}

/** One entry an address of `-a`, all of one cluster; equal addresses once. Throws UsageError. */
export function parseEntries(options: OptionValues): Omit<Entry, "origin">[] {
  const hostid = parseHostIdOption(options);
  const cluster = { subsysnqn: parseNqn(options, "nqn"), hostnqn: parseNqn(options, "hostnqn") };
  const addresses = new Map<string, Address>();
  for (const text of options.list("addresses")) {
    const address = parseAddress(text, "--addresses");
    addresses.set(`${address.host} ${address.port}`, address);
  }
  if (addresses.size === 0) throw new UsageError("Cannot use --addresses: it names none");
  return [...addresses.values()].map(({ host, port }) => ({
    cluster,
    transport: "tcp",
    traddr: host,
    trsvcid: port,
    ...(hostid === undefined ? {} : { hostid }),
    persistent: false,
    options: {},
  }));
}
