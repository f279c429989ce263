/**
 * The one line written to /dev/nvme-fabrics for a path (Linux drivers/nvme/host/fabrics.c, option table).
 *
 * Values have no quoting there, so one with a comma or a control character could add options: it is refused, always,
 * whatever was checked before. Tokens the running kernel does not know are left out and named, but for those that
 * secure the connection: without them it is not made.
 */
import { KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { Secret } from "../base/secret.ts";
import type { ConnectOptions } from "../model/connect_options.ts";
import type { Path } from "../model/path.ts";

export interface ConnectString {
  /** May hold secrets: for the device alone. */
  readonly text: string;
  /** Tokens asked for that the kernel does not know. */
  readonly leftOut: readonly string[];
}

/** A key or keyring that the kernel does not know of would be another one than was asked for. */
const securityTokens: ReadonlySet<string> = new Set([
  "tls",
  "tls_key",
  "keyring",
  "concat",
  "dhchap_secret",
  "dhchap_ctrl_secret",
]);

/** Throws KernelError `EINVAL` when a value cannot be written safely, or security asked for cannot be had. */
export function formatConnectString(
  path: Path,
  hostid: string,
  defaults: ConnectOptions,
  supported: ReadonlySet<string> | null,
): ConnectString {
  const options = { ...defaults, ...definedOnly(path.options) };
  const problem = combinationProblem(options);
  if (problem !== null) throw new KernelError("EINVAL", `Cannot connect: ${problem}`);
  // `nqn` comes before the queue options: the kernel resets these when it meets a discovery NQN.
  const tokens: [string, string | number | boolean | Secret | undefined][] = [
    ["transport", path.transport],
    ["nqn", path.subsysnqn],
    ["traddr", path.traddr],
    ["trsvcid", path.trsvcid],
    ["hostnqn", path.hostnqn],
    ["hostid", hostid],
    ...optionTokens(options),
  ];
  const parts: string[] = [];
  const leftOut: string[] = [];
  for (const [name, value] of tokens) {
    if (value === undefined || value === false) continue;
    if (supported !== null && !supported.has(name)) {
      if (securityTokens.has(name)) {
        throw new KernelError(
          "EINVAL",
          `Cannot connect: this kernel does not know the option ${name}, without which it would not be secured`,
        );
      }
      leftOut.push(name);
    } else parts.push(value === true ? name : `${name}=${checkedValue(name, value)}`);
  }
  const text = parts.join(",");
  if (text.length > limits.connectStringCharsMax) {
    throw new KernelError("EINVAL", `Cannot connect: the options are ${text.length} characters long`);
  }
  return { text, leftOut };
}

function optionTokens(
  options: ConnectOptions,
): [string, string | number | boolean | Secret | undefined][] {
  return [
    ["host_traddr", options.hostTraddr],
    ["host_iface", options.hostIface],
    ["ctrl_loss_tmo", options.ctrlLossTmo],
    ["keep_alive_tmo", options.keepAliveTmo],
    ["reconnect_delay", options.reconnectDelay],
    // 0 means the kernel's own choice, one queue a CPU.
    ["nr_io_queues", options.nrIoQueues === 0 ? undefined : options.nrIoQueues],
    ["nr_write_queues", options.nrWriteQueues],
    ["nr_poll_queues", options.nrPollQueues],
    ["queue_size", options.queueSize],
    ["fast_io_fail_tmo", options.fastIoFailTmo],
    ["tos", options.tos],
    ["disable_sqflow", options.disableSqflow],
    ["hdr_digest", options.hdrDigest],
    ["data_digest", options.dataDigest],
    ["dhchap_secret", options.dhchapSecret],
    ["dhchap_ctrl_secret", options.dhchapCtrlSecret],
    ["tls", options.tls],
    ["concat", options.concat],
    ["tls_key", options.tlsKey],
    // The token takes numbers only; `.nvme` is what the kernel uses without it.
    ["keyring", options.keyring === ".nvme" ? undefined : options.keyring],
  ];
}

/** What the kernel refuses with EINVAL and a line in its log (nvmf_parse_options), in words. */
function combinationProblem({ concat, tls, tlsKey, dhchapSecret }: ConnectOptions): string | null {
  if (concat !== true) return null;
  if (tls === true) return "concat brings its own TLS, and tls was asked for beside it";
  if (tlsKey !== undefined) return "concat makes its own key, and tls_key was given";
  return dhchapSecret === undefined ? "concat needs a DH-CHAP secret, and there is none" : null;
}

function definedOnly(options: ConnectOptions): ConnectOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function checkedValue(name: string, value: string | number | true | Secret): string {
  const text = value instanceof Secret ? value.reveal() : String(value);
  if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(text)) {
    throw new KernelError(
      "EINVAL",
      `Cannot connect: the value of ${name} holds a comma, a space or a control character, or is empty`,
    );
  }
  return text;
}
