/**
 * The fuzz targets. A target takes `Choices` (numbers drawn from a seed), makes one input of them - a valid one that
 * it then spoils, since random bytes are refused at the first check - hands it to the code under test, and throws
 * when a promise is broken:
 *
 * - no failure but an AgentError (`outcomeOf` lets bugs through), no hang (the command watches over that), nothing
 *   held or piled up beyond `src/base/limits.ts`;
 * - what is encoded is decoded the same; what is accepted is encoded again to something that means the same.
 *
 * To add one: a file in `targets/` named for its subject, with one exported `FuzzTarget`; a line in the list below.
 * Draw with `choices` only (the input must depend on nothing else), let 0 be the simplest choice (a failing input is
 * shrunk towards shorter lists of smaller numbers), and `choices.note` what a reader of a failure wants to see.
 *
 *     deno task fuzz --list
 *     deno task fuzz [--seconds S | --runs N] [--jobs J] [--seed X] [-o json] [NAME…]
 *     deno task fuzz --input 1,0,255 NAME      one input again, as a failure prints it
 */
import type { FuzzTarget } from "./fuzz_target.ts";
import { address } from "./targets/address.ts";
import { adminQueue } from "./targets/admin_queue.ts";
import { command } from "./targets/command.ts";
import { completion } from "./targets/completion.ts";
import { crc32c } from "./targets/crc32c.ts";
import { discoveryLog } from "./targets/discovery_log.ts";
import { duration } from "./targets/duration.ts";
import { entryFile } from "./targets/entry_file.ts";
import { framer } from "./targets/framer.ts";
import { growingBytes } from "./targets/growing_bytes.ts";
import { httpHead } from "./targets/http_head.ts";
import { identify } from "./targets/identify.ts";
import { kmsg } from "./targets/kmsg.ts";
import { lineWords } from "./targets/line_words.ts";
import { logReader } from "./targets/log_reader.ts";
import { nqn } from "./targets/nqn.ts";
import { pdu } from "./targets/pdu.ts";
import { probe } from "./targets/probe.ts";
import { quote } from "./targets/quote.ts";
import { session } from "./targets/session.ts";
import { settings } from "./targets/settings.ts";
import { state } from "./targets/state.ts";
import { sysfs } from "./targets/sysfs.ts";
import { uevent } from "./targets/uevent.ts";

export const fuzzTargets: readonly FuzzTarget[] = [
  framer,
  pdu,
  command,
  completion,
  crc32c,
  identify,
  discoveryLog,
  nqn,
  address,
  duration,
  quote,
  lineWords,
  entryFile,
  settings,
  state,
  sysfs,
  uevent,
  kmsg,
  httpHead,
  growingBytes,
  probe,
  adminQueue,
  logReader,
  session,
];
