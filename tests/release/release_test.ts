/**
 * scripts/release in small repositories of its own, with scripts beside it that only note that they were called: at
 * which doubts it stops, that it does so before anything that takes long, and what it leaves.
 */
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";

const script = new URL("../../scripts/release", import.meta.url).pathname;
const own = Deno.build.arch;
const version = "1.2.3";
const today = "2026-01-31";

const changelog = `# Changelog

## [${version}] - ${today}

### Added

- Something.

## [1.2.2] - 2026-01-01

- Something else.
`;

/** A script that notes its name and words, then does what is said. */
const noting = (action: string) => `#!/bin/sh\necho "$(basename "$0") $*" >>"$NOTES"\n${action}\n`;

/** What scripts/compile leaves, small: an executable that answers --version. */
const compile = noting(`
target=${own}
if [ "$1" = --target ]; then target=$2; fi
name=discovery-client
[ "$target" = ${own} ] || name=$name-$target
mkdir -p dist
printf '#!/bin/sh\\necho "${version} (%s)"\\n' "$(git rev-parse --short=12 HEAD)" >dist/$name
chmod +x dist/$name
echo '{}' >dist/$name.cdx.json
cd dist && sha256sum discovery-client discovery-client-* *.json 2>/dev/null | sort -u -k 2 >SHA256SUMS`);

const files: Readonly<Record<string, string>> = {
  ".gitignore": "/dist/\n",
  "deno.json": `{\n  "version": "${version}"\n}\n`,
  "src/base/version.ts": `export const version = "${version}";\n`,
  "CHANGELOG.md": changelog,
  "scripts/test": noting("exit 0"),
  "scripts/compile": compile,
  "scripts/container/build-root": noting("exit 0"),
  "scripts/package": noting(`
[ -z "$(git tag --points-at HEAD)" ] || echo tagged >>"$NOTES"
mkdir -p dist/packages
echo package >dist/packages/discovery-client_$2.deb`),
};

class Repository {
  constructor(readonly root: string) {}

