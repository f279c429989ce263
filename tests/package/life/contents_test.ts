/** What is in the packages of both processors, which versions they get, and that they are the same bytes each time. */
import { assert, assertEquals } from "../../assert.ts";
import { commands } from "../../../src/cli/commands.ts";
import { debianScripts } from "../package_files.ts";
import { attempt, run } from "./command.ts";
import { git, type MadePackage, make, makePackages } from "./made_packages.ts";

const { directory, tree, versions, program } = await makePackages();
addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

const pages = [
  "man8/discovery-client.8.gz",
  ...commands.map(({ words }) => `man8/${["discovery-client", ...words].join("-")}.8.gz`),
  "man5/discovery-client.yaml.5.gz",
  "man5/discovery.d.5.gz",
];

const common = [
  "/etc/discovery-client/discovery-client.yaml",
  "/usr/bin/discovery-client",
  "/usr/lib/modules-load.d/discovery-client.conf",
  "/usr/share/bash-completion/completions/discovery-client",
  ...["CHANGELOG", "README", "UPGRADING"].map((name) => `/usr/share/doc/discovery-client/${name}.md.gz`),
  "/usr/share/fish/vendor_completions.d/discovery-client.fish",
  ...pages.map((page) => `/usr/share/man/${page}`),
];

const directories = [
  "/etc/discovery-client",
  "/etc/discovery-client/discovery.d",
  "/etc/discovery-client/internal",
];

/** Mode and owner by path. */
async function contentsOf(file: string): Promise<Map<string, string>> {
  const text = file.endsWith(".deb") ? await run("dpkg-deb", ["--contents", file]) : await run("rpm", [
    "-qp",
    "--qf",
    "[%{filemodes:perms} %{fileusername}/%{filegroupname} %{filenames}\n]",
    file,
  ]);
  return new Map(
    text.split("\n").filter((line) => line !== "").map((line) => {
      const [mode = "", owner = ""] = line.split(/\s+/);
      const path = line.slice(line.indexOf("/", line.indexOf(owner) + owner.length)).replace(/\/$/, "");
      return [path, `${mode} ${owner}`];
    }),
  );
}

async function layouts(): Promise<[target: string, debian: string, made: MadePackage][]> {
  return [
    ["x86_64", "amd64", versions[2]],
    ["aarch64", "arm64", await make(tree, program, { target: "aarch64" })],
  ];
}

Deno.test("packages of both processors hold the same files, all of root, none that others can write", async () => {
  for (const [target, debian, { deb, rpm }] of await layouts()) {
    const inDeb = await contentsOf(deb);
    const inRpm = await contentsOf(rpm);
    const own: Readonly<Record<string, readonly [Map<string, string>, string[]]>> = {
      [deb]: [inDeb, [
        "/lib/systemd/system/discovery-client.service",
        "/usr/share/doc/discovery-client/changelog.gz",
        "/usr/share/doc/discovery-client/copyright",
        "/usr/share/lintian/overrides/discovery-client",
        "/usr/share/zsh/vendor-completions/_discovery-client",
      ]],
      [rpm]: [inRpm, [
        "/usr/lib/systemd/system/discovery-client.service",
        "/usr/share/licenses/discovery-client/LICENSE",
        "/usr/share/zsh/site-functions/_discovery-client",
      ]],
    };
    for (const [file, [contents, more]] of Object.entries(own)) {
      const files = [...contents].filter(([, mode]) => mode.startsWith("-"));
      assertEquals(files.map(([path]) => path).sort(), [...common, ...more].sort(), file);
      for (const [path, mode] of contents) {
        const expected = path === "/usr/bin/discovery-client"
          ? "-rwxr-xr-x"
          : mode.startsWith("d")
          ? "drwxr-xr-x"
          : "-rw-r--r--";
        assertEquals(mode, `${expected} root/root`, path);
      }
      for (const directory of directories) assert(contents.get(directory)?.startsWith("d"), directory);
    }
    assertEquals((await run("dpkg-deb", ["--field", deb, "Architecture"])).trim(), debian);
    assertEquals(await run("rpm", ["-qp", "--qf", "%{arch}", rpm]), target);
    for (const [name, text] of debianScripts()) {
      assertEquals(await run("dpkg-deb", ["--info", deb, name]), text, name);
    }
    const settings = "/etc/discovery-client/discovery-client.yaml\n";
    assertEquals(await run("dpkg-deb", ["--info", deb, "conffiles"]), settings);
    assertEquals(await run("rpm", ["-qp", "--configfiles", rpm]), settings);
  }
});

