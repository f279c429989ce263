/**
 * The command line by commander, built from the table of commands: parsing, help, complaints with the nearest name.
 * The only file that knows the library. What a command does is none of its business.
 */
import { Command, CommanderError, Option } from "commander";
import { nearestWord } from "../base/nearest_word.ts";
import { versionText } from "../base/version.ts";
import { type CommandSpec, type OptionSpec, type OptionValue, OptionValues, UsageError } from "./command.ts";
import { commandGroups, commands, programAbout } from "./commands.ts";
import type { Environment, Output } from "./environment.ts";
import { normalizeArgs } from "./normalize_args.ts";
import { configOption } from "./setting_options.ts";
import { helpOption, licensesOption, optionHelp, optionTerm, versionOption } from "./option_text.ts";

const helpColumnsMax = 110;

/** What the predecessor called otherwise. */
const formerCommands: Readonly<Record<string, string>> = {
  "gen doc": "gen markdown --output DIR",
  "gen autocomplete": "completion bash",
};

/**
 * Runs the command that the arguments name; answers its exit status. Throws UsageError, and what the command throws.
 */
export async function runProgram(
  environment: Environment,
  specs: readonly CommandSpec[] = commands,
): Promise<number> {
  let status = 0;
  const given = askedForHelp(configLast(environment.args));
  if (given.length === 1 && given[0] === `--${licensesOption.long}`) {
    environment.stdout.write((await import("./licenses.ts")).licensesText());
    return 0;
  }
  const found = findCommand(given, specs);
  // All of them would cost a third of the time that a short command takes; they are for help and for mistyped names.
  const needed = found === undefined ? specs : [found];
  const root = buildProgram(environment, needed, (answer) => status = answer);
  const args = found === undefined ? given : [...found.words, ...commandArgs(given, found)];
  try {
    await root.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.help") throw new UsageError("");
    if (error.code === "commander.missingMandatoryOptionValue" && found !== undefined) {
      checkOptionNames(args, found.options);
    }
    const former = formerCommands[given.slice(0, 2).join(" ")];
    if (error.exitCode !== 0) {
      throw new UsageError(
        complaint(error.message) + (former === undefined ? "" : `; did you mean ${former}?`),
      );
    }
  }
  return status;
}

/**
 * `help serve` means `serve --help`, as it did with the predecessor. Help of what does not exist is a mistake to be told,
 * where the library would explain everything else.
 */
function askedForHelp(args: readonly string[]): readonly string[] {
  const words = args[0] === "help" ? [...args.slice(1), "--help"] : args;
  const [first, second = "-"] = words;
  if (first === undefined || first.startsWith("-") || findCommand(words) !== undefined) return words;
  if (Object.hasOwn(commandGroups, first) && second.startsWith("-")) return words;
  return words.filter((word) => word !== "--help" && word !== "-h");
}

/** `--config` may stand before the command, as it could with the predecessor. */
function configLast(args: readonly string[]): readonly string[] {
  const count = args[0] === `--${configOption.long}`
    ? 2
    : args[0]?.startsWith(`--${configOption.long}=`)
    ? 1
    : 0;
  if (count === 0) return args;
  const rest = args.slice(count);
  const words = findCommand(rest)?.words.length ?? rest.length;
  return [...rest.slice(0, words), ...args.slice(0, count), ...rest.slice(words)];
}

/** Every command of the predecessor took `--config`, whether it had a use for it or not. */
function commandArgs(given: readonly string[], { words, options }: CommandSpec): string[] {
  const args = given.slice(words.length);
  if (options.some(({ long }) => long === configOption.long)) return normalizeArgs(args, options);
  const normal = normalizeArgs(args, [...options, configOption]);
  const end = normal.indexOf("--");
  return normal.filter((word, at) => !word.startsWith(`--${configOption.long}=`) || (end >= 0 && at > end));
}

/** The library looks for required options first; a misspelt one is why it is missing. Throws UsageError. */
function checkOptionNames(args: readonly string[], options: readonly OptionSpec[]): void {
  const names = options.map(({ long }) => long);
  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const name = /^--?([^=]+)/.exec(arg)?.[1];
    if (name === undefined || names.includes(name)) continue;
    const nearest = arg.startsWith("--") ? nearestWord(name, names) : null;
    const shown = arg.startsWith("--") ? `--${name}` : `-${name}`;
    throw new UsageError(
      `Unknown option '${shown}'${nearest === null ? "" : `; did you mean --${nearest}?`}`,
    );
  }
}

