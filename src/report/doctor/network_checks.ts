/**
 * What `doctor` says of one discovery endpoint and of one path, from how far somebody came who tried: which step failed,
 * what that means, and what to do. The words for each failure are here and nowhere else.
 */
import { formatHostPort } from "../../base/address.ts";
import { errorCode, errorText } from "../../base/errors.ts";
import type { Finding, FindingStep } from "./finding.ts";

/** The way to a discovery log, in its order. */
export const endpointSteps = ["name", "route", "TCP", "ICResp", "Connect", "Identify", "log"] as const;
export type EndpointStep = typeof endpointSteps[number];

export interface Interface {
  readonly name: string;
  readonly mtu: number | null;
}

export interface EndpointExam {
  /** As the file or the referral has it: name or address, and port. */
  readonly label: string;
  /** `discovery.d/cluster:3`, or `referral of 10.0.0.1:8009`. */
  readonly origin: string;
  readonly hostnqn: string;
  /** Steps that were taken; the last one failed where there is an `error`. */
  readonly steps: readonly FindingStep[];
  readonly error?: Error;
  /** Our own address in that connection, and where it is. */
  readonly localAddress?: string;
  readonly localInterface?: Interface;
  /** What the log has. */
  readonly log?: { readonly generation: string; readonly records: number; readonly paths: number };
}

export function endpointFinding(exam: EndpointExam): Finding {
  const { label, origin, steps, error, log } = exam;
  const base = { group: "endpoints", check: label, steps } as const;
  if (error !== undefined) {
    const failed = steps.at(-1)?.name ?? "TCP";
    const message = `${wrongPort(failed, errorCode(error))}${
      errorText(error)
    } (${origin}; failed at ${failed}${way(exam)})`;
    return { ...base, verdict: "failure", message, advice: endpointAdvice(exam, failed, errorCode(error)) };
  }
  const { generation, records, paths } = log ?? { generation: "?", records: 0, paths: 0 };
  const message = `log ${generation} with ${count(records, "record")}, ${count(paths, "path")} (${origin}${
    way(exam)
  })`;
  if (paths > 0) return { ...base, verdict: "ok", message };
  return {
    ...base,
    verdict: "warning",
    message: `It names no path for ${exam.hostnqn}: ${message}`,
    advice: "If there should be volumes: allow this host NQN there (access list of the volume or subsystem)",
  };
}

/** A target that knows no discovery there: its port for I/O. */
function wrongPort(failed: string, code: string): string {
  const isWrong = failed === "Connect" && code === "invalid-parameters" || code === "not-discovery";
  return isWrong ? "This port speaks NVMe/TCP and is not for discovery: " : "";
}

function way({ localAddress, localInterface }: EndpointExam): string {
  if (localAddress === undefined) return "";
  if (localInterface === undefined) return `; from ${localAddress}`;
  const { name, mtu } = localInterface;
  return `; from ${localAddress} on ${name}${mtu === null ? "" : `, MTU ${mtu}`}`;
}

function endpointAdvice(exam: EndpointExam, failed: string, code: string): string {
  const { localInterface, hostnqn } = exam;
  if (failed === "name") {
    return "Look the name up by hand (getent hosts NAME), mend DNS or /etc/hosts, or write the address";
  }
  if (failed === "route" || failed === "TCP") return reachAdvice(code);
  if (failed === "ICResp") return foreignAdvice(code, "8009, or 4420 with the kernel's own target");
  // Connect's capsule, the identify data and the log are the first that fill a packet.
  const isSilence = /^(command|timeout|keep-alive|discover|ready)$|timeout/.test(code) ||
    code === "ETIMEDOUT";
  if (isSilence) {
    const mtu = localInterface?.mtu ?? null;
    const large = mtu !== null && mtu > 1500;
    return `Small packets pass and this one did not${
      large ? `: ${localInterface!.name} has MTU ${mtu}, do all switches and the target have it? ` : ": "
    }Try ping -M do -s ${(mtu ?? 1500) - 28} to that address; else the target hangs: look at its log`;
  }
  if (code === "invalid-parameters") return wrongPortAdvice;
  return statusAdvice(code, hostnqn);
}

const wrongPortAdvice =
  "Discovery is usually at 8009, also where volumes are at 4420; or the entry names another discovery NQN than the target has";

