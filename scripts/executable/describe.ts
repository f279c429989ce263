/**
 * Finds out what an executable will be made of, for scripts/compile: writes the licences into the copy of the source,
 * and the parts into a file for the bill of materials. Arguments: project, copy, a file with the runtime, parts file.
 */
import { findRuntimeParts } from "./runtime_parts.ts";
import { licensesText } from "./licenses_text.ts";
import { type Lock, packagePlaces, readLibrary } from "./library_parts.ts";
import type { LicenseText, Parts } from "./parts.ts";

const [root = "", tree = "", runtimeFile = "", partsFile = ""] = Deno.args;

const { versionText } = await import(`file://${tree}/src/base/version.ts`) as { versionText(): string };
const lock = JSON.parse(Deno.readTextFileSync(`${root}/deno.lock`)) as Lock;
const parts: Parts = {
  version: versionText(),
  license: ownLicense(),
  libraries: packagePlaces(bundledSources()).map((place) => readLibrary(place, lock)),
  runtime: findRuntimeParts(Deno.readFileSync(runtimeFile), {
    deno: textBeside("deno_license.txt"),
    v8: textBeside("v8_license.txt"),
  }),
};
Deno.writeTextFileSync(partsFile, JSON.stringify(parts));
writeEmbedded(licensesText(parts));

/** Absolute paths of all files that came into the bundles. */
function bundledSources(): string[] {
  const directory = `${tree}/libraries`;
  const maps = [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) =>
    name.endsWith(".map")
  );
  if (maps.length === 0) throw new Error("Cannot tell what is in the bundles: they have no source maps");
  return maps.flatMap((name) => {
    const { sources } = JSON.parse(Deno.readTextFileSync(`${directory}/${name}`)) as { sources: string[] };
    return sources.map((source) => new URL(source, `file://${directory}/`).pathname);
  });
}

function ownLicense(): LicenseText | null {
  try {
    return { file: "LICENSE", text: Deno.readTextFileSync(`${root}/LICENSE`) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function textBeside(name: string): LicenseText {
  return { file: "LICENSE", text: Deno.readTextFileSync(new URL(name, import.meta.url)) };
}

function writeEmbedded(text: string): void {
  const file = `${tree}/src/cli/embedded_licenses.ts`;
  const line = 'export const embeddedLicenses: string = "";';
  const before = Deno.readTextFileSync(file);
  if (!before.includes(line)) throw new Error(`Cannot embed the licences: ${file} does not have its line`);
  Deno.writeTextFileSync(
    file,
    before.replace(line, () => `export const embeddedLicenses: string = ${JSON.stringify(text)};`),
  );
}
