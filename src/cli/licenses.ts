/** `--licenses`: what the executable is made of, and under which licences. Run from source it contains nothing. */
import { embeddedLicenses } from "./embedded_licenses.ts";

const fromSource = "This is discovery-client run from source: it contains no library and no runtime. " +
  "The executable that scripts/compile makes prints here the licences of all that is in it.\n";

export function licensesText(embedded = embeddedLicenses): string {
  return embedded === "" ? fromSource : embedded;
}
