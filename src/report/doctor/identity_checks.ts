/** What `doctor` says of who this host is: its NQN and identifier, alone and beside what the kernel holds. */
import type { Controller } from "../../model/controller.ts";
import { hostIdOfNqn, nqnProblem, parseHostId } from "../../nvme/nqn.ts";
import { identityConflict } from "../../plan/host_identity.ts";
import type { Finding } from "./finding.ts";

export interface IdentityReading {
  /** Of the files or what stands in for them; null for none. */
  readonly hostnqn: string | null;
  /** UUID text that counts: of the file, else what stands in for it. */
  readonly hostid: string | null;
  /** It is of no file. */
  readonly isDerived: boolean;
  /** Of the machine (DMI); "forbidden" where root alone may read it, null where there is none. */
  readonly machineUuid: string | null;
  /** Files of no use, in words. */
  readonly problem?: string;
  /** Host NQN and identifier of every entry, each pair once. */
  readonly wanted: readonly { readonly hostnqn: string; readonly hostid: string; readonly origin: string }[];
  readonly controllers: readonly Controller[];
}

/** Identifiers that stand in examples and in images that were copied: many hosts have them (RFC 9562 §5.9, §5.10). */
const commonHostIds = new Set([
  "4c4c4544-0000-2010-8020-80c04f202020",
  "00112233-4455-6677-8899-aabbccddeeff",
  "12345678-1234-1234-1234-123456789012",
  "03000200-0400-0500-0006-000700080009",
]);

/** Not of one host: all bytes alike or nearly so, or known from elsewhere. */
function isCommon(hostid: string): boolean {
  const bytes = parseHostId(hostid);
  return bytes === null || new Set(bytes).size <= 2 || commonHostIds.has(hostid);
}

export function identityFindings(reading: IdentityReading): Finding[] {
  return [checkHostNqn(reading), checkHostId(reading), ...checkPairs(reading)];
}

function checkHostNqn({ hostnqn, problem }: IdentityReading): Finding {
  const base = { group: "identity", check: "host NQN" } as const;
  if (problem !== undefined) {
    return {
      ...base,
      verdict: "failure",
      message: problem,
      advice: "Mend the file, or remove it: it is made anew",
    };
  }
  if (hostnqn === null) {
    return { ...base, verdict: "ok", message: "No file tells one; the entries' own count" };
  }
  const wrong = nqnProblem(hostnqn);
  const inside = hostIdOfNqn(hostnqn);
  if (wrong === null && inside !== null && isCommon(inside)) {
    return {
      ...base,
      verdict: "failure",
      message:
        `${hostnqn} is of an example or a copied image: targets take all hosts that have it for the same`,
      advice:
        "nvme gen-hostnqn > /etc/nvme/hostnqn, once nothing is connected; then allow the new one on the targets",
    };
  }
  if (wrong === null) return { ...base, verdict: "ok", message: hostnqn };
  return {
    ...base,
    verdict: "failure",
    message: `${hostnqn} cannot be used: ${wrong}`,
    advice: "nvme gen-hostnqn makes one",
  };
}

function checkHostId({ hostid, hostnqn, isDerived, machineUuid }: IdentityReading): Finding {
  const base = { group: "identity", check: "host identifier" } as const;
  if (hostid === null) {
    return {
      ...base,
      verdict: "warning",
      message: "Nothing tells one: it is made of each host NQN",
      advice: "uuidgen > /etc/nvme/hostid",
    };
  }
  if (isCommon(hostid)) {
    return {
      ...base,
      verdict: "failure",
      message: `${hostid} is no identifier of one host: targets take all that have it for the same`,
      advice: "uuidgen > /etc/nvme/hostid, once nothing is connected",
    };
  }
  const inside = hostnqn === null ? null : hostIdOfNqn(hostnqn);
  const notes = [
    isDerived ? "made of what is known of this machine" : "",
    // Harmless by itself: nvme-cli's packages have drawn the two apart for years.
    machineText(hostid, machineUuid),
    inside !== null && inside !== hostid ? "another UUID than the one in the host NQN" : "",
  ].filter((note) => note !== "");
  return { ...base, verdict: "ok", message: [hostid, ...notes].join(", ") };
}

/** Drawn at random is as good, where no other host has it: that is for people to know who copied an image. */
function machineText(hostid: string, machineUuid: string | null): string {
  if (machineUuid === hostid) return "the machine's UUID";
  if (machineUuid === "forbidden") return "whether it is the machine's UUID is for root to see";
  return machineUuid === null
    ? ""
    : "not the machine's UUID: drawn once, or of another machine whose image this is";
}

/** One finding for each pair that the kernel will refuse; a single one when there is none. */
function checkPairs({ wanted, controllers }: IdentityReading): Finding[] {
  const base = { group: "identity", check: "identities in use" } as const;
  const conflicts = wanted.flatMap(({ hostnqn, hostid, origin }): Finding[] => {
    const conflict = identityConflict(hostnqn, hostid, controllers);
    if (conflict === null) return [];
    const [message, advice] = splitAdvice(conflict);
    return [{
      ...base,
      verdict: "failure",
      message: `The kernel will refuse ${origin} (EINVAL): ${message}`,
      advice,
    }];
  });
  const common = wanted.filter(({ hostid }) => isCommon(hostid)).map(({ hostid, origin }): Finding => ({
    ...base,
    verdict: "warning",
    message: `${origin} goes by host identifier ${hostid}, which stands in examples and copied images`,
    advice: "Give its line an identifier of this host alone (-I), or none",
  }));
  if (conflicts.length + common.length > 0) return [...conflicts, ...common];
  const inUse = new Set(controllers.flatMap(({ hostid }) => hostid ?? [])).size;
  const message = inUse === 0
    ? "None, no controller is connected"
    : `${inUse} in the kernel, in no conflict with the entries`;
  return [{ ...base, verdict: "ok", message }];
}

/** "what is so: what to do", as `identityConflict` has it. */
function splitAdvice(text: string): [string, string | undefined] {
  const at = text.lastIndexOf(": ");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 2)];
}
