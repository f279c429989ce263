/**
 * Names of files in clientConfigDir: which of them are entry files to readers, and which a writer can make. Touches
 * no file.
 */

/** Files whose name starts like this are being written; nobody reads them. */
export const reservedNamePrefix = "tmp.dc.";

/** Whether readers of the directory look at a file of this name. */
export function isEntryFileName(name: string): boolean {
  return !name.startsWith(reservedNamePrefix) && !isEditorFileName(name);
}

/**
 * Swap files, locks (`.name.swp`, `.#name`), what emacs has saved by itself (`#name#`), and what vim, emacs and nano
 * keep of the text before (`name~`): were that read, what an operator has just taken out would stay in force.
 */
function isEditorFileName(name: string): boolean {
  return name.startsWith(".") || name.endsWith("~") || /^#.*#$/s.test(name);
}

/** Words why a file of this name would not be read or cannot be made, or null when it can. */
export function entryFileNameProblem(name: string): string | null {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "it names a directory";
  if (name.includes("/")) return "it holds a slash";
  if (name.startsWith(reservedNamePrefix)) return `names starting with ${reservedNamePrefix} are reserved`;
  if (name.startsWith(".")) return "names starting with a dot are ignored";
  if (isEditorFileName(name)) return "names like #name# and name~ are ignored, as editors leave them";
  if (/\p{Cc}/u.test(name)) return "it holds a control character";
  // Linux: NAME_MAX. The temporary name it is made under is short, whatever this one is.
  return new TextEncoder().encode(name).length > 255 ? "it is longer than 255 bytes" : null;
}
