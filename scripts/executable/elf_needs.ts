/**
 * What an ELF file wants of the system it runs on: processor, libraries, and the versions of their symbols (the GNU
 * extension `.gnu.version_r`). Reads 64-bit little-endian files and nothing else.
 *
 * Source: elf(5); Linux Standard Base Core, "Symbol Versioning".
 */

export interface ElfNeeds {
  /** As uname(1) calls it; the number for others. */
  readonly processor: string;
  /** Libraries loaded at the start, as the file names them: `libc.so.6`. */
  readonly libraries: readonly string[];
  /** Versions by library: `GLIBC_2.27`, in no order. */
  readonly versions: ReadonlyMap<string, readonly string[]>;
}

const magic = [0x7f, 0x45, 0x4c, 0x46, /* ELFCLASS64 */ 2, /* ELFDATA2LSB */ 1];
const processors: Readonly<Record<number, string>> = { 62: "x86_64", 183: "aarch64" };
const sectionType = { dynamic: 6, versionNeeds: 0x6ffffffe } as const;
const tagNeeded = 1n;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  /** Index of the section with its texts. */
  readonly link: number;
}

/** Throws TypeError for a file of another kind, RangeError for one that is cut off. */
export function readElfNeeds(bytes: Uint8Array<ArrayBuffer>): ElfNeeds {
  if (!magic.every((byte, at) => bytes[at] === byte)) {
    throw new TypeError("Cannot read the file: it is no 64-bit little-endian ELF file");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sections = readSections(view);
  const textAt = (section: Section, offset: number) => {
    const strings = sections[section.link];
    if (strings === undefined) throw new RangeError("Cannot read the file: a section has no texts");
    return readText(bytes, strings.offset + offset);
  };
  const machine = view.getUint16(18, true);
  return {
    processor: processors[machine] ?? String(machine),
    libraries: sections.filter(({ type }) => type === sectionType.dynamic).flatMap((section) =>
      readNeeded(view, section).map((offset) => textAt(section, offset))
    ),
    versions: new Map(
      sections.filter(({ type }) => type === sectionType.versionNeeds).flatMap((section) =>
        readVersionNeeds(view, section).map(({ file, names }) =>
          [textAt(section, file), names.map((offset) => textAt(section, offset))] as const
        )
      ),
    ),
  };
}

/** The highest version of a family: `highestVersion(needs, "GLIBC")` is `2.27`; null where none is needed. */
export function highestVersion({ versions }: ElfNeeds, family: string): string | null {
  const found = [...versions.values()].flat()
    .map((name) => new RegExp(`^${family}_(\\d+(?:\\.\\d+)*)$`).exec(name)?.[1])
    .filter((version) => version !== undefined);
  return found.sort(compareVersions).at(-1) ?? null;
}

/** By numbers: 2.9 is before 2.27. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

// Elf64_Ehdr: e_shoff u64 at 40, e_shentsize u16 at 58, e_shnum u16 at 60.
// Elf64_Shdr: sh_type u32 at 4, sh_offset u64 at 24, sh_size u64 at 32, sh_link u32 at 40.
function readSections(view: DataView): Section[] {
  const start = Number(view.getBigUint64(40, true));
  const step = view.getUint16(58, true);
  return Array.from({ length: view.getUint16(60, true) }, (_, index) => {
    const at = start + index * step;
    return {
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    };
  });
}

/** Offsets of names. Elf64_Dyn: d_tag i64, d_val u64. */
function readNeeded(view: DataView, { offset, size }: Section): number[] {
  const found: number[] = [];
  for (let at = offset; at + 16 <= offset + size; at += 16) {
    if (view.getBigInt64(at, true) === tagNeeded) found.push(Number(view.getBigUint64(at + 8, true)));
  }
  return found;
}

/**
 * Offsets of names. Elf64_Verneed: vn_cnt u16 at 2, vn_file u32 at 4, vn_aux u32 at 8, vn_next u32 at 12.
 * Elf64_Vernaux: vna_name u32 at 8, vna_next u32 at 12. The last of each has 0 as its next.
 */
function readVersionNeeds(view: DataView, { offset }: Section): { file: number; names: number[] }[] {
  const found: { file: number; names: number[] }[] = [];
  for (let at = offset, next = -1; next !== 0; at += next) {
    const names: number[] = [];
    let aux = at + view.getUint32(at + 8, true);
    for (let left = view.getUint16(at + 2, true); left > 0; left--) {
      names.push(view.getUint32(aux + 8, true));
      aux += view.getUint32(aux + 12, true);
    }
    found.push({ file: view.getUint32(at + 4, true), names });
    next = view.getUint32(at + 12, true);
  }
  return found;
}

function readText(bytes: Uint8Array, start: number): string {
  const end = bytes.indexOf(0, start);
  if (end < 0) throw new RangeError("Cannot read the file: a text has no end");
  return new TextDecoder().decode(bytes.subarray(start, end));
}
