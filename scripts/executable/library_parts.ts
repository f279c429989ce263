/**
 * Which packages are in the bundles, told by the source maps of these: a package of which no file came in is none of
 * them, whatever the lock says. Name and version stand in the path below the cache, the rest in the package itself and
 * in the lock.
 */
import type { Library, LicenseText } from "./parts.ts";

export interface Lock {
  /** By `name@version`, perhaps followed by what it was resolved with: `name@1.0.0_peer@2.0.0`. */
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

export interface PackagePlace {
  readonly name: string;
  readonly version: string;
  /** As the source map has it, no slash at its end. */
  readonly directory: string;
}

/** `…/npm/HOST/@scope/name/1.2.3/lib/index.js` → the package; null for a file of ours. */
export function packagePlace(source: string): PackagePlace | null {
  const found = /^(.*\/npm\/[^/]+\/((?:@[^/]+\/)?[^/]+)\/(\d[^/]*))\/./.exec(source);
  if (found === null) return null;
  const [, directory = "", name = "", version = ""] = found;
  return { name, version, directory };
}

/** Packages of these sources, each once, by name. */
export function packagePlaces(sources: readonly string[]): PackagePlace[] {
  const found = new Map<string, PackagePlace>();
  for (const place of sources.map(packagePlace)) {
    if (place !== null) found.set(`${place.name}@${place.version}`, place);
  }
  return [...found.keys()].sort().map((key) => found.get(key)!);
}

/** Reads a package's licence. Throws Error where it names none, brings no text of it, or stands in no lock. */
export function readLibrary({ name, version, directory }: PackagePlace, lock: Lock): Library {
  const description = JSON.parse(Deno.readTextFileSync(`${directory}/package.json`)) as { license?: unknown };
  const { license } = description;
  const label = `${name} ${version}`;
  if (typeof license !== "string") {
    throw new Error(`Cannot tell the licence of ${label}: its package.json has none`);
  }
  const texts = readLicenses(directory);
  if (texts.length === 0) {
    throw new Error(`Cannot tell the licence of ${label}: the package has no text of it`);
  }
  return { name, version, license, texts, sha512: lockedSum(lock, name, version) };
}

function readLicenses(directory: string): LicenseText[] {
  return [...Deno.readDirSync(directory)]
    .filter(({ name, isFile }) => isFile && /^(licen[cs]e|copying|notice)/i.test(name))
    .map(({ name }) => name)
    .sort()
    .map((file) => ({ file, text: Deno.readTextFileSync(`${directory}/${file}`).trim() }));
}

/** `sha512-BASE64` of the lock in hexadecimal. */
export function lockedSum({ npm }: Lock, name: string, version: string): string {
  const label = `${name}@${version}`;
  const key = Object.keys(npm).find((key) => key === label || key.startsWith(`${label}_`));
  const sum = key === undefined ? undefined : /^sha512-(.+)$/.exec(npm[key]!.integrity)?.[1];
  if (sum === undefined) throw new Error(`Cannot find ${label} with its sum in the lock`);
  return Array.from(atob(sum), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
