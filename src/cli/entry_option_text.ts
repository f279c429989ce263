/** The options of an entry line in words: the same in the help of the commands and in discovery.d(5). */
import type { EntryDraft, EntryOption } from "../config/entry_options.ts";

export interface EntryOptionText {
  /** Name of the value; empty for a flag. */
  readonly value: string;
  /** One sentence without a full stop. */
  readonly about: string;
}

const texts: Readonly<Record<string, readonly [value: string, about: string]>> = {
  "transport": ["tcp", "The only transport there is"],
  "traddr": [
    "ADDRESS",
    "Address or host name of the discovery service, with or without a port; a path's address comes from the log",
  ],
  "trsvcid": ["PORT", "Its port, 8009 without; a path's port comes from the log"],
  "hostnqn": ["NQN", "Name of this host towards the cluster"],
  "subsysnqn": ["NQN", "The cluster; a path's subsystem comes from the log"],
  "hostid": ["UUID", "Identifier of this host; that of the machine without"],
  "persistent": ["", "Understood and without effect: every session stays"],
  "host-traddr": ["ADDRESS", "Address of this host that connections leave by"],
  "host-iface": ["NAME", "Network interface that connections leave by"],
  "ctrl-loss-tmo": ["SECONDS", "How long the kernel tries to bring a lost controller back, -1 for ever"],
  "keep-alive-tmo": ["SECONDS", "Keep Alive Timeout of a controller"],
  "reconnect-delay": ["SECONDS", "Pause between the kernel's attempts to reconnect"],
  "nr-io-queues": ["NUMBER", "I/O queues of a controller"],
  "nr-write-queues": ["NUMBER", "Queues for writes alone, beside the I/O queues"],
  "nr-poll-queues": ["NUMBER", "Queues for polled I/O, beside the others"],
  "queue-size": ["NUMBER", "Entries of an I/O queue, 16 to 1024"],
  "fast-io-fail-tmo": ["SECONDS", "How long I/O of a lost controller waits before it fails, -1 to the end"],
  "tos": ["NUMBER", "Type of service of the connection's packets, 0 to 255"],
  "disable-sqflow": ["", "No flow control of the submission queue"],
  "dhchap-secret": ["SECRET", "DH-HMAC-CHAP secret of this host"],
  "dhchap-ctrl-secret": ["SECRET", "DH-HMAC-CHAP secret of the controller"],
  "hdr-digest": ["", "Checksums over headers"],
  "data-digest": ["", "Checksums over data"],
  "tls": ["", "Encrypt by TLS"],
  "concat": ["", "Encrypt by TLS with a key that DH-HMAC-CHAP brings about"],
  "tls-key": ["SERIAL", "Serial number of the TLS key"],
  "keyring": ["SERIAL", "Serial number of the keyring of TLS keys"],
};

/** A new option of entry lines shows up without a text of its own. */
export function entryOptionText({ names: [name] }: EntryOption): EntryOptionText {
  const [value, about] = texts[name] ?? ["VALUE", "As in an entry file"];
  return { value, about };
}

/** Which numbers an option takes, `1 to 65535`, as its own reader tells it; empty where it takes something else. */
export function entryOptionRange({ read }: EntryOption): string {
  const draft: EntryDraft = { options: {} };
  return /^a whole number from (-?\d+ to \d+)$/.exec(read?.(draft, "") ?? "")?.[1] ?? "";
}
