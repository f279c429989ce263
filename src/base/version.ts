/** What this program is called by itself. */

/** As in deno.json. */
export const version = "0.1.0";

/** The commit it was built from; scripts/compile fills it in, it is empty when run from source. */
export const commit: string = "";

/** `0.1.0`, or `0.1.0 (1a2b3c4)`. */
export function versionText(): string {
  return commit === "" ? version : `${version} (${commit})`;
}
