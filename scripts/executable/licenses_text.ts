/** The text that `--licenses` prints: a table of all parts, then the texts. */
import type { LicenseText, Parts } from "./parts.ts";

export function licensesText({ version, license, libraries, runtime }: Parts): string {
  const { deno, parts, crates } = runtime;
  const native = [deno, ...parts];
  const rows = [...libraries, ...native].map((part) => [
    `${part.name} ${part.version}`.trimEnd(),
    part.license === "" ? "its own, see below" : part.license,
  ]);
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  return [
    `discovery-client ${version}`,
    license === null ? "No licence has been stated for it." : `\n${license.text.trim()}`,
    "",
    "This executable also contains:",
    "",
    ...rows.map(([name = "", terms]) => `  ${name.padEnd(width)}  ${terms}`),
    "",
    wrap(
      `Deno, the runtime, brings the parts that follow it and Rust packages with licences of their own. The file ` +
        `tells the ${crates.length} at the end; all are in Cargo.lock below the address of Deno, and each states its ` +
        `licence in its package.`,
    ),
    "",
    ...native.map(({ name, version, url }) => `  ${`${name} ${version}`.trimEnd()}: ${url}`),
    ...[...libraries, ...native].flatMap(({ name, version, texts }) =>
      texts.flatMap((text) => chapter(`${name} ${version}`, text))
    ),
    "",
    rule("Rust packages in Deno"),
    "",
    wrap(crates.map(({ name, version }) => `${name} ${version}`).join(", ")),
    "",
  ].join("\n");
}

const columns = 100;

function rule(title: string): string {
  return `--- ${title} `.padEnd(columns, "-");
}

function chapter(title: string, { file, text }: LicenseText): string[] {
  return ["", rule(`${title}, ${file}`), "", text.trim()];
}

function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}
