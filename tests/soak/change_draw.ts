/**
 * Draws changes from a seed, in a time of its own: the same seed gives the same changes at the same moments, however
 * slow the machine is. Keeps in mind what it did to the fabric, so that every change is possible when its turn comes,
 * and ends every fault it began. Carries nothing out.
 */
import { seededRandom } from "../../src/base/random.ts";
import { Draw } from "../sim/draw.ts";
import type { Change, NodeFault } from "./change.ts";
import { fileTricks } from "./change.ts";
import { drawFaults } from "./draw_faults.ts";
import { drawHostileRecords } from "./draw_hostile_records.ts";

export interface ChangeDrawOptions {
  readonly seed: number;
  readonly nodes: readonly string[];
  /** What is there when all is well. The first is left alone: a node without any subsystem closes its ports. */
  readonly subsystems: readonly string[];
  readonly katoMs: number;
}

export interface TimedChange {
  /** After the beginning of the period. */
  readonly atMs: number;
  readonly change: Change;
}

interface Held {
  readonly fault: NodeFault;
  readonly endAtMs: number;
}

/** Beyond the canonical ones, so many subsystems at once. */
const extraSubsystemsMax = 6;
const gapMs = { from: 25, to: 600 } as const;

export class ChangeDraw {
  readonly #draw: Draw;
  readonly #options: ChangeDrawOptions;
  readonly #held = new Map<string, Held>();
  /** Nodes at which each subsystem is. */
  readonly #linked = new Map<string, Set<string>>();
  readonly #masked = new Set<string>();
  #lossEndsAtMs: number | null = null;
  #made = 0;

  constructor(options: ChangeDrawOptions) {
    this.#options = options;
    this.#draw = new Draw(seededRandom(options.seed));
    this.#forget();
  }

  /** The changes of one period, which begins and ends with everything well; the last ones end what was begun. */
  period(lengthMs: number): TimedChange[] {
    const changes: TimedChange[] = [];
    for (let atMs = 0; atMs < lengthMs; atMs += this.#draw.ms(gapMs.from, gapMs.to)) {
      for (const change of [...this.#ends(atMs), ...this.#next(atMs)]) changes.push({ atMs, change });
    }
    for (const change of this.#ends(Infinity)) changes.push({ atMs: lengthMs, change });
    this.#forget();
    return changes;
  }

  #forget(): void {
    const { nodes, subsystems } = this.#options;
    this.#linked.clear();
    this.#masked.clear();
    for (const nqn of subsystems) this.#linked.set(nqn, new Set(nodes));
  }

  #ends(atMs: number): Change[] {
    const changes: Change[] = [];
    for (const [node, { fault, endAtMs }] of this.#held) {
      if (endAtMs > atMs) continue;
      this.#held.delete(node);
      changes.push({ kind: "end", node, fault });
    }
    if (this.#lossEndsAtMs !== null && this.#lossEndsAtMs <= atMs) {
      this.#lossEndsAtMs = null;
      changes.push({ kind: "lose", percent: 0 });
    }
    return changes;
  }

  #next(atMs: number): Change[] {
    const draw = this.#draw;
    const dice = draw.int(1, 100);
    if (dice <= 45) return this.#subsystemChange();
    if (dice <= 70) return this.#nodeChange(atMs);
    if (dice <= 84) return [{ kind: "file", trick: draw.pick(fileTricks) }];
    if (dice <= 90) return [{ kind: "deleteController", at: draw.random() }];
    if (dice <= 93) return [{ kind: "hangup" }];
    if (dice <= 95) return this.#storm();
    if (dice <= 97) return this.#loss(atMs);
    return this.#restart();
  }

  /** Those that may be touched. */
  #free(): string[] {
    const [anchor] = this.#options.subsystems;
    return [...this.#linked.keys()].filter((nqn) => nqn !== anchor);
  }

  #subsystemChange(): Change[] {
    const draw = this.#draw;
    const free = this.#free();
    const { nodes, subsystems } = this.#options;
    const room = subsystems.length + extraSubsystemsMax - this.#linked.size;
    if (free.length === 0 || room > 0 && draw.chance(0.3)) return [this.#add(draw.some(nodes))];
    const nqn = draw.pick(free);
    if (draw.chance(0.25)) {
      this.#linked.delete(nqn);
      this.#masked.delete(nqn);
      return [{ kind: "removeSubsystem", nqn }];
    }
    if (draw.chance(0.2)) {
      const anyHost = this.#masked.has(nqn);
      if (anyHost) this.#masked.delete(nqn);
      else this.#masked.add(nqn);
      return [{ kind: "setAnyHost", nqn, anyHost }];
    }
    const node = draw.pick(nodes);
    const linked = this.#linked.get(nqn)!;
    if (linked.delete(node)) return [{ kind: "unlink", nqn, node }];
    linked.add(node);
    return [{ kind: "link", nqn, node }];
  }

  /** Under a name that never was: what is kept of names for ever would show. */
  #add(nodes: readonly string[]): Change {
    const nqn = `nqn.2024-01.org.example:soak-${++this.#made}`;
    this.#linked.set(nqn, new Set(nodes));
    return { kind: "addSubsystem", nqn, nodes };
  }

  #storm(): Change[] {
    const free = this.#free();
    if (free.length === 0) return [];
    const nqn = this.#draw.pick(free);
    const node = this.#draw.pick(this.#options.nodes);
    this.#linked.get(nqn)!.add(node);
    return [{ kind: "storm", nqn, node, times: this.#draw.int(10, 60) }];
  }

  /** Nodes that nothing ails. */
  #healthy(): string[] {
    return this.#options.nodes.filter((node) => !this.#held.has(node));
  }

  #restart(): Change[] {
    const healthy = this.#healthy();
    if (healthy.length === 0) return [];
    return [{ kind: "restart", nodes: this.#draw.chance(0.2) ? healthy : [this.#draw.pick(healthy)] }];
  }

  #nodeChange(atMs: number): Change[] {
    const draw = this.#draw;
    const healthy = this.#healthy();
    if (healthy.length === 0) return [];
    const { katoMs } = this.#options;
    const node = draw.pick(healthy);
    const fault = this.#nodeFault();
    // Half of them outlive the Keep Alive Timeout; one stopped always does.
    const shortestMs = fault.kind === "stopped" ? katoMs * 1.25 : 100;
    this.#held.set(node, { fault, endAtMs: atMs + draw.ms(shortestMs, katoMs * 3) });
    return [{ kind: "strike", node, fault }];
  }

  #nodeFault(): NodeFault {
    const draw = this.#draw;
    switch (draw.int(1, 8)) {
      case 1:
        return { kind: "down" };
      case 2:
        return { kind: "left" };
      case 3:
        return draw.chance(0.3) ? { kind: "killed" } : { kind: "stopped" };
      case 4:
        return { kind: "swallowed" };
      case 5:
        return { kind: "packets", rule: draw.pick(["both", "to", "from"]) };
      case 6:
        return { kind: "packets", rule: draw.pick(["syn", "reset"]) };
      case 7:
        return { kind: "faulty", faults: drawFaults(draw) };
      default:
        return { kind: "hostile", records: drawHostileRecords(draw) };
    }
  }

  #loss(atMs: number): Change[] {
    if (this.#lossEndsAtMs !== null) return [];
    this.#lossEndsAtMs = atMs + this.#draw.ms(500, this.#options.katoMs * 2);
    return [{ kind: "lose", percent: this.#draw.int(5, 40) }];
  }
}
