/**
 * Drives one sans-I/O machine over one TCP connection: dials, reads, writes, and keeps its timer. The only place
 * where promises and machines meet. It decides nothing: the machine says when it is over, the owner what follows.
 */
import { AgentError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Timer } from "../base/clock.ts";
import type { Connection, DialTarget, World } from "../model/world.ts";

export interface Machine {
  handleBytes(nowMs: number, chunk: Uint8Array): void;
  handleClose(error: Error | null): void;
  handleTimeout(nowMs: number): void;
  nextTimeoutMs(): number;
  takeBytes(): Uint8Array | null;
}

export interface RunnerOptions<M extends Machine> {
  readonly world: Pick<World, "clock" | "dialer">;
  readonly target: DialTarget;
  /** Makes the machine once the connection stands. */
  readonly makeMachine: (nowMs: number) => M;
  /** After every step: takes what the machine has to tell. Answers false when the machine is over. */
  readonly onStep: (machine: M) => boolean;
  /** No connection came to stand. Called at most once, and then `onStep` never. */
  readonly onDialFailed: (error: Error) => void;
}

export class MachineRunner<M extends Machine> {
  /** Resolves when its socket and timer are gone, which may be a while after the machine is over. */
  readonly gone: Promise<void>;
  readonly #options: RunnerOptions<M>;
  readonly #abort = new AbortController();
  #connection: Connection | null = null;
  #machine: M | null = null;
  #timer: { at: number; timer: Timer } | null = null;
  #writing = false;
  #over = false;

  constructor(options: RunnerOptions<M>) {
    this.#options = options;
    this.gone = this.#run();
  }

  get machine(): M | null {
    return this.#machine;
  }

  /** Gives the machine a chance to act outside of bytes and timers (a `stop()` for instance). */
  poke(): void {
    if (this.#machine !== null) this.#step();
  }

  /** Drops the connection at once; nothing is called after it. */
  abandon(): void {
    this.#over = true;
    this.#abort.abort();
    this.#cancelTimer();
    this.#connection?.close();
  }

  async #run(): Promise<void> {
    const { world, target } = this.#options;
    let connection: Connection;
    try {
      connection = await world.dialer.dial(target, this.#abort.signal);
    } catch (error) {
      if (!this.#over) this.#options.onDialFailed(expected(error));
      return;
    }
    if (this.#over) return connection.close();
    this.#connection = connection;
    this.#machine = this.#options.makeMachine(world.clock.nowMs());
    this.#step();
    await this.#readLoop(connection, this.#machine);
  }

  async #readLoop(connection: Connection, machine: M): Promise<void> {
    const buffer = new Uint8Array(limits.socketReadBytes);
    for (;;) {
      let count: number | null;
      try {
        count = await connection.read(buffer);
      } catch (error) {
        if (!this.#over) machine.handleClose(expected(error));
        break;
      }
      if (count === null) {
        if (!this.#over) machine.handleClose(null);
        break;
      }
      // After the end we only wait for the peer's close, and drop what comes.
      if (this.#over) continue;
      machine.handleBytes(this.#options.world.clock.nowMs(), buffer.subarray(0, count));
      this.#step();
    }
    if (!this.#over) this.#step();
    this.#cancelTimer();
    connection.close();
  }

  #step(): void {
    if (this.#over) return;
    const machine = this.#machine!;
    const goesOn = this.#options.onStep(machine);
    // Whoever was told may have stopped or abandoned us meanwhile: then that step did the rest.
    if (this.#over) return;
    if (!goesOn) {
      this.#over = true;
      this.#cancelTimer();
      return this.#finish(machine);
    }
    this.#flush(machine);
    this.#schedule(machine);
  }

  #cancelTimer(): void {
    this.#timer?.timer.cancel();
    this.#timer = null;
  }

  /** Last words (a TermReq), then a short wait for the peer to close first (NVMe/TCP 1.0 §3.4.1). */
  #finish(machine: M): void {
    const connection = this.#connection!;
    const bytes = machine.takeBytes();
    if (bytes === null || this.#writing) return connection.close();
    const linger = this.#options.world.clock.setTimer(limits.termReqLingerMs, () => connection.close());
    this.#timer = { at: 0, timer: linger };
    connection.write(bytes).catch(() => connection.close());
  }

  #flush(machine: M): void {
    if (this.#writing) return;
    const bytes = machine.takeBytes();
    if (bytes === null) return;
    this.#writing = true;
    this.#connection!.write(bytes).then(() => {
      this.#writing = false;
      if (!this.#over) this.#flush(machine);
    }, (error) => {
      this.#writing = false;
      if (this.#over) return;
      machine.handleClose(expected(error));
      this.#step();
    });
  }

  /** A timer that fires early finds nothing due and is set again: cheaper than moving it at every step. */
  #schedule(machine: M): void {
    const at = machine.nextTimeoutMs();
    if (at === Infinity || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.timer.cancel();
    const { clock } = this.#options.world;
    const timer = clock.setTimer(Math.max(0, at - clock.nowMs()), () => {
      this.#timer = null;
      if (this.#over) return;
      machine.handleTimeout(clock.nowMs());
      this.#step();
    });
    this.#timer = { at, timer };
  }
}

/** What the outside world did is told; anything else is a bug, and goes up until systemd restarts us. */
function expected(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  throw error;
}
