import { pageStyle } from "../../../src/report/page/page_style.ts";
import { assert, assertEquals } from "../../assert.ts";

/** Colours by name, of the first or, for dark, of the second `:root`. */
function colours(at: number): Map<string, string> {
  const root = [...pageStyle.matchAll(/:root \{([^}]*)\}/g)][at]?.[1] ?? "";
  return new Map(
    [...root.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

Deno.test("pageStyle has a contrast of at least 4.5 for every text, light and dark", () => {
  assertEquals(Math.round(contrast("#ffffff", "#000000")), 21, "Precondition: it is computed right");
  const pairs = [
    ...["text", "faint", "good", "busy", "warn", "bad"].map((name) => [name, "card"]),
    ...["text", "faint", "busy"].map((name) => [name, "ground"]),
    ...["good", "busy", "warn", "bad", "gone"].map((name) => [name, `${name}-soft`]),
  ];
  for (const scheme of [colours(0), colours(1)]) {
    assert(scheme.size >= 16, "The colours were found");
    for (const [text = "", ground = ""] of pairs) {
      const reached = contrast(scheme.get(text) ?? "", scheme.get(ground) ?? "");
      assert(reached >= 4.5, `${text} on ${ground}: ${reached.toFixed(2)}`);
    }
  }
  const banners = [
    ...pageStyle.matchAll(/#verdict(?:\.\w+)? \{(?: color: #fff;)? background: (#[0-9a-f]{6})/g),
  ];
  assertEquals(banners.length, 5);
  for (const [, colour = ""] of banners) assert(contrast("#ffffff", colour) >= 4.5, colour);
});
