/** What every command prints its result with: JSON in the predecessor's form, or a table. */
import { type OptionValues, UsageError } from "./command.ts";
import type { Environment } from "./environment.ts";

const outputFormats = ["json", "table"] as const;
export type OutputFormat = typeof outputFormats[number];

/** The format asked for. Throws UsageError. */
export function outputFormat(options: OptionValues, standard: OutputFormat): OutputFormat {
  return formatAmong(outputFormats, options, standard);
}

/** The same where other formats can be had. */
export function formatAmong<Format extends string>(
  formats: readonly Format[],
  options: OptionValues,
  standard: Format,
): Format {
  const text = options.text("output") ?? standard;
  const format = formats.find((known) => known === text);
  if (format === undefined) {
    throw new UsageError(
      `Cannot use --output ${JSON.stringify(text)}: expected ${formats.slice(0, -1).join(", ")} or ${
        formats.at(-1)
      }`,
    );
  }
  return format;
}

/** Whether a text may have colours: on a terminal that has them, unless the user objects (no-color.org). */
export function hasColours({ stdout, env }: Environment): boolean {
  return stdout.isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** Indented by two blanks, with a newline at the end. */
export function printJson({ stdout }: Environment, value: unknown): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
