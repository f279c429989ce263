/**
 * Entry files. A line costs only itself; what is told stays short and shows no secret; an accepted entry is written
 * as a line that means the same, and nothing of it breaks out of the kernel's option string.
 */
import { formatEntryFile } from "../../../src/config/entry_line.ts";
import { type ParsedFile, parseEntryFile } from "../../../src/config/entry_file.ts";
import { AgentError } from "../../../src/base/errors.ts";
import { limits } from "../../../src/base/limits.ts";
import { Secret } from "../../../src/base/secret.ts";
import type { Entry } from "../../../src/model/entry.ts";
import { formatConnectString } from "../../../src/plan/connect_string.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawFile } from "../draw_entry.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateBytes } from "../mutate.ts";

const encoder = new TextEncoder();

function tryInput(choices: Choices): void {
  const text = drawFile(choices);
  const bytes = choices.once(4) ? mutateBytes(choices, encoder.encode(text)) : encoder.encode(text);
  choices.note("file", new TextDecoder().decode(bytes));
  const parsed = parseEntryFile("f", bytes);
  checkErrors(parsed, bytes);
  const open = parsed.entries.map(withoutSecrets);
  const again = parseEntryFile("f", encoder.encode(formatEntryFile(open)));
  checkSame(again.errors, [], "An accepted entry is written as a bad line");
  checkSame(again.entries.map(placeless), open.map(placeless), "Parsed, formatted and parsed");
  for (const entry of parsed.entries) checkConnectString(entry);
}

function checkErrors({ entries, errors, badLines, unreadable }: ParsedFile, bytes: Uint8Array): void {
  const lines = bytes.filter((byte) => byte === 10).length + 1;
  // A key that was torn apart is no key to anybody; whole ones never show, wherever they stand.
  const tornKey = /(?<!DHHC-1:01:)(?<!S3cr3t)S3cr3t/.test(new TextDecoder().decode(bytes));
  check(entries.length + badLines <= lines, "More entries and bad lines than lines");
  check(errors.length <= limits.lineErrorsPerFileMax + 1, () => `${errors.length} errors are told`);
  check(unreadable === undefined || entries.length === 0, "An unreadable file has entries");
  check(badLines === 0 || errors.length > 0, "A bad line is not told");
  for (const { message, line, column } of errors) {
    check(/^[A-Z][\x20-\x7e\u2026]{5,1000}$/.test(message), () => `In odd words: ${message}`);
    check(tornKey || !message.includes("S3cr3t"), () => `Shows a secret: ${message}`);
    check(line >= 0 && line <= lines && column >= 0, () => `Stands at ${line}:${column}`);
  }
}

function withoutSecrets(entry: Entry): Entry {
  const { dhchapSecret: _own, dhchapCtrlSecret: _controllers, ...options } = entry.options;
  return { ...entry, options };
}

function placeless({ origin: _origin, ...entry }: Entry): object {
  return entry;
}

/** As many options as there are tokens: no value has smuggled one in. */
function checkConnectString({ cluster, traddr, trsvcid, hostid = "", options }: Entry): void {
  const path = { ...cluster, transport: "tcp" as const, traddr, trsvcid: String(trsvcid), options };
  try {
    const { text } = formatConnectString(path as never, hostid || "id", {}, null);
    // The kernel's own keyring has no token.
    const { keyring, ...others } = options;
    const values = Object.values({ ...others, ...keyring === ".nvme" ? {} : { keyring } })
      .filter((value) => value !== false && value !== undefined);
    checkSame(text.split(",").length, 6 + values.length, `Options of ${values.map(shown)}`);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // The settings may have the secret that the line leaves out.
    check(
      /characters long|concat needs a DH-CHAP secret/.test(error.message),
      `A connect string of an accepted entry: ${error.message}`,
    );
  }
}

function shown(value: unknown): string {
  return value instanceof Secret ? "[secret]" : String(value);
}

export const entryFile: FuzzTarget = { name: "entry_file", share: 3, tryInput };
