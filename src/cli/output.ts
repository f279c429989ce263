/** What every command prints its result with: JSON in the predecessor's form, or a table. */
import { type OptionValues, UsageError } from "./command.ts";
import type { Environment } from "./environment.ts";

const outputFormats = ["json", "table"] as const;
export type OutputFormat = typeof outputFormats[number];

/** The format asked for. Throws UsageError. */
export function outputFormat(options: OptionValues, standard: OutputFormat): OutputFormat {
  const text = options.text("output") ?? standard;
  const format = outputFormats.find((known) => known === text);
  if (format === undefined) {
    throw new UsageError(
      `Cannot use --output ${JSON.stringify(text)}: expected ${outputFormats.join(" or ")}`,
    );
  }
  return format;
}

/** Indented by two blanks, with a newline at the end. */
export function printJson({ stdout }: Environment, value: unknown): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
