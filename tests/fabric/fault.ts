/**
 * What a controller may be told to do wrong on one connection: a short list of data, so that a random test can draw
 * from it. Carried out by `controller_machine.ts` (what goes on the wire) and `discovery_controller.ts` (state).
 */
import type { Digests } from "../../src/nvme/framer.ts";

/**
 * Where in a session a fault strikes: at the answer to this. Log reads from offset 0 are `logHeader`. The answer to an
 * event request is the event; to have requests refused at once, set `eventRequestsMax` to 0 in the quirks.
 */
export const steps = [
  "icResp",
  "connect",
  "propertyGet",
  "propertySet",
  "identify",
  "setFeatures",
  "getFeatures",
  "asyncEvent",
  "keepAlive",
  "logHeader",
  "logRecords",
  "other",
] as const;
export type Step = typeof steps[number];

/** At which answers: the first `skip` of its step are spared, the next `count` (all when left out) are struck. */
interface At {
  readonly at: Step;
  readonly skip?: number;
  readonly count?: number;
}

export type WireFault =
  & At
  & (
    /** Not a byte more, for any command, from here on; the connection stays open. */
    | { readonly kind: "silent" }
    /** This answer never comes; others do. */
    | { readonly kind: "noAnswer" }
    /** This answer comes later by so much. */
    | { readonly kind: "delay"; readonly ms: number }
    /** This answer waits for the next other one, 200 ms at most: completions in another order than commands. */
    | { readonly kind: "reorder" }
    /** The connection ends in place of the answer. */
    | { readonly kind: "close" }
    /** The first so many bytes of the answer, then the end. */
    | { readonly kind: "truncate"; readonly bytes: number }
    | { readonly kind: "termReq"; readonly fes?: number; readonly fei?: number }
    /** An R2T in place of the answer. */
    | { readonly kind: "r2t" }
    /** This status in place of the answer. */
    | { readonly kind: "status"; readonly status: number; readonly dnr?: boolean; readonly dw0?: number }
    /** The last so many bytes of read data are missing; success is claimed all the same. */
    | { readonly kind: "shortData"; readonly bytes: number }
    /** So many bytes more than asked for. */
    | { readonly kind: "surplusData"; readonly bytes: number }
    /** Data begins again at offset 0 with every PDU. */
    | { readonly kind: "repeatedOffset" }
    /** The answer belongs to a command that does not exist. */
    | { readonly kind: "wrongCid" }
    /** The answer comes twice. */
    | { readonly kind: "twice" }
    | { readonly kind: "badHeaderDigest" }
    | { readonly kind: "badDataDigest" }
    /** These bytes in place of the answer. */
    | { readonly kind: "garbage"; readonly bytes: Uint8Array }
    /** These bits of the answer's first bytes are flipped. */
    | { readonly kind: "flip"; readonly offset: number; readonly mask: number }
  );

export type StateFault =
  /** The generation moves after each of the next so many log reads, without any event. */
  | { readonly kind: "generationMoves"; readonly reads: number }
  /** CSTS.RDY never comes. */
  | { readonly kind: "neverReady" }
  /** CSTS.CFS comes in its place. */
  | { readonly kind: "fatalStatus" }
  /** CSTS.SHST never says done. */
  | { readonly kind: "neverShutDown" }
  /** Identify tells another controller id than Connect did. */
  | { readonly kind: "otherCntlid" }
  /** Identify tells this controller type; 1 is I/O. */
  | { readonly kind: "controllerType"; readonly cntrltype: number }
  /** The log header claims so many records. */
  | { readonly kind: "recordCount"; readonly numrec: number }
  /** The log header has this record format. */
  | { readonly kind: "recordFormat"; readonly recfmt: number }
  /** Connect demands authentication (ATR). */
  | { readonly kind: "authentication" }
  /** ICResp says this instead. */
  | {
    readonly kind: "icRespFields";
    readonly cpda?: number;
    readonly maxh2cdata?: number;
    readonly digests?: Digests;
  };

export type Fault = WireFault | StateFault;

export function isWireFault(fault: Fault): fault is WireFault {
  return "at" in fault;
}

/** What most answers meet. */
const noFaults: readonly WireFault[] = [];

/** Counts answers, and says which faults strike the next one. */
export class FaultSchedule {
  readonly #faults: readonly Fault[];
  readonly #wireFaults: readonly WireFault[];
  readonly #answers = new Map<Step, number>();

  readonly #inForce: () => boolean;

  /** `inForce`: once it says no, nothing more is struck; what was struck stays as it is. */
  constructor(faults: readonly Fault[] = [], inForce: () => boolean = () => true) {
    this.#faults = faults;
    this.#inForce = inForce;
    this.#wireFaults = faults.filter(isWireFault);
  }

  /** The faults for this answer; counts it. */
  strike(at: Step): readonly WireFault[] {
    if (this.#wireFaults.length === 0 || !this.#inForce()) return noFaults;
    const seen = this.#answers.get(at) ?? 0;
    this.#answers.set(at, seen + 1);
    return this.#wireFaults.filter((fault) => {
      const { skip = 0, count = Infinity } = fault;
      return fault.at === at && seen >= skip && seen < skip + count;
    });
  }

  /** The state fault of this kind, or undefined. */
  state<K extends StateFault["kind"]>(kind: K): Extract<StateFault, { kind: K }> | undefined {
    if (!this.#inForce()) return undefined;
    return this.#faults.find((fault): fault is Extract<StateFault, { kind: K }> => fault.kind === kind);
  }
}
