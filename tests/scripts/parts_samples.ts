/** Parts of an executable as tests make them up. */
import type { Parts } from "../../scripts/executable/parts.ts";

export const sampleParts: Parts = {
  version: "1.2.3 (abc)",
  license: null,
  libraries: [
    {
      name: "@scope/left",
      version: "1.0.0",
      license: "MIT",
      texts: [{ file: "LICENSE", text: "You may use left." }, { file: "NOTICE", text: "Left is old." }],
      sha512: "ab".repeat(64),
    },
  ],
  runtime: {
    deno: {
      name: "Deno",
      version: "2.6.0",
      license: "MIT",
      url: "https://example.org/deno",
      texts: [{ file: "LICENSE", text: "You may use Deno." }],
    },
    parts: [
      {
        name: "Stones",
        version: "",
        license: "Apache-2.0 WITH LLVM-exception",
        url: "https://example.org/s",
        texts: [],
      },
      { name: "Sticks", version: "", license: "", url: "https://example.org/t", texts: [] },
    ],
    crates: [{ name: "tokio", version: "1.47.1" }, { name: "ash", version: "0.38.0+1.3.281" }],
  },
};
