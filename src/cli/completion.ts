/** `completion`: a script that teaches a shell our command line. One file each knows how a shell wants it. */
import { bashCompletion } from "./bash_completion.ts";
import type { CommandTable } from "./command.ts";
import type { Environment } from "./environment.ts";
import { fishCompletion } from "./fish_completion.ts";
import { zshCompletion } from "./zsh_completion.ts";

const renderers = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export function completion(
  { stdout }: Environment,
  shell: keyof typeof renderers,
  table: CommandTable,
): Promise<number> {
  stdout.write(renderers[shell](table));
  return Promise.resolve(0);
}
