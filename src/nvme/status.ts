/**
 * Status codes of completions (B21 §4.2.3) in words. It names them; what follows from one is decided elsewhere.
 */
import { NvmeStatusError } from "../base/errors.ts";
import type { Completion } from "./completion.ts";

/** Statuses that code or people meet, SCT << 8 | SC. */
const statuses: Readonly<Record<number, readonly [name: string, text: string]>> = {
  0x000: ["success", "Success"],
  0x001: ["invalid-opcode", "Invalid Command Opcode: the controller does not know this command"],
  0x002: ["invalid-field", "Invalid Field in Command"],
  0x003: ["cid-conflict", "Command ID Conflict"],
  0x004: ["data-transfer-error", "Data Transfer Error"],
  0x006: ["internal-error", "Internal Error of the controller"],
  0x007: ["abort-requested", "Command Abort Requested"],
  0x008: ["queue-deleted", "Command Aborted due to Queue Deletion"],
  0x00b: ["invalid-namespace", "Invalid Namespace or Format"],
  0x00c: ["command-sequence", "Command Sequence Error: the controller is not ready for this command"],
  0x00d: ["sgl-segment", "Invalid SGL Segment Descriptor"],
  0x00e: ["sgl-count", "Invalid Number of SGL Descriptors"],
  0x00f: ["sgl-data-length", "Data SGL Length Invalid"],
  0x010: ["sgl-metadata-length", "Metadata SGL Length Invalid"],
  0x011: ["sgl-type", "SGL Descriptor Type Invalid"],
  0x016: ["sgl-offset", "SGL Offset Invalid"],
  0x018: ["host-id-format", "Host Identifier Inconsistent Format"],
  0x019: ["keep-alive-expired", "Keep Alive Timer Expired"],
  0x01a: ["keep-alive-invalid", "Keep Alive Timeout Invalid: the controller refuses this timeout"],
  0x022: ["transient-transport", "Transient Transport Error"],
  0x105: ["event-limit", "Asynchronous Event Request Limit Exceeded"],
  0x109: ["invalid-log-page", "Invalid Log Page: the controller does not have it"],
  0x10d: ["feature-not-saveable", "Feature Identifier Not Saveable"],
  0x10e: ["feature-not-changeable", "Feature Not Changeable"],
  0x12f: ["invalid-discovery-information", "Invalid Discovery Information"],
  0x180: ["incompatible-format", "Connect Incompatible Format"],
  0x181: ["controller-busy", "Connect Controller Busy: no controller is free"],
  0x182: ["invalid-parameters", "Connect Invalid Parameters"],
  0x183: ["restart-discovery", "Connect Restart Discovery: the discovery log has changed"],
  0x184: ["invalid-host", "Connect Invalid Host: the subsystem does not allow this host NQN"],
  0x185: ["invalid-queue-type", "Invalid Queue Type"],
  0x190: ["discovery-restart", "Discover Restart: the discovery log changed while it was read"],
  0x191: ["authentication-required", "Authentication Required"],
  0x370: ["host-path-error", "Host Path Error"],
  0x371: ["host-aborted", "Command Aborted by Host"],
};

/** Short stable word, `invalid-host`; `status-0x1ff` where we know none. */
export function statusName(status: number): string {
  return statuses[status]?.[0] ?? `status-0x${status.toString(16)}`;
}

/** Words for people. */
export function statusText(status: number): string {
  return statuses[status]?.[1] ??
    `Status 0x${status.toString(16)} (type ${status >>> 8}, code ${status & 0xff})`;
}

/** What Connect's invalid parameter offset points at (B21 §6.3; Linux nvmf_log_connect_error). */
const connectDataFields: Readonly<Record<number, string>> = {
  0: "host identifier",
  16: "controller ID",
  256: "subsystem NQN (no such subsystem, or not at this port)",
  512: "host NQN",
};
const connectCommandFields: Readonly<Record<number, string>> = {
  40: "record format",
  42: "queue ID",
  44: "queue size",
  46: "connect attributes",
  48: "keep alive timeout",
};

/** DW0: IPO 15:0, the offset of the bad byte; IATTR 16, whether in the data (1) or the command (0). */
function invalidParameterText(dw0: number): string {
  const offset = dw0 & 0xffff;
  const inData = (dw0 & 0x1_0000) !== 0;
  const field = (inData ? connectDataFields : connectCommandFields)[offset];
  const where = `byte ${offset} of the ${inData ? "data" : "command"}`;
  return field === undefined ? where : `${field}, ${where}`;
}

/** `action` without full stop: `Cannot connect`. The code is the status' name. */
export function statusError(action: string, completion: Completion): NvmeStatusError {
  const { status, dnr, crd, dw0 } = completion;
  const detail = status === 0x182 ? `: ${invalidParameterText(dw0)}` : "";
  const message = `${action}: ${statusText(status)}${detail}`;
  return new NvmeStatusError(statusName(status), message, { status, dnr, crd });
}
