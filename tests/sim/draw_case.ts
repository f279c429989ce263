/** From a seed to a whole run: its options and its steps. The only place that says how likely anything is. */
import { seededRandom } from "../../src/base/random.ts";
import { type Fault, type Step as Answer, steps as answers } from "../fabric/fault.ts";
import { Draw } from "./draw.ts";
import { drawOptions, type RunOptions } from "./run_options.ts";
import type { Change, Damage, FaultAction, Ports, RunStep } from "./run_step.ts";

/** All that a run is. */
export interface RunCase {
  /** Of every random source within the world: delays, jitter, what a crash leaves. */
  readonly seed: number;
  readonly options: RunOptions;
  /** By time. */
  readonly steps: readonly RunStep[];
}

export function drawCase(seed: number): RunCase {
  const draw = new Draw(seededRandom(seed));
  const options = drawOptions(draw);
  const lengthMs = draw.ms(3_000, 90_000);
  // A run turns to some kinds of trouble: many of one kind at once find more than one of each.
  const likes = groups.map(() => draw.random() ** 2);
  const steps = Array.from({ length: draw.int(1, 14) }, () => {
    const group = groups[weighted(draw, likes)]!;
    return drawStep(draw, draw.pick(group), lengthMs);
  });
  return { seed, options, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}

function weighted(draw: Draw, weights: readonly number[]): number {
  let at = draw.random() * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => (at -= weight) < 0);
  return Math.max(0, index);
}

type Drawn = { readonly fault: (draw: Draw) => FaultAction } | { readonly change: (draw: Draw) => Change };

function drawStep(draw: Draw, drawn: Drawn, lengthMs: number): RunStep {
  const atMs = Math.round(draw.random() * lengthMs);
  if ("change" in drawn) return { atMs, change: drawn.change(draw) };
  return { atMs, forMs: draw.ms(5, 40_000), fault: drawn.fault(draw) };
}

