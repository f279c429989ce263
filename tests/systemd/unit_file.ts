/** The shipped unit as text, and what its README states of it. */
export const unitUrl = new URL("../../systemd/discovery-client.service", import.meta.url);
export const unitText = await Deno.readTextFile(unitUrl);

export function unitLines(text: string): { key: string; value: string }[] {
  return text.split("\n").filter((line) => /^[A-Z]/.test(line)).map((line) => {
    const at = line.indexOf("=");
    return { key: line.slice(0, at), value: line.slice(at + 1) };
  });
}

/** Points of ten: the first bold number. */
export function statedExposure(readme: string): number {
  const found = /\*\*(\d+\.\d)\*\*/.exec(readme)?.[1];
  if (found === undefined) throw new Error("The unit's README states no exposure");
  return Number(found);
}
