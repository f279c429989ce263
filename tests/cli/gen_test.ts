/** The manual: complete, the same every time, and troff that groff has nothing to say about. */
import { entriesExample } from "../../src/cli/entries_man_page.ts";
import { settingsExample } from "../../src/cli/settings_man_page.ts";
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { entryOptions } from "../../src/config/entry_options.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { commands } from "../../src/cli/commands.ts";
import { assert, assertEquals } from "../assert.ts";
import { runIn, withDirectory } from "./memory_environment.ts";

async function print(format: string): Promise<string> {
  const { status, stdout, stderr } = await runIn(["gen", format]);
  assertEquals([status, stderr], [0, ""]);
  return stdout;
}

/** The page as people see it, and what groff complains of; null where there is no groff. */
async function typeset(text: string): Promise<{ shown: string; complaints: string } | null> {
  try {
    const child = new Deno.Command("groff", {
      args: ["-ww", "-man", "-Tascii", "-P-cbou"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const { stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { shown: decoder.decode(stdout), complaints: decoder.decode(stderr) };
  } catch (error) {
    assert(error instanceof Deno.errors.NotFound, String(error));
    return null;
  }
}

/** What is wrong according to mandoc, but for the date that we leave out on purpose; empty where there is no mandoc. */
async function lint(path: string): Promise<string> {
  try {
    const { stdout } = await new Deno.Command("mandoc", { args: ["-Tlint", "-Wwarning", path] }).output();
    const lines = new TextDecoder().decode(stdout).split("\n");
    return lines.filter((line) => line !== "" && !line.includes('missing date, using "": TH')).join("\n");
  } catch (error) {
    assert(error instanceof Deno.errors.NotFound, String(error));
    return "";
  }
}

/** Lines may end anywhere, also within a word, behind a hyphen that was not there. */
function flat(text: string): string {
  return text.replace(/[\s-]+/g, "");
}

Deno.test("gen shows a value that may stand without its option's name", async () => {
  await withDirectory(async (root) => {
    await runIn(["gen", "man", "--output", root]);
    const page = await Deno.readTextFile(`${root}/discovery-client-config-check.8`);
    assert(page.includes("[options]\n[\\fIFILE\\fR]\n"), page.slice(0, 400));
    assert(/may stand without its name/.test(await print("markdown")));
  });
});

Deno.test("gen man names exit statuses that hold for commands that ask the agent, too", async () => {
  await withDirectory(async (root) => {
    await runIn(["gen", "man", "--output", root]);
    for (const name of ["discovery-client", "discovery-client-status", "discovery-client-doctor"]) {
      const page = await Deno.readTextFile(`${root}/${name}.8`);
      const statuses = page.slice(page.indexOf(".SH EXIT STATUS"), page.indexOf(".SH SEE ALSO"));
      assert(/^\.B 1\n[^.]*failure[^.]*not\swell/m.test(statuses), statuses);
      assert(/^\.B 2\n[^.]*no\ssense[^.]*agent/m.test(statuses), statuses);
    }
  });
});

Deno.test("the example of zsh's completion goes where Debian's zsh and Fedora's look", async () => {
  const { stdout } = await runIn(["completion", "zsh", "--help"]);
  assert(stdout.includes("> /usr/local/share/zsh/site-functions/_discovery-client"), stdout);
});

Deno.test("gen man prints a page that holds every command and option, and that groff takes", async () => {
  const text = await print("man");
  assert(/^\.TH "DISCOVERY\\-CLIENT" 8 /.test(text), text.slice(0, 60));
  const sections = [...text.matchAll(/^\.SH (.*)$/gm)].map(([, name]) => name);
  assertEquals(sections, [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "OPTIONS",
    "COMMANDS",
    "FILES",
    "EXIT STATUS",
    "SEE ALSO",
  ]);
  for (const { words } of commands) {
    assert(text.includes(`.SS "${words.join(" ").replaceAll("-", "\\-")}"`), words.join(" "));
  }
  for (const line of text.split("\n").filter((line) => /^[.']/.test(line))) {
    assert(/^\.(TH|SH|SS|TP|P|EX|EE|ad|B|I|BR)\b/.test(line), line);
  }
  const page = await typeset(text);
  if (page === null) return;
  assertEquals(page.complaints, "");
  const shown = flat(page.shown);
  for (const { words, about, options, examples } of commands) {
    for (const part of [about, ...options.map(({ about }) => about), ...examples]) {
      assert(shown.includes(flat(part)), `${words.join(" ")} lacks: ${part}`);
    }
    for (const { long, standard, envName } of options) {
      assert(shown.includes(flat(long)), long);
      if (standard !== undefined) assert(shown.includes(flat(`default: ${standard}`)), standard);
      if (envName !== undefined) assert(shown.includes(`env:${envName}`), envName);
    }
  }
});

Deno.test("gen markdown prints every command and option, each row with as many cells as its heading", async () => {
  const text = await print("markdown");
  for (const { words, options, examples } of commands) {
    const start = text.indexOf(`\n## discovery-client ${words.join(" ")}\n`);
    assert(start > 0, words.join(" "));
    const section = text.slice(start + 1, text.indexOf("\n## ", start + 1));
    for (const { long, envName } of options) {
      assert(section.includes(`--${long}`), long);
      if (envName !== undefined) assert(section.includes(`\`${envName}\``), envName);
    }
    for (const example of examples) assert(section.includes(example), example);
  }
  let cells = 0;
  for (const line of text.split("\n")) {
    const count = line.startsWith("|") ? line.replaceAll("\\|", "").split("|").length : 0;
    if (cells > 0 && count > 0) assertEquals(count, cells, line);
    cells = count;
  }
});

Deno.test("gen --output writes a file for each command, and prints their names", async () => {
  await withDirectory(async (root) => {
    for (
      const [format, names] of [
        ["man", [
          ...commands.map(({ words }) => `${["discovery-client", ...words].join("-")}.8`),
          "discovery-client.yaml.5",
          "discovery.d.5",
        ]],
        ["markdown", commands.map(({ words }) => `${["discovery-client", ...words].join("_")}.md`)],
      ] as const
    ) {
      const overview = format === "man" ? "discovery-client.8" : "discovery-client.md";
      const directory = `${root}/made/${format}`;
      const { status, stdout, stderr } = await runIn(["gen", format, "--output", directory]);
      assertEquals([status, stderr], [0, ""]);
      assertEquals(stdout, [overview, ...names].map((name) => `${directory}/${name}\n`).join(""));
      assertEquals([...Deno.readDirSync(directory)].length, names.length + 1);
      for (const name of [overview, ...names]) {
        const text = await Deno.readTextFile(`${directory}/${name}`);
        if (format === "man") {
          assertEquals((await typeset(text))?.complaints ?? "", "", name);
          assertEquals(await lint(`${directory}/${name}`), "", name);
        } else {
          for (const [, link = ""] of text.matchAll(/\]\(([^)]*)\)/g)) {
            assert([overview, ...names].includes(link), link);
          }
        }
      }
    }
    await Deno.writeTextFile(`${root}/file`, "");
    const blocked = await runIn(["gen", "man", "--output", `${root}/file`]);
    assertEquals([blocked.status, blocked.stdout], [1, ""]);
    assert(blocked.stderr.includes(`Cannot make the directory ${root}/file`), blocked.stderr);
  });
});

async function pageOf(name: string): Promise<string> {
  let text = "";
  await withDirectory(async (root) => {
    const { status } = await runIn(["gen", "man", root]);
    assertEquals(status, 0);
    text = await Deno.readTextFile(`${root}/${name}`);
  });
  return text;
}

/** Text between `.TP` and the next term or section, by what stands in bold at its start. */
function terms(page: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of page.split(/^\.TP\n/m).slice(1)) {
    const [term = "", ...lines] = part.split(/^\.(?:SH|P)\b/m)[0]?.split("\n") ?? [];
    for (const [, name = ""] of term.matchAll(/\\fB(.*?)\\fR/g)) {
      found.set(name.replaceAll("\\-", "-"), lines.join(" ").replaceAll("\\-", "-"));
    }
  }
  return found;
}

Deno.test("discovery-client.yaml(5) has every setting with its default, variable and what it does, and no other", async () => {
  const found = terms(await pageOf("discovery-client.yaml.5"));
  assertEquals([...found.keys()], [...settingKeys.map(({ path }) => path), "clusterSecrets"]);
  for (const { path, envName, setting } of settingKeys) {
    const text = found.get(path) ?? "";
    const { kind, standard, about, live } = setting;
    assert(flat(text.replaceAll("\\(aq", "'")).includes(flat(about)), path);
    assert(text.includes(envName), path);
    const shown = kind.format(standard);
    if (shown !== "") assert(text.includes(`Default: ${shown}.`), path);
    assertEquals(text.includes("Takes a restart"), live !== true, path);
  }
  const { warnings, settings } = loadSettings({
    yaml: { text: settingsExample.join("\n"), file: "example" },
  });
  assertEquals([warnings, settings.clusterSecrets.length], [[], 1]);
});

Deno.test("discovery.d(5) has every option of an entry line under all its names, with its range, and no other", async () => {
  const found = terms(await pageOf("discovery.d.5"));
  assertEquals(
    [...found.keys()],
    entryOptions.flatMap(({ names, short }) => [
      ...short === undefined ? [] : [`-${short}`],
      ...names.map((name) => `--${name}`),
    ]),
  );
  for (const [name, text] of found) assert(!text.includes("As in an entry file"), `${name} lacks a text`);
  const ranges = [...found.values()].filter((text) => /From -?\d+ to \d+\./.test(text));
  assertEquals(ranges.length, 18, "nine options take a whole number, each under a letter too");
  const parsed = parseEntryFile("example", new TextEncoder().encode(entriesExample.join("\n")));
  assertEquals([parsed.entries.length, parsed.badLines], [2, 0]);
});
