import { Secret } from "../base/secret.ts";

/**
 * What an entry may say about the connections of its cluster; the names and units of /dev/nvme-fabrics tokens.
 * A field left out means the kernel's default, or the settings' where they name one.
 */
export interface ConnectOptions {
  /** Source address, token `host_traddr`. */
  readonly hostTraddr?: string;
  /** Network interface, token `host_iface`. */
  readonly hostIface?: string;
  /** Seconds a lost controller is kept before the kernel gives it up; -1 for ever. */
  readonly ctrlLossTmo?: number;
  /** Seconds. */
  readonly keepAliveTmo?: number;
  /** Seconds. */
  readonly reconnectDelay?: number;
  readonly nrIoQueues?: number;
  /** Queues for writes alone, beside the I/O queues. */
  readonly nrWriteQueues?: number;
  /** Queues for polled I/O, beside the others. */
  readonly nrPollQueues?: number;
  /** Entries of an I/O queue. */
  readonly queueSize?: number;
  /** Seconds a lost controller's I/O waits before it fails, while the controller is kept; -1 waits to the end. */
  readonly fastIoFailTmo?: number;
  /** Type of service of the connection's packets, 0 to 255. */
  readonly tos?: number;
  /** No flow control of the submission queue. */
  readonly disableSqflow?: boolean;
  readonly dhchapSecret?: Secret;
  readonly dhchapCtrlSecret?: Secret;
  readonly hdrDigest?: boolean;
  readonly dataDigest?: boolean;
  readonly tls?: boolean;
  /** TLS with a key that DH-CHAP brings about; needs a secret, and excludes `tls`. */
  readonly concat?: boolean;
  /** Key serial of the TLS PSK, as text (decimal or hex). */
  readonly tlsKey?: string;
  /** Keyring serial, as text, or `.nvme`, the kernel's own. */
  readonly keyring?: string;
}

/** Equal by value, secrets included (compared, never shown). */
export function sameConnectOptions(a: ConnectOptions, b: ConnectOptions): boolean {
  if (a === b) return true;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const x = left[key];
    const y = right[key];
    if (x instanceof Secret && y instanceof Secret ? !x.equals(y) : x !== y) return false;
  }
  return true;
}

/** Whether something in it must stay unknown to others. */
export function holdsSecret(options: ConnectOptions): boolean {
  return Object.values(options).some((value) => value instanceof Secret);
}
