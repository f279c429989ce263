/**
 * NVMe Qualified Names (B21 §4.7) and host identifiers. Strict where the way leads to /dev/nvme-fabrics: that
 * option string has no quoting, so a comma or a line end inside a name would be an option.
 */

/** Characters the kernel takes (Linux drivers/nvme/host/fabrics.c: 223 with the NUL); the specification has 223. */
export const nqnCharsMax = 222;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const uuidNqnPattern = /^nqn\.2014-08\.org\.nvmexpress:uuid:(.{36})$/i;

/** Why the text is no usable NQN, in words (no capital, no full stop), or null when it is one. */
export function nqnProblem(text: string): string | null {
  if (text === "") return "it is empty";
  if (text.length > nqnCharsMax) {
    return `it has ${text.length} characters, at most ${nqnCharsMax} are allowed`;
  }
  // A key that slipped into the place of a name would be printed with it.
  if (/(DHHC-1|NVMeTLSkey-1):/i.test(text)) return "it is or holds a secret key";
  // The form nqn.yyyy-mm.domain is not demanded: neither Linux nor SPDK does, and names like `testnqn` are in use.
  return plainTextProblem(text);
}

/** Why the text cannot stand in the kernel's option string, or null. */
export function plainTextProblem(text: string): string | null {
  // One test for the usual case; the words are looked for only when something is wrong.
  if (/^[\x21-\x2b\x2d-\x7e]*$/.test(text)) return null;
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x08\x0e-\x1f\x7f]/.test(text)) return "it holds a control character";
  if (/\s/.test(text)) return "it holds white space";
  return text.includes(",") ? "it holds a comma" : "it holds a character that is not ASCII";
}

/** 16 bytes in the order of the text (Connect data, B21 §6.3), or null: no UUID, or the zero one. */
export function parseHostId(text: string): Uint8Array | null {
  if (!uuidPattern.test(text)) return null;
  const digits = text.replaceAll("-", "");
  const bytes = Uint8Array.from({ length: 16 }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16));
  // A zero host identifier is refused by controllers with host id inconsistent format.
  return bytes.some((byte) => byte !== 0) ? bytes : null;
}

/** Lower-case UUID text of 16 bytes. */
export function formatHostId(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The UUID inside `nqn.2014-08.org.nvmexpress:uuid:…`, lower case; null for any other name and the zero UUID. */
export function hostIdOfNqn(hostnqn: string): string | null {
  const uuid = uuidNqnPattern.exec(hostnqn)?.[1];
  return uuid === undefined || parseHostId(uuid) === null ? null : uuid.toLowerCase();
}
