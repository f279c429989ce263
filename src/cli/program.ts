/**
 * The command line by commander, built from the table of commands: parsing, help, complaints with the nearest name.
 * The only file that knows the library. What a command does is none of its business.
 */
import { Command, CommanderError, Option } from "commander";
import { versionText } from "../base/version.ts";
import { type CommandSpec, type OptionSpec, type OptionValue, OptionValues, UsageError } from "./command.ts";
import { commandGroups, commands } from "./commands.ts";
import type { Environment, Output } from "./environment.ts";
import { normalizeArgs } from "./normalize_args.ts";

const helpColumnsMax = 110;

/**
 * Runs the command that the arguments name; answers its exit status. Throws UsageError, and what the command throws.
 */
export async function runProgram(environment: Environment): Promise<number> {
  let status = 0;
  const root = buildProgram(environment, (found) => status = found);
  const found = findCommand(environment.args);
  const args = found === undefined
    ? environment.args
    : [...found.words, ...normalizeArgs(environment.args.slice(found.words.length), found.options)];
  try {
    await root.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.help") throw new UsageError("");
    if (error.exitCode !== 0) throw new UsageError(complaint(error.message));
  }
  return status;
}

function findCommand(args: readonly string[]): CommandSpec | undefined {
  return commands.find(({ words }) => words.every((word, at) => args[at] === word));
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
  const line = first.charAt(0).toUpperCase() + first.slice(1);
  return hint === "" ? line : `${line}; ${hint}`;
}

function buildProgram(environment: Environment, onStatus: (status: number) => void): Command {
  const root = dressed(new Command("discovery-client"), environment)
    .description("Keeps this host connected to its NVMe/TCP volumes, whatever the storage cluster does")
    .version(versionText(), "-V, --version", "print the version")
    .helpCommand(false)
    .addHelpText("after", "\nEach command explains itself: discovery-client <command> --help");
  const groups = new Map<string, Command>();
  for (const spec of commands) {
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
  command.action(async () => {
    const found = command.opts<Record<string, OptionValue>>();
    const values = options.map(([{ long }, option]) => [long, found[option.attributeName()]]);
    onStatus(await spec.run(environment, new OptionValues(Object.fromEntries(values))));
  });
}

function helpExamples({ examples }: CommandSpec): string {
  const lines = examples.map((example) => `  ${example}\n`).join("");
  return `\n${examples.length === 1 ? "Example" : "Examples"}:\n${lines}`.trimEnd();
}

function toOption(spec: OptionSpec): Option {
  const value = spec.value === undefined ? "" : spec.valueOptional ? ` [${spec.value}]` : ` <${spec.value}>`;
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  const option = new Option(`${short}--${spec.long}${value}`, optionHelp(spec));
  if (spec.required) option.makeOptionMandatory();
  if (spec.many) {
    option.argParser((text: string, before: string[] | undefined) => [...before ?? [], ...items(text)]);
  }
  return option;
}

function items(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

function optionHelp({ about, standard, envName, required, many }: OptionSpec): string {
  const notes = [
    required ? "required" : "",
    many ? "may be repeated, or a comma list" : "",
    standard === undefined ? "" : `default: ${standard}`,
    envName === undefined ? "" : `env: ${envName}`,
  ].filter((note) => note !== "");
  return notes.length === 0 ? about : `${about} (${notes.join(", ")})`;
}

/** Every command writes through the environment, and throws where the library would exit. */
function dressed(command: Command, { stdout, stderr }: Environment): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .helpOption("-h, --help", "print this help")
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
