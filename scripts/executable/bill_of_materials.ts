/**
 * The bill of materials of an executable, CycloneDX 1.6, as a value. The same executable always has the same one: its
 * number is made of the executable's sum and its time is the commit's.
 *
 * Source: https://cyclonedx.org/docs/1.6/json/
 */
import type { Library, LicenseText, Parts, Runtime, RuntimePart } from "./parts.ts";

export interface Executable {
  readonly file: string;
  /** In hexadecimal. */
  readonly sha256: string;
  readonly processor: string;
  /** The oldest GNU C library that it runs with. */
  readonly glibc: string;
  /** Empty where there is none. */
  readonly commit: string;
  readonly builtAtMs: number;
}

export function billOfMaterials(
  { license, version, libraries, runtime }: Parts,
  executable: Executable,
): object {
  const { file, sha256, processor, glibc, commit, builtAtMs } = executable;
  const own = "discovery-client";
  const deno = `deno@${runtime.deno.version}`;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(sha256)}`,
    version: 1,
    metadata: {
      timestamp: new Date(builtAtMs).toISOString().replace(/\.\d+Z$/, "Z"),
      lifecycles: [{ phase: "build" }],
      tools: { components: [{ type: "application", name: "scripts/compile", version }] },
      component: {
        type: "application",
        "bom-ref": own,
        name: own,
        version,
        description: `The executable ${file}`,
        hashes: [{ alg: "SHA-256", content: sha256 }],
        ...licenses("", license === null ? [] : [license]),
        properties: [
          { name: "discovery-client:commit", value: commit },
          { name: "discovery-client:processor", value: processor },
          { name: "discovery-client:glibc", value: `${glibc} or newer` },
        ],
      },
    },
    components: [...libraries.map(libraryComponent), runtimeComponent(deno, runtime)],
    dependencies: [
      { ref: own, dependsOn: [...libraries.map(libraryUrl), deno] },
      { ref: deno, dependsOn: runtimeParts(runtime).map((part) => part["bom-ref"]) },
    ],
    // Of the runtime we know what its file tells.
    compositions: [
      { aggregate: "complete", dependencies: [own] },
      { aggregate: "incomplete", dependencies: [deno], assemblies: [deno] },
    ],
  };
}

function libraryUrl({ name, version }: Library): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function libraryComponent(library: Library): object {
  return {
    type: "library",
    "bom-ref": libraryUrl(library),
    name: library.name,
    version: library.version,
    scope: "required",
    // Of the package as it is published.
    hashes: [{ alg: "SHA-512", content: library.sha512 }],
    ...licenses(library.license, library.texts),
    purl: libraryUrl(library),
  };
}

function runtimeComponent(ref: string, runtime: Runtime): object {
  return { ...nativeComponent(runtime.deno, "platform"), "bom-ref": ref, components: runtimeParts(runtime) };
}

function runtimeParts({ parts, crates }: Runtime): { readonly "bom-ref": string }[] {
  return [
    ...parts.map((part) => nativeComponent(part, "library")),
    ...crates.map(({ name, version }) => {
      const purl = `pkg:cargo/${name}@${version.replace("+", "%2B")}`;
      return { type: "library", "bom-ref": purl, name, version, purl };
    }),
  ];
}

function nativeComponent({ name, version, license, url, texts }: RuntimePart, type: string): {
  readonly "bom-ref": string;
} {
  return {
    "bom-ref": `deno:${name}`,
    ...{ type, name, ...(version === "" ? {} : { version }), ...licenses(license, texts) },
    ...{ externalReferences: [{ type: "vcs", url }] },
  };
}

/** An identifier with its first text; expressions stand alone, and a text without either has a name. */
function licenses(spdx: string, [text]: readonly LicenseText[]): object {
  const content = text === undefined ? {} : { text: { contentType: "text/plain", content: text.text } };
  if (spdx.includes(" ")) return { licenses: [{ expression: spdx }] };
  if (spdx !== "") return { licenses: [{ license: { id: spdx, ...content } }] };
  return text === undefined ? {} : { licenses: [{ license: { name: text.file, ...content } }] };
}

/** Version 8, bits of one's own choice (RFC 9562, section 5.8). */
function uuidOf(sha256: string): string {
  const variant = (parseInt(sha256.charAt(16), 16) & 3 | 8).toString(16);
  return [
    sha256.slice(0, 8),
    sha256.slice(8, 12),
    `8${sha256.slice(13, 16)}`,
    `${variant}${sha256.slice(17, 20)}`,
    sha256.slice(20, 32),
  ].join("-");
}
