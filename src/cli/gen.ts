/** `gen`: the manual, to standard output or a file for each command. */
import { ensureDirectory, writeFileAtomically } from "../io/atomic_file.ts";
import { absolutePath } from "../io/host_files.ts";
import type { CommandTable, OptionValues } from "./command.ts";
import type { Environment } from "./environment.ts";
import { manPages, wholeManPage } from "./man_page.ts";
import { markdownPages, wholeMarkdownPage } from "./markdown_page.ts";

const renderers = {
  man: { whole: wholeManPage, pages: manPages },
  markdown: { whole: wholeMarkdownPage, pages: markdownPages },
} as const;

/** Throws KernelError when a file cannot be written. */
export async function gen(
  { stdout }: Environment,
  format: keyof typeof renderers,
  options: OptionValues,
  table: CommandTable,
): Promise<number> {
  const { whole, pages } = renderers[format];
  const wanted = options.text("output");
  if (wanted === undefined) {
    stdout.write(whole(table));
    return 0;
  }
  const directory = absolutePath(wanted);
  await ensureDirectory(directory);
  for (const { fileName, text } of pages(table)) {
    const path = `${directory}/${fileName}`;
    await writeFileAtomically({ path, temporaryPath: `${path}.tmp`, text, mode: 0o644, replace: true });
    stdout.write(`${path}\n`);
  }
  return 0;
}