const node = (draw: Draw) => draw.int(1, 5);
const port = (draw: Draw) => draw.pick<Ports>(["both", "both", "discovery", "io"]);
const errno = (draw: Draw) => draw.pick(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"]);
const fault = (draw: (draw: Draw) => FaultAction): Drawn => ({ fault: draw });
const change = (draw: (draw: Draw) => Change): Drawn => ({ change: draw });

const network: readonly Drawn[] = [
  fault((draw) => ({
    kind: "silence",
    node: node(draw),
    port: port(draw),
    way: draw.pick(["both", "both", "toHost", "toController"]),
  })),
  fault((draw) => ({ kind: "dial-error", node: node(draw), port: port(draw), errno: errno(draw) })),
  fault((draw) => ({ kind: "mute", node: node(draw), port: port(draw) })),
  fault((draw) => ({
    kind: "slow-network",
    node: node(draw),
    delayMs: draw.ms(1, 1_500),
    jitterMs: draw.ms(1, 1_500),
  })),
  fault((draw) => ({ kind: "fragments", node: node(draw), bytes: draw.pick([1, 2, 7, 100]) })),
  fault((draw) => ({ kind: "reset-after", node: node(draw), bytes: draw.ms(1, 8_000) })),
  fault((draw) => ({ kind: "stall-after", node: node(draw), bytes: draw.ms(1, 8_000) })),
  fault((draw) => ({ kind: "few-sockets", sockets: draw.int(0, 3) })),
  fault((draw) => ({ kind: "names-fail", how: draw.pick(["unknown", "hang"]) })),
  change((draw) => ({ kind: "reset", node: node(draw) })),
  change((draw) => ({ kind: "reset", node: node(draw) })),
  change((draw) => ({ kind: "fin", node: node(draw) })),
  change((draw) => ({ kind: "half-close", node: node(draw) })),
];

const target: readonly Drawn[] = [
  fault((draw) => ({ kind: "node-down", node: node(draw) })),
  fault((draw) => ({ kind: "node-down", node: node(draw) })),
  fault((draw) => ({ kind: "wire", node: node(draw), fault: drawWireFault(draw) })),
  fault((draw) => ({ kind: "wire", node: node(draw), fault: drawWireFault(draw) })),
  fault((draw) => ({ kind: "wire", node: node(draw), fault: drawWireFault(draw) })),
  fault((draw) => ({ kind: "wire", node: node(draw), fault: drawStateFault(draw) })),
  fault((draw) => ({ kind: "stale-view", node: node(draw) })),
  fault((draw) => ({ kind: "discovery-refused", node: node(draw), host: draw.int(1, 2) })),
  fault((draw) => ({ kind: "hostile-log", node: node(draw), salt: draw.int(1, 1e6) })),
  // Mostly few; more than a cluster may have, now and then.
  fault((draw) => ({
    kind: "dead-referrals",
    node: node(draw),
    count: draw.chance(0.05) ? draw.int(300, 1_300) : draw.ms(1, 40),
  })),
  change((draw) => ({ kind: "node-restart", node: node(draw) })),
];

const cluster: readonly Drawn[] = [
  fault((draw) => ({ kind: "access-denied", subsystem: draw.int(1, 4), host: draw.int(1, 2) })),
  fault((draw) => ({ kind: "unlinked", subsystem: draw.int(1, 4), node: node(draw) })),
  fault((draw) => ({ kind: "referral-gone", from: node(draw), to: node(draw) })),
  change((draw) => ({ kind: "generation-moves", node: node(draw) })),
  change((draw) => ({ kind: "subsystem-added", nodes: draw.some([1, 2, 3, 4, 5]) })),
  change(() => ({ kind: "subsystem-added", nodes: [1, 2, 3, 4, 5] })),
  change((draw) => ({ kind: "subsystem-removed", subsystem: draw.int(1, 4) })),
  change((draw) => ({ kind: "subsystems-storm", count: draw.int(2, 12), gapMs: draw.ms(1, 120) })),
  change(() => ({ kind: "node-joins" })),
  change((draw) => ({ kind: "node-leaves", node: node(draw) })),
];

const kernel: readonly Drawn[] = [
  fault(() => ({ kind: "kernel-absent" })),
  fault(() => ({ kind: "module-unloaded" })),
  fault((draw) => ({ kind: "sysfs-error", errno: draw.pick(["EIO", "EMFILE", "EACCES"]) })),
  fault(() => ({ kind: "sysfs-torn" })),
  fault((draw) => ({ kind: "sysfs-slow", ms: draw.ms(10, 3_000) })),
  fault(() => ({ kind: "uevents-lost" })),
  fault((draw) => ({ kind: "uevents-late", ms: draw.ms(10, 5_000) })),
  fault((draw) => ({ kind: "kernel-slow", factor: draw.int(2, 50) })),
  fault((draw) => ({ kind: "kernel-busy", ms: draw.ms(100, 10_000) })),
  fault((draw) => ({ kind: "kernel-refuses", errno: draw.pick(["EIO", "EINVAL", "ENOMEM", "ECONNRESET"]) })),
  fault(() => ({ kind: "numbers-move" })),
  change((draw) => ({ kind: "controller-deleted", controller: draw.int(1, 20) })),
  change((draw) => ({ kind: "controller-deleted", controller: draw.int(1, 20) })),
  change((draw) => ({ kind: "controller-lost", controller: draw.int(1, 20) })),
];

const files: readonly Drawn[] = [
  fault(() => ({ kind: "watch-lost" })),
  fault((draw) => ({ kind: "watch-late", ms: draw.ms(10, 5_000) })),
  fault((draw) => ({ kind: "watch-spurious", ms: draw.ms(5, 500) })),
  fault((draw) => ({ kind: "scan-error", errno: draw.pick(["EIO", "EMFILE", "EACCES"]) })),
  fault((draw) => ({ kind: "scan-slow", ms: draw.ms(10, 3_000) })),
  fault((draw) => ({ kind: "file-unreadable", errno: draw.pick(["EIO", "EACCES"]) })),
  fault((draw) => ({ kind: "disk-error", errno: draw.pick(["ENOSPC", "EROFS", "EIO"]) })),
  fault((draw) => ({ kind: "disk-slow", ms: draw.ms(10, 5_000) })),
  fault((draw) => ({ kind: "state-unreadable", errno: draw.pick(["EIO", "EACCES"]) })),
  change((draw) => ({
    kind: "file-written",
    nodes: draw.some([1, 2, 3, 4, 5]),
    how: draw.pick(["rename", "copy"]),
  })),
  change(() => ({ kind: "file-moved" })),
  change(() => ({ kind: "file-removed" })),
  change((draw) => ({ kind: "bad-lines", salt: draw.int(1, 1e6) })),
  change(() => ({ kind: "directory-recreated" })),
];

const process: readonly Drawn[] = [
  fault((draw) => ({ kind: "agent-down", how: draw.pick(["kill", "kill", "power", "stop"]), damage: null })),
  fault((draw) => ({ kind: "agent-down", how: draw.pick(["kill", "kill", "power", "stop"]), damage: null })),
  fault((draw) => ({
    kind: "agent-down",
    how: "power",
    damage: draw.pick<Damage>(["truncate", "garbage", "empty"]),
  })),
  change((draw) => ({
    kind: "wall-clock",
    ms: draw.pick([-1, 1]) * draw.ms(1_000, 400 * 24 * 3_600_000),
  })),
  change(() => ({ kind: "rescan" })),
];

const groups = [network, target, cluster, kernel, files, process];

/** What a controller can do wrong with an answer. Never a wrong record that looks right: nobody could tell. */
function drawWireFault(draw: Draw): Fault {
  const at = draw.pick<Answer>(answers.filter((answer) => answer !== "other" && answer !== "getFeatures"));
  const skip = draw.pick([0, 0, 0, 1, 2]);
  const count = draw.pick([1, 1, 3, undefined]);
  const when = { at, skip, count };
  const log = at === "logHeader" || at === "logRecords";
  return draw.pick<() => Fault>([
    () => ({ ...when, kind: "silent" }),
    () => ({ ...when, kind: "noAnswer" }),
    () => ({ ...when, kind: "delay", ms: draw.ms(10, 15_000) }),
    () => ({ ...when, kind: "reorder" }),
    () => ({ ...when, kind: "close" }),
    () => ({ ...when, kind: "truncate", bytes: draw.int(0, 60) }),
    () => ({ ...when, kind: "termReq", fes: draw.int(0, 7), fei: draw.int(0, 100) }),
    () => ({ ...when, kind: "r2t" }),
    () => ({ ...when, kind: "status", status: draw.int(1, 0x3ff), dnr: draw.chance(0.5) }),
    () => ({ ...when, kind: "shortData", bytes: draw.int(1, 200) }),
    () => ({ ...when, kind: "surplusData", bytes: draw.int(1, 200) }),
    () => ({ ...when, kind: "repeatedOffset" }),
    () => ({ ...when, kind: "wrongCid" }),
    () => ({ ...when, kind: "twice" }),
    () => ({ ...when, kind: "badHeaderDigest" }),
    () => ({ ...when, kind: "badDataDigest" }),
    // Bits of the PDU's header; within read data they would make another record, or another of its strings.
    () => ({ ...when, kind: "flip", offset: draw.int(0, log ? 7 : 23), mask: 1 << draw.int(0, 7) }),
  ])();
}

function drawStateFault(draw: Draw): Fault {
  return draw.pick<Fault>([
    { kind: "generationMoves", reads: draw.int(1, 12) },
    { kind: "neverReady" },
    { kind: "fatalStatus" },
    { kind: "neverShutDown" },
    { kind: "otherCntlid" },
    { kind: "controllerType", cntrltype: draw.pick([1, 3, 255]) },
    { kind: "recordCount", numrec: draw.pick([100_000, 2 ** 40]) },
    { kind: "recordFormat", recfmt: draw.int(1, 65_535) },
    { kind: "authentication" },
    { kind: "icRespFields", cpda: draw.int(1, 31) },
  ]);
}
