/** The licences of what an executable contains, as text; scripts/compile fills it in, it is empty in the source. */

/** For a terminal: our own first, then every library, then the runtime. */
export const embeddedLicenses: string = "";
