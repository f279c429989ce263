/** Names of entry files inside clientConfigDir: which can be, and which are never read. */

/** Files whose name starts like this are being written; nobody reads them. */
export const reservedNamePrefix = "tmp.dc.";

/** Words why a file of this name in clientConfigDir would not be read or cannot be made, or null when it can. */
export function entryFileNameProblem(name: string): string | null {
  if (name === "") return "it is empty";
  if (name.startsWith(reservedNamePrefix)) return `names starting with ${reservedNamePrefix} are reserved`;
  // Includes `.` and `..`; other dot-files belong to editors and are ignored.
  if (name.startsWith(".")) return "names starting with a dot are ignored";
  if (name.includes("/")) return "it holds a slash";
  if (/\p{Cc}/u.test(name)) return "it holds a control character";
  // Linux: NAME_MAX bytes; the file is made under a temporary name first, which is longer.
  return new TextEncoder().encode(name).length > 200 ? "it is longer than 200 bytes" : null;
}
