/** The words after `deno task soak`. */
import { parseArgs } from "node:util";

export interface SoakOptions {
  /** Of random change; healing and counting come on top. */
  readonly minutes: number;
  readonly seed: number;
  readonly nodes: number;
  readonly subsystems: number;
  readonly json: boolean;
  /** A leak put into the agent on purpose; the soak must then fail. */
  readonly leak: string | undefined;
}

export const usage =
  `deno task soak [--minutes N] [--seed S] [--nodes N] [--subsystems N] [--leak KIND] [-o json]

  --minutes N     of random change, 30 when left out; healing and counting come on top
  --seed S        the same changes again
  --nodes N       discovery controllers, 5 when left out
  --subsystems N  on every node when all is well, 8 when left out
  --leak KIND     has the agent leak on purpose (timer, socket, file, memory): the soak must fail
  -o json         the samples as JSON on stdout`;

/** Throws Error in words for people. `newSeed` is taken where none is given. */
export function parseSoakOptions(words: readonly string[], newSeed: () => number): SoakOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: "string" },
      seed: { type: "string" },
      nodes: { type: "string" },
      subsystems: { type: "string" },
      leak: { type: "string" },
      output: { type: "string", short: "o" },
    },
  });
  if (values.output !== undefined && values.output !== "json") throw new Error("-o takes json");
  return {
    minutes: numberOf("minutes", values.minutes ?? "30", 0.5, 100_000),
    seed: values.seed === undefined ? newSeed() : wholeNumberOf("seed", values.seed, 0, 2 ** 32 - 1),
    nodes: wholeNumberOf("nodes", values.nodes ?? "5", 2, 50),
    subsystems: wholeNumberOf("subsystems", values.subsystems ?? "8", 2, 500),
    json: values.output === "json",
    leak: values.leak,
  };
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) {
    throw new Error(`--${name} takes a number from ${least} to ${most}, not ${text}`);
  }
  return value;
}

function wholeNumberOf(name: string, text: string, least: number, most: number): number {
  const value = numberOf(name, text, least, most);
  if (!Number.isInteger(value)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}