  async run(...words: string[]): Promise<{ status: number; said: string }> {
    const env = {
      NOTES: `${this.root}/dist/notes`,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_SYSTEM: "/dev/null",
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@example.org",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@example.org",
      LC_ALL: "C",
    };
    const [command = "", ...args] = words;
    const { code, stdout, stderr } = await new Deno.Command(command, { args, cwd: this.root, env }).output();
    const decoder = new TextDecoder();
    return { status: code, said: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  async git(...words: string[]): Promise<string> {
    const { status, said } = await this.run("git", ...words);
    assertEquals(status, 0, `git ${words.join(" ")}: ${said}`);
    return said.trim();
  }

  async write(path: string, text: string): Promise<void> {
    await Deno.mkdir(`${this.root}/${path}`.replace(/\/[^/]+$/, ""), { recursive: true });
    await Deno.writeTextFile(`${this.root}/${path}`, text, {
      mode: path.startsWith("scripts/") ? 0o755 : 0o644,
    });
  }

  async commit(): Promise<void> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--message", "change");
  }

  async release(...words: string[]): Promise<{ status: number; said: string }> {
    return await this.run("scripts/release", ...words);
  }

  /** What the scripts beside it noted. */
  async notes(): Promise<string[]> {
    const text = await Deno.readTextFile(`${this.root}/dist/notes`).catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  async tags(): Promise<string> {
    return await this.git("tag", "--list");
  }
}

async function withRepository(action: (repository: Repository) => Promise<void>): Promise<void> {
  await withDirectory(async (root) => {
    const repository = new Repository(root);
    await repository.git("init", "--quiet", "--initial-branch", "main");
    for (const [path, text] of Object.entries(files)) await repository.write(path, text);
    await repository.write("dist/packages/discovery-client_of_an_older_version.deb", "");
    await repository.write("scripts/release", await Deno.readTextFile(script));
    await repository.commit();
    await action(repository);
  });
}

interface Doubt {
  readonly name: string;
  readonly make: (repository: Repository) => Promise<unknown>;
  readonly said: RegExp;
}

/** Found before anything runs. */
const doubts: readonly Doubt[] = [
  {
    name: "another branch",
    make: (one) => one.git("switch", "--quiet", "--create", "topic"),
    said: /on topic, not on main\n +git switch main/,
  },
  {
    name: "no branch",
    make: (one) => one.git("switch", "--quiet", "--detach"),
    said: /on no branch, not on main/,
  },
  {
    name: "a changed file",
    make: (one) => one.write("deno.json", `${files["deno.json"]}\n`),
    said: /the tree is not clean: M deno.json|the tree is not clean:  ?M deno\.json/,
  },
  {
    name: "a forgotten file",
    make: (one) => one.write("src/new.ts", ""),
    said: /not clean: \?\? src\/new\.ts/,
  },
  {
    name: "another version in deno.json",
    make: async (one) => {
      await one.write("deno.json", '{\n  "version": "1.2.2"\n}\n');
      await one.commit();
    },
    said: /deno\.json says 1\.2\.2, not 1\.2\.3/,
  },
  {
    name: "another version in the source",
    make: async (one) => {
      await one.write("src/base/version.ts", 'export const version = "1.2.4";\n');
      await one.commit();
    },
    said: /version\.ts says 1\.2\.4, not 1\.2\.3/,
  },
  {
    name: "a tag that is taken",
    make: (one) => one.git("tag", "v1.2.3"),
    said: /there is a tag v1\.2\.3 already/,
  },
  { name: "a higher tag", make: (one) => one.git("tag", "v1.10.0"), said: /1\.2\.3 is not above v1\.10\.0/ },
  ...[
    [
      "no section in the changelog",
      changelog.replace("[1.2.3]", "[1.2.4]"),
      /CHANGELOG\.md has no section for 1\.2\.3/,
    ],
    [
      "a section without a date",
      changelog.replace(` - ${today}`, " - unreleased"),
      /has no date.*\n +Write: ## \[1\.2\.3\] - 2/,
    ],
    ["a day that there is not", changelog.replace(today, "2026-02-30"), /has no date/],
    ["a day to come", changelog.replace(today, "2999-01-01"), /dated 2999-01-01, which is to come/],
    ["an empty section", changelog.replace("- Something.\n", ""), /for 1\.2\.3 is empty/],
  ].map(([name, text, said]) => ({
    name: name as string,
    make: async (one: Repository) => {
      await one.write("CHANGELOG.md", text as string);
      await one.commit();
    },
    said: said as RegExp,
  })),
];

for (const { name, make, said } of doubts) {
  Deno.test(`scripts/release stops at ${name}, before anything runs`, async () => {
    await withRepository(async (repository) => {
      await make(repository);
      const tags = await repository.tags();
      const result = await repository.release(version);
      assertEquals(result.status, 1, result.said);
      assert(said.test(result.said), result.said);
      assertEquals(await repository.notes(), []);
      assertEquals(await repository.tags(), tags);
    });
  });
}

Deno.test("scripts/release refuses what is no version, and options that it does not know", async () => {
  await withRepository(async (repository) => {
    for (
      const words of [[], ["v1.2.3"], ["1.2"], ["1.2.3-rc1"], ["01.2.3"], ["1.2.3", "1.2.4"], [
        "1.2.3",
        "--force",
      ]]
    ) {
      const { status, said } = await repository.release(...words);
      assertEquals(status, 2, said);
      assert(said.includes("usage: scripts/release VERSION"), said);
    }
    assertEquals((await repository.release("1.2.3", "--targets", "arm")).status, 2);
    assertEquals(await repository.notes(), []);
  });
});

/** Found while it runs: what fails, and what it says. */
const failures: readonly [name: string, path: string, text: string, said: RegExp][] = [
  ["tests that fail", "scripts/test", noting("exit 1"), /tests failed, or could not run here/],
  [
    "an executable that cannot be made",
    "scripts/compile",
    noting("exit 1"),
    /executable for \S+ cannot be made/,
  ],
  [
    "an executable of another version",
    "scripts/compile",
    compile.replace(version, "1.2.2"),
    /says it is 1\.2\.2/,
  ],
  [
    "a missing bill of materials",
    "scripts/compile",
    compile.replace("echo '{}' >", ": >"),
    /left no dist\/discovery-client/,
  ],
  [
    "a wrong sum",
    "scripts/compile",
    `${compile}echo >>discovery-client.cdx.json\n`,
    /a sum in dist\/SHA256SUMS is wrong/,
  ],
  ["a test that changes the tree", "scripts/test", noting("echo more >>deno.json"), /the tree is not clean/],
  [
    "an image that cannot be made",
    "scripts/container/build-root",
    noting("exit 1"),
    /image's root .* cannot be made/,
  ],
  ["packages that cannot be made", "scripts/package", noting("exit 1"), /packages for .* cannot be made/],
];

for (const [name, path, text, said] of failures) {
  Deno.test(`scripts/release stops at ${name}, and leaves no tag`, async () => {
    await withRepository(async (repository) => {
      await repository.write(path, text);
      await repository.commit();
      const result = await repository.release(version);
      assertEquals(result.status, 1, result.said);
      assert(said.test(result.said), result.said);
      assertEquals(await repository.tags(), "");
    });
  });
}

Deno.test("scripts/release runs everything, then tags this commit and pushes nothing", async () => {
  await withRepository(async (repository) => {
    const { status, said } = await repository.release(version);
    assertEquals(status, 0, said);
    const other = own === "x86_64" ? "aarch64" : "x86_64";
    const notes = await repository.notes();
    assertEquals(notes[0], "test --all");
    assertEquals(
      notes.slice(1, 3).toSorted(),
      [
        `compile --target ${own} --check-reproducible`,
        `compile --target ${other}`,
      ].toSorted(),
    );
    assertEquals(notes.filter((note) => note.startsWith("build-root")).length, 2);
    assertEquals(notes.filter((note) => note.startsWith("package --target")).length, 2);
    assertEquals(
      notes.filter((note) => note === "tagged").length,
      2,
      "Packages are made of the tagged commit",
    );
    const sums = await Deno.readTextFile(`${repository.root}/dist/SHA256SUMS`);
    assertEquals(
      sums.trim().split("\n").map((line) => line.split("  ")[1]!).filter((name) =>
        name.startsWith("packages/")
      ),
      [
        "packages/discovery-client_aarch64.deb",
        "packages/discovery-client_x86_64.deb",
      ],
    );
    assertEquals(await repository.git("cat-file", "-t", "v1.2.3"), "tag");
    assertEquals(
      await repository.git("rev-parse", "v1.2.3^{commit}"),
      await repository.git("rev-parse", "HEAD"),
    );
    assert(said.includes("nothing is pushed. To publish: git push origin main v1.2.3"), said);
  });
});

Deno.test("scripts/release --dry-run runs everything, and leaves no tag", async () => {
  await withRepository(async (repository) => {
    const { status, said } = await repository.release("--dry-run", "--targets", own, version);
    assertEquals(status, 0, said);
    assertEquals((await repository.notes()).map((note) => note.split(" ")[0]), [
      "test",
      "compile",
      "build-root",
      "package",
    ]);
    assertEquals(await repository.tags(), "");
    assert(said.includes("git tag --annotate v1.2.3"), said);
  });
});
