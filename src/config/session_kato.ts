/**
 * What the setting `kato` means for discovery sessions. The predecessor's 0 left controllers to the kernel; a session
 * without keep alive would never notice that its target is gone.
 */
import { settingsTable } from "./settings_table.ts";

/** ms, above 0. */
export function sessionKatoMs(katoSeconds: number): number {
  return 1_000 * (katoSeconds || settingsTable.katoSeconds.standard);
}
