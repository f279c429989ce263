/** An option in words: the same in help texts, manual pages and completion scripts. */
import type { OptionSpec } from "./command.ts";

/** `-o, --output <FORMAT>`. */
export function optionTerm({ long, short, value, valueOptional }: OptionSpec): string {
  const shown = value === undefined ? "" : valueOptional ? ` [${value}]` : ` <${value}>`;
  return `${short === undefined ? "" : `-${short}, `}--${long}${shown}`;
}

/** What it does, with what help should not leave out in brackets. */
export function optionHelp({ about, standard, envName, required, many, operand }: OptionSpec): string {
  const notes = [
    operand ? "may stand without its name" : "",
    required ? "required" : "",
    many ? "may be repeated, or a comma list" : "",
    standard === undefined ? "" : `default: ${standard}`,
    envName === undefined ? "" : `env: ${envName}`,
  ].filter((note) => note !== "");
  return notes.length === 0 ? about : `${about} (${notes.join(", ")})`;
}

/** Every command's own besides those of the table. */
export const helpOption: OptionSpec = { long: "help", short: "h", about: "print this help" };

/** The program's own. */
export const versionOption: OptionSpec = { long: "version", short: "V", about: "print the version" };
export const licensesOption: OptionSpec = {
  long: "licenses",
  about: "print the licences of all that this executable contains",
};

/** What may stand where a command could. */
export const programOptions: readonly OptionSpec[] = [helpOption, versionOption, licensesOption];