function findCommand(args: readonly string[], specs = commands): CommandSpec | undefined {
  return specs.find(({ words }) => words.every((word, at) => args[at] === word));
}

/** The leading words that name a command or a group of them: what can be asked for help. */
export function helpWords(args: readonly string[]): string[] {
  const known = findCommand(args)?.words;
  if (known !== undefined) return [...known];
  return args[0] !== undefined && Object.hasOwn(commandGroups, args[0]) ? [args[0]] : [];
}

/** `error: unknown option '--x'\n(Did you mean --y?)` in the form that all our messages have. */
function complaint(text: string): string {
  const [first = "", ...hints] = text.replace(/^error: /, "").split("\n").filter((line) => line !== "");
  const hint = hints.join(" ").replace(/^\(Did you mean (.*)\?\)$/, "did you mean $1?");
  const line = (first.charAt(0).toUpperCase() + first.slice(1))
    .replace(
      /^Too many arguments for '.*'\. Expected \d arguments? but got \d+: (.*)\.$/,
      "Unexpected argument '$1'",
    );
  return hint === "" ? line : `${line}; ${hint}`;
}

function buildProgram(
  environment: Environment,
  specs: readonly CommandSpec[],
  onStatus: (status: number) => void,
): Command {
  const root = dressed(new Command("discovery-client"), environment)
    .description(programAbout)
    .version(versionText(), optionTerm(versionOption), versionOption.about)
    .option(optionTerm(licensesOption), licensesOption.about)
    .helpCommand(false)
    .addHelpText("after", "\nEach command explains itself: discovery-client <command> --help");
  const groups = new Map<string, Command>();
  for (const spec of specs) {
    const [first = "", second] = spec.words;
    let parent = root;
    if (second !== undefined) {
      parent = groups.get(first) ?? dressed(root.command(first), environment)
        .description(commandGroups[first] ?? "").helpCommand(false);
      groups.set(first, parent);
    }
    addCommand(parent, spec, environment, onStatus);
  }
  return root;
}

function addCommand(
  parent: Command,
  spec: CommandSpec,
  environment: Environment,
  onStatus: (status: number) => void,
): void {
  const command = dressed(parent.command(spec.words.at(-1) ?? ""), environment)
    .summary(spec.about)
    .description(spec.details === undefined ? spec.about : `${spec.about}\n\n${spec.details}`)
    .addHelpText("after", helpExamples(spec));
  const options = spec.options.map((option) => [option, toOption(option)] as const);
  for (const [, option] of options) command.addOption(option);
  const operand = spec.options.find((option) => option.operand);
  if (operand !== undefined) command.argument(`[${operand.value}]`, `the same as --${operand.long}`);
  command.action(async () => {
    const found = command.opts<Record<string, OptionValue>>();
    const [word] = command.args;
    if (word !== undefined && operand !== undefined && command.getOptionValue(operand.long) !== undefined) {
      throw new UsageError(`Unexpected argument '${word}' beside --${operand.long}`);
    }
    const values = options.map(([{ long }, option]) => {
      const value = found[option.attributeName()] ?? (long === operand?.long ? word : undefined);
      // The library takes `--no-x` for the denial of `--x`, which is true without it.
      return [long, option.negate ? value === false : value];
    });
    onStatus(await spec.run(environment, new OptionValues(Object.fromEntries(values))));
  });
}

function helpExamples({ examples }: CommandSpec): string {
  const lines = examples.map((example) => `  ${example}\n`).join("");
  return `\n${examples.length === 1 ? "Example" : "Examples"}:\n${lines}`.trimEnd();
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(optionTerm(spec), optionHelp(spec));
  if (spec.required) option.makeOptionMandatory();
  if (spec.many) {
    option.argParser((text: string, before: string[] | undefined) => [...before ?? [], ...items(text)]);
  }
  return option;
}

function items(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

/** Every command writes through the environment, and throws where the library would exit. */
function dressed(command: Command, { stdout, stderr }: Environment): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .helpOption(optionTerm(helpOption), helpOption.about)
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => helpColumns(stdout),
      getErrHelpWidth: () => helpColumns(stderr),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

function helpColumns({ columns }: Output): number {
  return Math.min(columns ?? helpColumnsMax, helpColumnsMax);
}
