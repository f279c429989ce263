/**
 * Prints what a dry run finds: a picture once everything was tried, another after each change. A picture says what
 * is, not how many attempts were made; so a dead address that stays dead is no change.
 */
import type { Clock } from "../base/clock.ts";
import type { Snapshot } from "../report/snapshot.ts";
import type { Output } from "./environment.ts";
import { formatPicture, isSettled, isWhole, type Picture, takePicture } from "./dry_run_picture.ts";

/** What has not answered by then is shown as it is, ms: a dial and a probe one after the other. */
const settleDeadlineMs = 9_000;
/** Passes that follow one another within this make one picture, ms. */
const lookIntervalMs = 100;

export interface DryRunOptions {
  readonly clock: Clock;
  readonly stdout: Output;
  readonly format: "json" | "table";
  /** End after the first picture. */
  readonly once: boolean;
}

export class DryRun {
  /** The exit status, once the first picture is out and that is all that was asked for: 0 when nothing is amiss. */
  readonly ended: Promise<number>;
  readonly #options: DryRunOptions;
  readonly #startMs: number;
  #end: (status: number) => void = () => {};
  #snapshot: (() => Snapshot) | null = null;
  #isLookDue = false;
  #shown = "";

  constructor(options: DryRunOptions) {
    this.#options = options;
    this.#startMs = options.clock.nowMs();
    this.ended = new Promise((resolve) => this.#end = resolve);
  }

  /** After each pass of the agent. */
  handlePass(snapshot: () => Snapshot): void {
    this.#snapshot = snapshot;
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    this.#options.clock.setTimer(lookIntervalMs, () => {
      this.#isLookDue = false;
      if (this.#snapshot !== null) this.#look(this.#snapshot());
    });
  }

  #look(snapshot: Snapshot): void {
    const isOverdue = this.#options.clock.nowMs() - this.#startMs >= settleDeadlineMs;
    if (!isSettled(snapshot) && !isOverdue) return this.#lookLater();
    const picture = takePicture(snapshot);
    const key = pictureKey(picture);
    if (key === this.#shown) return;
    this.#show(picture);
    this.#shown = key;
  }

  #show(picture: Picture): void {
    const { stdout, format, clock, once } = this.#options;
    if (format === "json") stdout.write(`${JSON.stringify(picture)}\n`);
    else {
      const time = new Date(clock.wallMs()).toISOString().slice(11, 19);
      stdout.write((this.#shown === "" ? "" : `\n--- changed at ${time} UTC ---\n`) + formatPicture(picture));
    }
    if (once) this.#end(isWhole(picture) ? 0 : 1);
  }
}

/** Changes with what is, not with the words of the latest failure. */
function pictureKey({ endpoints, paths, refused, notes }: Picture): string {
  return JSON.stringify([
    endpoints.map((
      { address, hostnqn, subsysnqn, state, records },
    ) => [address, hostnqn, subsysnqn, state, records]),
    paths.map(({ address, hostnqn, subsysnqn, state }) => [address, hostnqn, subsysnqn, state]),
    refused,
    notes,
  ]);
}