Deno.test("scripts/package orders versions: before a release, the release, after it; all above the predecessor's", async () => {
  const [before, release, after] = versions;
  assert(/^0\.\d+\.\d+~git\d+\.[0-9a-f]{8}$/.test(before.version), before.version);
  assert(/^0\.\d+\.\d+$/.test(release.version), release.version);
  assert(/^0\.\d+\.\d+\+git1\.[0-9a-f]{8}$/.test(after.version), after.version);
  const ascending = ["3.11.1-1", ...versions.map(({ version }) => `1:${version}`)];
  for (const [at, lower] of ascending.slice(0, -1).entries()) {
    const higher = ascending[at + 1] ?? "";
    await run("dpkg", ["--compare-versions", lower, "lt", higher]);
    // Without epochs: rpm compares those before anything else.
    if (at === 0) continue;
    const [low, high] = [lower, higher].map((version) => version.replace("1:", ""));
    assertEquals(
      (await run("rpm", ["--eval", `%{lua:print(rpm.vercmp("${low}", "${high}"))}`])).trim(),
      "-1",
    );
  }
  for (const { deb, rpm, version } of versions) {
    assertEquals((await run("dpkg-deb", ["--field", deb, "Version"])).trim(), `1:${version}`);
    assertEquals(await run("rpm", ["-qp", "--qf", "%{epoch}:%{version}", rpm]), `1:${version}`);
  }
});

Deno.test("scripts/package makes the same bytes again, from another directory and with another umask", async () => {
  const again = `${directory}/elsewhere/tree`;
  await Deno.mkdir(`${directory}/elsewhere`);
  await run("cp", ["-a", tree, again]);
  await run("find", [`${again}/scripts`, `${again}/systemd`, "-type", "f", "-exec", "touch", "{}", "+"]);
  await run("sh", [
    "-c",
    `umask 077; exec ${again}/scripts/package --binary ${program} --output ${directory}/again`,
  ]);
  const { deb, rpm } = versions[2];
  for (const file of [deb, rpm]) {
    const name = file.slice(file.lastIndexOf("/") + 1);
    await run("cmp", [file, `${directory}/again/${name}`]);
  }
});

Deno.test("scripts/package refuses what it cannot make, and says why", async () => {
  const script = `${tree}/scripts/package`;
  const missing = await attempt(script, ["--target", "aarch64"]);
  assertEquals(missing.code, 1);
  assert(
    /no executable for aarch64: make one with scripts\/compile --target aarch64/.test(missing.text),
    missing.text,
  );
  // An executable of another processor than the one named.
  const elf = `${directory}/elf`;
  await run("cp", [Deno.execPath(), elf]);
  const [own, other] = Deno.build.arch === "x86_64" ? ["x86_64", "aarch64"] : ["aarch64", "x86_64"];
  const wrong = await attempt(script, ["--binary", elf, "--target", other]);
  assert(wrong.code === 1 && wrong.text.includes(`for ${other}: it is for ${own}`), wrong.text);
  for (const args of [["--target", "riscv"], ["--format", "tar"], ["--bogus"], ["--target"]]) {
    assertEquals((await attempt(script, args)).code, 2, args.join(" "));
  }
  await git(tree, "tag", "v9.9.9");
  const tagged = await attempt(script, ["--version-only"]);
  await git(tree, "tag", "--delete", "v9.9.9");
  assert(
    tagged.code === 1 && tagged.text.includes("this commit is tagged v9.9.9, and deno.json says"),
    tagged.text,
  );
  await Deno.writeTextFile(`${tree}/main.ts`, "\n", { append: true });
  assert((await run(script, ["--version-only"])).trim().endsWith(".changed"));
  await git(tree, "checkout", "--quiet", "main.ts");
});
