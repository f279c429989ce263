/**
 * Tells systemd how we are (sd_notify(3)): one datagram each to the socket that NOTIFY_SOCKET names. Without that
 * variable it does nothing. Never throws: a service manager that does not listen must not stop us.
 */
import type { Notifier } from "../model/world.ts";
import { sendUnixDatagram } from "./libc.ts";

export class SystemdNotifier implements Notifier {
  readonly #socketPath: string | undefined;
  readonly #onProblem: (error: Error) => void;
  #lastStatus = "";

  constructor(
    onProblem: (error: Error) => void = () => {},
    socketPath: string | undefined = Deno.env.get("NOTIFY_SOCKET"),
  ) {
    this.#socketPath = socketPath;
    this.#onProblem = onProblem;
  }

  ready(): void {
    this.#send("READY=1");
  }

  /** One line; the same line twice in a row is sent once. */
  status(text: string): void {
    // A line break would start another variable.
    // deno-lint-ignore no-control-regex
    const line = text.replace(/[\x00-\x1f\x7f]/g, " ");
    if (line === this.#lastStatus) return;
    this.#lastStatus = line;
    this.#send(`STATUS=${line}`);
  }

  stopping(): void {
    this.#send("STOPPING=1");
  }

  #send(message: string): void {
    if (this.#socketPath === undefined || this.#socketPath === "") return;
    try {
      sendUnixDatagram(this.#socketPath, new TextEncoder().encode(message));
    } catch (error) {
      this.#onProblem(error as Error);
    }
  }
}
