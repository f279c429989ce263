/**
 * What a base runtime of Deno contains, as far as the file itself tells: its version, V8's, and the Rust packages whose
 * names stand in it as places of possible failures. Licences that are known of the native parts stand here.
 */
import type { Crate, LicenseText, Runtime, RuntimePart } from "./parts.ts";

/** Native libraries by the Rust package that brings them in, with their licences (SPDX). */
const nativeParts: readonly [crate: string, name: string, license: string, url: string][] = [
  ["v8", "ICU", "Unicode-3.0", "https://github.com/unicode-org/icu"],
  ["v8", "Abseil", "Apache-2.0", "https://github.com/abseil/abseil-cpp"],
  ["v8", "libc++", "Apache-2.0 WITH LLVM-exception", "https://github.com/llvm/llvm-project"],
  ["deno_core", "Node.js, its library in JavaScript", "MIT", "https://github.com/nodejs/node"],
  ["rusqlite", "SQLite", "blessing", "https://sqlite.org/copyright.html"],
  ["aws-lc-rs", "AWS-LC", "", "https://github.com/aws/aws-lc"],
  ["ring", "BoringSSL, parts of it", "", "https://github.com/briansmith/ring"],
  ["libffi", "libffi", "MIT", "https://github.com/libffi/libffi"],
  ["lcms2", "Little CMS", "MIT", "https://github.com/mm2/Little-CMS"],
  ["zstd-safe", "Zstandard", "BSD-3-Clause", "https://github.com/facebook/zstd"],
];

export interface RuntimeTexts {
  readonly deno: LicenseText;
  readonly v8: LicenseText;
}

/** Throws Error where the file does not tell Deno's version. */
export function findRuntimeParts(bytes: Uint8Array, texts: RuntimeTexts): Runtime {
  const content = new TextDecoder("latin1").decode(bytes);
  const deno = /Deno\/(\d+\.\d+\.\d+)/.exec(content)?.[1];
  const v8 = /(\d+\.\d+\.\d+\.\d+)-rusty/.exec(content)?.[1];
  if (deno === undefined || v8 === undefined) {
    throw new Error("Cannot find Deno's and V8's version in the runtime");
  }
  const crates = findCrates(content);
  const has = (name: string) => crates.some((crate) => crate.name === name);
  return {
    deno: {
      name: "Deno",
      version: deno,
      license: "MIT",
      url: `https://github.com/denoland/deno/tree/v${deno}`,
      texts: [texts.deno],
    },
    parts: [
      {
        name: "V8",
        version: v8,
        license: "BSD-3-Clause",
        url: "https://github.com/denoland/rusty_v8",
        texts: [texts.v8],
      },
      ...nativeParts.filter(([crate]) => has(crate)).map(([, name, license, url]): RuntimePart => ({
        name,
        version: "",
        license,
        url,
        texts: [],
      })),
    ],
    crates,
  };
}

/** By name, then version: `…/registry/src/INDEX/tokio-1.47.1/src/…`. */
function findCrates(content: string): Crate[] {
  const found = new Map<string, Crate>();
  const places = /\/registry\/src\/[\w.-]{1,80}\/([A-Za-z][\w-]*?)-(\d+\.\d+\.\d+[\w.+-]*)\//g;
  for (const [, name = "", version = ""] of content.matchAll(places)) {
    found.set(`${name} ${version}`, { name, version });
  }
  return [...found.keys()].sort().map((key) => found.get(key)!);
}
