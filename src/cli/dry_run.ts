/**
 * Prints what a dry run finds: a picture once everything was tried, another after each change. A picture says what
 * is, not how many attempts were made; so a dead address that stays dead is no change.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Snapshot } from "../report/snapshot.ts";
import { formatPicture, isSettled, isWhole, type Picture, takePicture } from "./dry_run_picture.ts";
import type { Output } from "./environment.ts";

/** What has not answered by then is shown as it is, ms: a dial and a probe one after the other. */
const settleDeadlineMs = 9_000;
/** Changes that follow one another within this make one picture, ms. */
const quietMs = 150;

export interface DryRunOptions {
  readonly clock: Clock;
  readonly stdout: Output;
  readonly format: "json" | "table";
  /** End after the first picture. */
  readonly once: boolean;
}

export class DryRun {
  /** With `once`, the exit status when the picture is out: 0 when nothing is amiss. Else it never resolves. */
  readonly ended: Promise<number>;
  readonly #options: DryRunOptions;
  #end: (status: number) => void = () => {};
  #latest: Picture | null = null;
  #shownKey = "";
  #quiet: Timer | null = null;
  #deadline: Timer | null = null;

  constructor(options: DryRunOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => this.#end = resolve);
  }

  /** After each pass of the agent, and at once: later, the snapshot's facts would be newer than its plan. */
  handlePass(snapshot: () => Snapshot): void {
    const picture = takePicture(snapshot());
    this.#latest = picture;
    if (pictureKey(picture) === this.#shownKey) return this.#stopTimers();
    const { clock } = this.#options;
    this.#deadline ??= clock.setTimer(settleDeadlineMs, () => this.#show());
    if (!isSettled(picture)) {
      this.#quiet?.cancel();
      this.#quiet = null;
    } else this.#quiet ??= clock.setTimer(quietMs, () => this.#show());
  }

  #stopTimers(): void {
    this.#quiet?.cancel();
    this.#deadline?.cancel();
    this.#quiet = null;
    this.#deadline = null;
  }

  #show(): void {
    this.#stopTimers();
    const picture = this.#latest;
    if (picture === null) return;
    const { stdout, format, clock, once } = this.#options;
    if (format === "json") stdout.write(`${JSON.stringify(picture)}\n`);
    else {
      const time = new Date(clock.wallMs()).toISOString().slice(11, 19);
      const heading = this.#shownKey === "" ? "" : `\n--- changed at ${time} UTC ---\n\n`;
      stdout.write(heading + formatPicture(picture));
    }
    this.#shownKey = pictureKey(picture);
    if (once) this.#end(isWhole(picture) ? 0 : 1);
  }
}

/** Changes with what is, not with the words of the latest failure. */
function pictureKey({ endpoints, paths, refused, notes }: Picture): string {
  return JSON.stringify([
    endpoints.map(({ address, hostnqn, subsysnqn, state, records }) => {
      return [address, hostnqn, subsysnqn, state, records];
    }),
    paths.map(({ address, hostnqn, subsysnqn, state }) => [address, hostnqn, subsysnqn, state]),
    refused,
    notes,
  ]);
}
