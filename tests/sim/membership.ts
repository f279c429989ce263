/**
 * What a run took back on purpose. As long as nothing was, no endpoint and no path may ever be forgotten; the rules
 * ask here, and everything in the simulator that takes something back tells it here. It never forgets: an agent may
 * learn late.
 */

/** All that may make an agent drop an endpoint, and with it paths, and be right. */
export type MembershipChange =
  /** In a ring or a star one node that is down hides others. */
  | "sparse-topology"
  | "stale-view"
  | "odd-records"
  | "referral-gone"
  /** In anything but a mesh it changes who refers to whom. */
  | "node-joins"
  | "node-leaves"
  | "file-written"
  | "file-removed"
  /** What cannot be read under its new name is another file. */
  | "file-moved-while-unreadable";

export class Membership {
  readonly #changes = new Set<MembershipChange>();
  readonly #withdrawn = new Set<string>();

  note(change: MembershipChange): void {
    this.#changes.add(change);
  }

  /** A subsystem was taken from somewhere or somebody: its paths may go. */
  withdraw(nqn: string): void {
    this.#withdrawn.add(nqn);
  }

  /** Endpoints and paths may go. */
  get changed(): boolean {
    return this.#changes.size > 0;
  }

  isWithdrawn(nqn: string): boolean {
    return this.#withdrawn.has(nqn);
  }
}
