/** Where the packaging files are, and scripts as they come into packages. */
export const root = new URL("../../", import.meta.url).pathname;
export const packageDirectory = `${root}scripts/package.d`;

const transition = Deno.readTextFileSync(`${packageDirectory}/transition.sh`).trimEnd();
const defaultSettings = Deno.readTextFileSync(`${packageDirectory}/discovery-client.yaml`).trimEnd();

/** Scripts of the Debian package by name, with what they share put in. */
export function debianScripts(): Map<string, string> {
  return new Map(
    ["preinst", "postinst", "prerm", "postrm"].map((name) => {
      const text = Deno.readTextFileSync(`${packageDirectory}/deb/${name}`);
      return [
        name,
        text.replace("#TRANSITION#", () => transition).replace("#SETTINGS#", () => defaultSettings),
      ];
    }),
  );
}

/** Scriptlets of the RPM by name: `%pre`, `%post` and so on. */
export function rpmScripts(): Map<string, string> {
  const spec = Deno.readTextFileSync(`${packageDirectory}/rpm/discovery-client.spec`);
  const parts = spec.split(/^(%(?:pre|post|preun|postun|posttrans|changelog))$/m);
  const found = new Map<string, string>();
  for (let at = 1; at < parts.length; at += 2) {
    const [name = "", text = ""] = parts.slice(at, at + 2);
    if (name !== "%changelog") found.set(name, text.replace("#TRANSITION#", () => transition));
  }
  return found;
}