/** Of a connection that did not come about, by its errno. */
function reachAdvice(code: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return "The host is up and nothing listens there: is the port right (8009 for discovery, 4420 for I/O), and does the target run?";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ENETDOWN":
      return "There is no way to it: ip route get ADDRESS, is the storage interface up, is the gateway?";
    case "EADDRNOTAVAIL":
    case "ENODEV":
    case "EAFNOSUPPORT":
      return "The entry's --host-traddr or --host-iface does not fit this host: ip address";
    case "EACCES":
    case "EPERM":
      return "A firewall of this host forbids it: nft list ruleset";
    default:
      return "Nothing answers: is the node up, its address right, and no firewall on the way? ping and ip route get tell more";
  }
}

/** Of a port that is open and speaks otherwise. */
function foreignAdvice(code: string, ports: string): string {
  if (code === "icresp") {
    return `Something accepts connections and says nothing: a target that hangs, one that wants TLS, or no NVMe/TCP at all; usual ports are ${ports}`;
  }
  return `What answers there does not speak NVMe/TCP: is the port right? Usual ports are ${ports}`;
}

function statusAdvice(code: string, hostnqn: string): string {
  switch (code) {
    case "invalid-host":
      return `Allow host NQN ${hostnqn} on the target, or use the host NQN that is allowed there`;
    case "invalid-parameters":
      return "The target knows no such subsystem at this port, or not this host identifier: compare the NQNs, letter by letter";
    case "authentication-required":
      return "Target and host need the same DH-CHAP secrets: dhChapSecret in the settings, -S in the entry";
    case "controller-busy":
      return "The target has no controller left to give: its limit, or controllers of hosts that are gone and not timed out";
    case "not-discovery":
      return wrongPortAdvice;
    case "closed":
    case "ECONNRESET":
      return "The target ended the connection: its log says why";
    default:
      return "Look at the target's log of this moment";
  }
}

export interface PathExam {
  readonly subsysnqn: string;
  readonly hostnqn: string;
  readonly traddr: string;
  readonly trsvcid: number;
  /** The kernel's controller, when it has one for it. */
  readonly device?: string;
  readonly state?: string;
  /** What came of TCP and ICReq at its port, and what of a Connect of our own, where that was tried. */
  readonly steps: readonly FindingStep[];
  readonly error?: Error;
  /** The target answered our Connect, and refused it. */
  readonly refusal?: Error;
  /** It does not know the subsystem there, and takes a Connect for discovery. */
  readonly isDiscovery?: boolean;
  /** An agent runs, and looks after it. */
  readonly isLookedAfter: boolean;
  /** What that agent says of it. */
  readonly reason?: string;
}

export function pathFinding(exam: PathExam): Finding {
  const { subsysnqn, hostnqn, traddr, trsvcid, device, state, steps, error, refusal, reason } = exam;
  const base = {
    group: "paths",
    check: `${subsysnqn} at ${formatHostPort(traddr, trsvcid)}`,
    steps,
  } as const;
  const isLive = state === "live";
  const failed = steps.at(-1)?.name ?? "TCP";
  const says = reason === undefined ? "" : `; the agent says: ${reason}`;
  if (error !== undefined) {
    const advice = failed === "TCP"
      ? reachAdvice(errorCode(error))
      : failed === "ICResp"
      ? foreignAdvice(errorCode(error), "4420")
      : "The port answers and the subsystem does not: it hangs; look at the target's log";
    const still = isLive ? `${device} is live still, but ` : "";
    return {
      ...base,
      verdict: isLive ? "warning" : "failure",
      message: `${still}${errorText(error)} (failed at ${failed})${says}`,
      advice,
    };
  }
  if (isLive) return { ...base, verdict: "ok", message: `live as ${device}` };
  if (refusal !== undefined) {
    const message = `${exam.isDiscovery ? "This port answers as a discovery controller: " : ""}${
      errorText(refusal)
    }${device === undefined ? "" : `; ${device} is ${state}`}${says}`;
    // What the secrets would bring about is the kernel's to try.
    const verdict = errorCode(refusal) === "authentication-required" ? "warning" : "failure";
    const advice = exam.isDiscovery
      ? "The log names this port for the subsystem: mend the target's listener or link the subsystem there; I/O is usually at 4420"
      : statusAdvice(errorCode(refusal), hostnqn);
    return { ...base, verdict, message, advice };
  }
  if (device !== undefined) {
    return {
      ...base,
      verdict: "failure",
      message: `${device} is ${state}, though its port answers${says}`,
      advice: "The kernel retries by itself; its log says why it fails: journalctl -k -g nvme",
    };
  }
  return {
    ...base,
    verdict: "failure",
    message: `not connected, though the target takes a Connect of this host${says}`,
    advice: exam.isLookedAfter
      ? "discovery-client rescan has it tried at once; journalctl -u discovery-client says why it failed"
      : "Nobody connects it: systemctl enable --now discovery-client, or discovery-client connect-all",
  };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
