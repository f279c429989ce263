/** What a fuzz target is, how a number of inputs is tried on one, and what a failure says. */
import { AgentError } from "../../src/base/errors.ts";
import { findCounterexample } from "../property.ts";
import { Choices, ChoicesArbitrary } from "./choices.ts";

export interface FuzzTarget {
  /** snake_case, as its file. */
  readonly name: string;
  /** How much of the time it gets; 1 unless it goes deeper than others. */
  readonly share?: number;
  /** Makes one input of choices, hands it to the code under test, and throws when a promise is broken. */
  readonly tryInput: (choices: Choices) => void;
}

/** An input that breaks a promise, made as simple as possible. */
export interface Violation {
  readonly target: string;
  /** Seed of the batch that held it. */
  readonly seed: number;
  /** The input itself: `replayInput` takes it. */
  readonly choices: readonly number[];
  /** What was broken, with its stack. */
  readonly error: string;
  /** The input in words. */
  readonly notes: readonly string[];
  readonly shrinks: number;
}

/** Tries `runs` inputs drawn from `seed`; the same two numbers give the same inputs. */
export function tryInputs(
  target: FuzzTarget,
  { runs, seed }: { runs: number; seed: number },
): Violation | null {
  const tryInput = (choices: Choices) => {
    try {
      target.tryInput(choices);
    } catch (error) {
      // Else simplifying could go round in circles.
      if (choices.isSimpler) throw error;
    }
  };
  const stackLines = Error.stackTraceLimit;
  // Most inputs are refused with an error that nobody looks at; its stack would be most of the time.
  Error.stackTraceLimit = 0;
  const found = findCounterexample(new ChoicesArbitrary(), tryInput, { runs, seed });
  Error.stackTraceLimit = stackLines;
  if (found === null) return null;
  const violation = replayInput(target, found.value.list);
  if (violation !== null) return { ...violation, seed, shrinks: found.shrinks };
  const error = `Failed once and not again, so it depends on inputs before it: ${errorText(found.error)}`;
  return { target: target.name, seed, choices: found.value.list, error, notes: [], shrinks: found.shrinks };
}

export function replayInput(target: FuzzTarget, list: readonly number[]): Violation | null {
  const choices = Choices.fromList(list);
  try {
    target.tryInput(choices);
    return null;
  } catch (error) {
    const notes = choices.notes.map(([name, value]) => `${name}: ${noteText(value)}`);
    return {
      target: target.name,
      seed: 0,
      choices: choices.list,
      error: errorText(error),
      notes,
      shrinks: 0,
    };
  }
}

export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: AgentError };

/** What the action gave, or the expected failure it ended with; a bug goes up. */
export function outcomeOf<T>(action: () => T): Outcome<T> {
  try {
    return { value: action() };
  } catch (error) {
    if (error instanceof AgentError) return { error };
    throw error;
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

function noteText(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes ${hexText(value)}`;
  return Deno.inspect(value, { depth: 6, strAbbreviateSize: 2_000, iterableLimit: 40, colors: false });
}

/** Runs of one byte shortened: `00*16`. */
function hexText(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length && parts.length < 200;) {
    let end = at + 1;
    while (bytes[end] === bytes[at] && end < bytes.length) end++;
    const hex = bytes[at]!.toString(16).padStart(2, "0");
    if (end - at > 3) parts.push(`${hex}*${end - at}`);
    else for (let n = at; n < end; n++) parts.push(hex);
    at = end;
  }
  return parts.join(" ");
}
