/**
 * A world that ends for its agent at one instant, as `kill -9` does: timers are gone, sockets are closed, nobody is
 * called back, and no promise given out before ever settles. What the world outside had begun goes on without it.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import type {
  Closer,
  ConfigDir,
  Connection,
  Dialer,
  Kernel,
  Log,
  Notifier,
  Resolver,
  StateStore,
  World,
} from "../../src/model/world.ts";

export class MortalWorld implements World {
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly resolver: Resolver;
  readonly kernel: Kernel;
  readonly configDir: ConfigDir;
  readonly store: StateStore;
  readonly log: Log;
  readonly notifier: Notifier;
  #alive = true;
  readonly #timers = new Set<Timer>();
  readonly #closers = new Set<Closer>();

  constructor(world: World) {
    const { kernel, configDir, store, resolver } = world;
    this.clock = this.#mortalClock(world.clock);
    this.random = world.random;
    this.dialer = { dial: (target, signal) => this.#dial(world.dialer, target, signal) };
    this.resolver = { resolve: (name) => this.#settle(() => resolver.resolve(name)) };
    this.kernel = {
      connect: (options) => this.#settle(() => kernel.connect(options)),
      supportedOptions: () => this.#settle(() => kernel.supportedOptions()),
      controllers: () => this.#settle(() => kernel.controllers()),
      watch: (onHint) => this.#watch(kernel, onHint),
      renewSecrets: (controller, secrets) =>
        this.#settle(async () => await kernel.renewSecrets?.(controller, secrets) ?? "gone"),
    };
    this.configDir = {
      path: configDir.path,
      scan: () => this.#settle(() => configDir.scan()),
      watch: (onHint) => this.#watch(configDir, onHint),
    };
    this.store = {
      path: store.path,
      load: () => this.#settle(() => store.load()),
      save: (text) => this.#settle(() => store.save(text)),
      setAside: () => this.#settle(() => store.setAside()),
    };
    this.log = this.#whileAlive(world.log, ["debug", "info", "warn", "error"]);
    this.notifier = {
      ...this.#whileAlive(world.notifier, ["ready", "reloading", "alive", "status", "stopping"]),
      watchdogMs: world.notifier.watchdogMs,
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
    for (const timer of this.#timers) timer.cancel();
    for (const closer of this.#closers) closer.close();
    this.#timers.clear();
    this.#closers.clear();
  }

  /** Calls into the world while there is one; the answer comes while there is one. */
  #settle<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#alive) return new Promise<never>(() => {});
    return new Promise((resolve, reject) => {
      call().then(
        (value) => this.#alive && resolve(value),
        (error) => this.#alive && reject(error),
      );
    });
  }

  #mortalClock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      setTimer: (delayMs, callback) => {
        if (!this.#alive) return { cancel: () => {} };
        const timer = clock.setTimer(delayMs, () => {
          this.#timers.delete(timer);
          callback();
        });
        this.#timers.add(timer);
        return {
          cancel: () => {
            this.#timers.delete(timer);
            timer.cancel();
          },
        };
      },
    };
  }

  #watch(watched: { watch(onHint: () => void): Closer }, onHint: () => void): Closer {
    if (!this.#alive) return { close: () => {} };
    return this.#keep(watched.watch(() => this.#alive && onHint()));
  }

  /** Closed when the world ends, if not before. */
  #keep(closer: Closer): Closer {
    this.#closers.add(closer);
    return {
      close: () => {
        this.#closers.delete(closer);
        closer.close();
      },
    };
  }

  #dial(dialer: Dialer, target: Parameters<Dialer["dial"]>[0], signal?: AbortSignal): Promise<Connection> {
    // The end of the process ends its dials too.
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    if (signal?.aborted) abort.abort();
    signal?.addEventListener("abort", onAbort);
    const dialing: Closer = { close: onAbort };
    this.#closers.add(dialing);
    return this.#settle(async () => {
      try {
        return this.#mortalConnection(await dialer.dial(target, abort.signal));
      } finally {
        signal?.removeEventListener("abort", onAbort);
        this.#closers.delete(dialing);
      }
    });
  }

  #mortalConnection(connection: Connection): Connection {
    if (!this.#alive) connection.close();
    const closer = this.#keep({ close: () => connection.close() });
    return {
      localAddress: connection.localAddress,
      read: (buffer) => this.#settle(() => connection.read(buffer)),
      write: (bytes) => this.#settle(() => connection.write(bytes)),
      close: () => closer.close(),
    };
  }

  /** The same object, whose methods do nothing once the world has ended. */
  #whileAlive<T extends object>(target: T, names: readonly (keyof T & string)[]): T {
    const entries = names.map((name) => [
      name,
      (...values: unknown[]) => {
        if (this.#alive) (target[name] as (...values: unknown[]) => void).apply(target, values);
      },
    ]);
    return Object.fromEntries(entries) as T;
  }
}
