/** What `serve` is asked for beyond the settings: how it runs, and entries that stand on the command line. */
import type { TraceRequest } from "../agent/recording.ts";
import type { Entry } from "../model/entry.ts";
import { type OptionValues, UsageError } from "./command.ts";
import { parseEntries } from "./entry_arguments.ts";
import { type OutputFormat, outputFormat } from "./output.ts";
import { parseTraceRequest } from "./trace_options.ts";

export interface ServeOptions {
  /** No state is kept; nothing below /etc changes. */
  readonly isEphemeral: boolean;
  readonly isDryRun: boolean;
  /** A dry run ends after its first whole picture. */
  readonly once: boolean;
  readonly format: OutputFormat;
  /** All the configuration there is; null: clientConfigDir is read. */
  readonly entries: readonly Omit<Entry, "origin">[] | null;
  /** Our own connections are recorded. */
  readonly trace: TraceRequest | null;
}

/** Throws UsageError for options that do not go together. */
export function parseServeOptions(options: OptionValues): ServeOptions {
  const isDryRun = options.flag("dry-run");
  const isEphemeral = isDryRun || options.flag("ephemeral");
  for (const long of ["once", "output"]) {
    if (isGiven(options, long) && !isDryRun) throw new UsageError(`Cannot use --${long} without --dry-run`);
  }
  for (const long of ["addresses", "hostnqn", "nqn", "hostid"]) {
    if (isGiven(options, long) && !isEphemeral) {
      throw new UsageError(
        `Cannot use --${long} without --ephemeral or --dry-run: the agent reads entry files`,
      );
    }
  }
  return {
    isEphemeral,
    isDryRun,
    once: options.flag("once"),
    format: outputFormat(options, "table"),
    entries: parseOwnEntries(options),
    trace: parseTraceRequest(options),
  };
}

function isGiven(options: OptionValues, long: string): boolean {
  return options.raw(long) !== undefined;
}

function parseOwnEntries(options: OptionValues): ServeOptions["entries"] {
  const together = ["addresses", "hostnqn", "nqn"];
  const missing = together.filter((long) => !isGiven(options, long));
  if (missing.length === together.length && !isGiven(options, "hostid")) return null;
  if (missing.length > 0) {
    const names = (longs: readonly string[]) => longs.map((long) => `--${long}`).join(", ");
    throw new UsageError(
      `Cannot use entries from the command line: ${names(together)} go together, ` +
        `missing ${names(missing)}`,
    );
  }
  if (isGiven(options, "clientConfigDir")) {
    throw new UsageError(
      "Cannot use --clientConfigDir with --addresses: those are all the configuration then",
    );
  }
  return parseEntries(options);
}
