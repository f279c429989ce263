/**
 * Tells systemd how we are (sd_notify(3)): one datagram each to the socket that NOTIFY_SOCKET names. Without that
 * variable it does nothing. Never throws: a service manager that does not listen must not stop us.
 */
import type { Notifier } from "../model/world.ts";
import { monotonicMicroseconds, sendUnixDatagram } from "./libc.ts";

export interface ServiceManager {
  /** NOTIFY_SOCKET: a path, or an abstract name written with a leading `@`. */
  readonly socketPath?: string | undefined;
  /** Longest pause between two signs of life, ms; null when it waits for none. */
  readonly watchdogMs?: number | null;
}

export class SystemdNotifier implements Notifier {
  readonly watchdogMs: number | null;
  readonly #socketPath: string;
  readonly #onProblem: (error: Error) => void;
  #lastStatus = "";

  constructor(
    onProblem: (error: Error) => void = () => {},
    { socketPath = "", watchdogMs = null }: ServiceManager = ourServiceManager(),
  ) {
    this.#socketPath = socketPath;
    this.watchdogMs = socketPath === "" ? null : watchdogMs;
    this.#onProblem = onProblem;
  }

  ready(): void {
    this.#send(() => "READY=1");
  }

  /** With the time, which `Type=notify-reload` goes by to tell this reload from an earlier one. */
  reloading(): void {
    this.#send(() => `RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`);
  }

  alive(): void {
    this.#send(() => "WATCHDOG=1");
  }

  /** One line; the same line twice in a row is sent once. */
  status(text: string): void {
    // A line break would start another variable.
    // deno-lint-ignore no-control-regex
    const line = text.replace(/[\x00-\x1f\x7f]/g, " ");
    if (line === this.#lastStatus) return;
    this.#lastStatus = line;
    this.#send(() => `STATUS=${line}`);
  }

  stopping(): void {
    this.#send(() => "STOPPING=1");
  }

  #send(message: () => string): void {
    if (this.#socketPath === "") return;
    try {
      sendUnixDatagram(this.#socketPath, new TextEncoder().encode(message()));
    } catch (error) {
      this.#onProblem(error as Error);
    }
  }
}

function ourServiceManager(): ServiceManager {
  return {
    socketPath: Deno.env.get("NOTIFY_SOCKET"),
    watchdogMs: parseWatchdog(Deno.env.get("WATCHDOG_USEC"), Deno.env.get("WATCHDOG_PID"), Deno.pid),
  };
}

/**
 * What systemd says of its watchdog (sd_watchdog_enabled(3)): microseconds, and the process that it waits for, any when
 * left out. Null when it waits for nobody, or for somebody else.
 */
export function parseWatchdog(
  usec: string | undefined,
  pid: string | undefined,
  ownPid: number,
): number | null {
  if (usec === undefined || !/^\d{1,15}$/.test(usec) || Number(usec) === 0) return null;
  if (pid !== undefined && pid !== "" && pid !== String(ownPid)) return null;
  return Number(usec) / 1_000;
}
