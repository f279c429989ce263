/** What an executable is made of, as scripts/compile finds it out: our program, libraries, the runtime. */

export interface LicenseText {
  /** The file it was found in. */
  readonly file: string;
  readonly text: string;
}

/** A package of which some file is in the executable. */
export interface Library {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as its package.json has it. */
  readonly license: string;
  readonly texts: readonly LicenseText[];
  /** SHA-512 of the package as the lock has it, in hexadecimal. */
  readonly sha512: string;
}

/** Something that was linked into the runtime. */
export interface RuntimePart {
  readonly name: string;
  /** Empty where the file does not tell it. */
  readonly version: string;
  /** SPDX expression; empty where it is not known here. */
  readonly license: string;
  /** Where it and its licence are. */
  readonly url: string;
  readonly texts: readonly LicenseText[];
}

export interface Crate {
  readonly name: string;
  readonly version: string;
}

export interface Runtime {
  readonly deno: RuntimePart;
  readonly parts: readonly RuntimePart[];
  /** Rust packages that the file names. There are more: only what can fail names its source. */
  readonly crates: readonly Crate[];
}

export interface Parts {
  readonly version: string;
  /** Our own licence; null where none was stated. */
  readonly license: LicenseText | null;
  readonly libraries: readonly Library[];
  readonly runtime: Runtime;
}
