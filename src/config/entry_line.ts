/** Entries as lines of an entry file, for files that we write ourselves. Refuses secrets. */
import { assert } from "../base/assert.ts";
import type { Entry } from "../model/entry.ts";
import { quoteLineWord } from "./line_words.ts";

/**
 * The line of an entry file that means `entry`, without the newline; `parseEntryFile` reads it back. Lines with
 * secrets are for the consumer to write: this asserts that there are none.
 */
export function formatEntryLine(entry: Omit<Entry, "origin">): string {
  const { cluster, options } = entry;
  assert(
    options.dhchapSecret === undefined && options.dhchapCtrlSecret === undefined,
    "Entry holds a secret",
  );
  const words: string[] = [];
  const add = (name: string, value: string | number | undefined) => {
    if (value === undefined) return;
    const word = quoteLineWord(String(value));
    // A word that begins like an option is taken for one.
    if (/^-\D/.test(String(value))) words.push(`${name}=${word}`);
    else words.push(name, word);
  };
  const addFlag = (name: string, value: boolean | undefined) => {
    if (value) words.push(name);
  };
  add("-t", entry.transport);
  add("-a", entry.traddr);
  add("-s", entry.trsvcid);
  add("-q", cluster.hostnqn);
  add("-n", cluster.subsysnqn);
  add("-I", entry.hostid);
  addFlag("-p", entry.persistent);
  add("-w", options.hostTraddr);
  add("-f", options.hostIface);
  add("-l", options.ctrlLossTmo);
  add("-k", options.keepAliveTmo);
  add("-c", options.reconnectDelay);
  add("-i", options.nrIoQueues);
  add("-W", options.nrWriteQueues);
  add("-P", options.nrPollQueues);
  add("-Q", options.queueSize);
  add("-F", options.fastIoFailTmo);
  add("-T", options.tos);
  addFlag("-d", options.disableSqflow);
  addFlag("-g", options.hdrDigest);
  addFlag("-G", options.dataDigest);
  addFlag("--tls", options.tls);
  addFlag("--concat", options.concat);
  add("--tls-key", options.tlsKey);
  add("--keyring", options.keyring);
  return words.join(" ");
}

/** The content of an entry file: a line an entry. */
export function formatEntryFile(entries: readonly Omit<Entry, "origin">[]): string {
  return entries.map((entry) => `${formatEntryLine(entry)}\n`).join("");
}
