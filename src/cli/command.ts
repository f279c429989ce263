/** What a subcommand is, as data: help, argument parsing and later documents derive from it. */
import { assert } from "../base/assert.ts";
import { ConfigError } from "../base/errors.ts";
import type { Environment } from "./environment.ts";

export interface OptionSpec {
  /** Without dashes. Understood in any case. */
  readonly long: string;
  /** Other spellings of it that are understood and shown nowhere. */
  readonly aliases?: readonly string[];
  /** One letter. */
  readonly short?: string;
  /** Name of the value in help texts; an option without one is a flag. */
  readonly value?: string;
  /** The value may be left out: `--x` means `--x=true`. */
  readonly valueOptional?: boolean;
  /** All values there are, for completion and documents. */
  readonly choices?: readonly string[];
  /** What the value names, so that shells can complete it. */
  readonly names?: "file" | "directory" | "device";
  /** May be given several times, and several values with commas between. */
  readonly many?: boolean;
  /** A word without any option's name is its value, too. One option of a command at most. */
  readonly operand?: boolean;
  readonly required?: boolean;
  /** One sentence without a full stop. */
  readonly about: string;
  /** What counts when it is left out, as help shows it. */
  readonly standard?: string;
  /** Environment variable that says the same. */
  readonly envName?: string;
}

export interface CommandSpec {
  /** Words that call it: `["list", "ctrl"]`. */
  readonly words: readonly string[];
  /** One line. */
  readonly about: string;
  /** More lines, for its own help. */
  readonly details?: string;
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** Answers the exit status. Loads its code only when called. */
  readonly run: (environment: Environment, options: OptionValues) => Promise<number>;
}

/** All of the command line, as completion scripts and manuals need it. */
export interface CommandTable {
  readonly about: string;
  /** First words that only lead to other commands, and what they mean. */
  readonly groups: Readonly<Record<string, string>>;
  readonly commands: readonly CommandSpec[];
}

/** The command line asks for something that does not exist or makes no sense: exit status 2. */
export class UsageError extends ConfigError {
  constructor(message: string) {
    super("usage", message);
  }
}

export type OptionValue = string | boolean | readonly string[] | undefined;

/** Values of the options given, by long name. */
export class OptionValues {
  readonly #values: Readonly<Record<string, OptionValue>>;

  constructor(values: Readonly<Record<string, OptionValue>>) {
    this.#values = values;
  }

  text(long: string): string | undefined {
    const value = this.#values[long];
    assert(value === undefined || typeof value === "string", `--${long} is no text`);
    return value;
  }

  /** A text of an option that is required or has a default. */
  given(long: string): string {
    const text = this.text(long);
    assert(text !== undefined, `--${long} is missing`);
    return text;
  }

  list(long: string): readonly string[] {
    const value = this.#values[long] ?? [];
    assert(Array.isArray(value), `--${long} is no list`);
    return value;
  }

  flag(long: string): boolean {
    return this.#values[long] === true;
  }

  /** As given, whatever kind it is. */
  raw(long: string): OptionValue {
    return this.#values[long];
  }
}
