/**
 * Packages made by scripts/package of a small program that only says its version: in three versions, by commits and a
 * tag of a repository of its own, and in both layouts.
 */
import { root as project } from "../package_files.ts";
import { run } from "./command.ts";
import { DebianRoot } from "./debian_root.ts";

export interface MadePackage {
  readonly version: string;
  readonly deb: string;
  readonly rpm: string;
}

export interface MadePackages {
  readonly directory: string;
  /** A copy of the project with commits of its own, the newest checked out. */
  readonly tree: string;
  /** Before the release, the release, after it. */
  readonly versions: readonly [MadePackage, MadePackage, MadePackage];
  readonly program: string;
}

const parts = ["deno.json", "deno.lock", "main.ts", "src", "scripts", "systemd"];
const documents = ["README.md", "UPGRADING.md", "CHANGELOG.md", "LICENSE"];

/** The caller removes `directory`. Of one format, or of both. */
export async function makePackages(format?: "deb" | "rpm"): Promise<MadePackages> {
  const directory = await Deno.makeTempDir({ prefix: "packages-" });
  const tree = `${directory}/tree`;
  await Deno.mkdir(tree);
  await run("cp", ["-R", ...[...parts, ...documents].map((part) => `${project}${part}`), tree]);
  const program = `${directory}/discovery-client`;
  await Deno.writeTextFile(program, '#!/bin/sh\necho "asked for $*" >>/var/log/asked\n', { mode: 0o755 });
  await git(tree, "init", "--quiet");
  const release = /"version": "([^"]+)"/.exec(await Deno.readTextFile(`${tree}/deno.json`))?.[1] ?? "";
  const makeNext = async (message: string) => {
    await git(tree, "add", "--all");
    await git(tree, "commit", "--quiet", "--allow-empty", "-m", message);
    return await make(tree, program, { format });
  };
  const before = await makeNext("before the release");
  await git(tree, "commit", "--quiet", "--allow-empty", "-m", "the release");
  await git(tree, "tag", `v${release}`);
  const exact = await make(tree, program, { format });
  const after = await makeNext("after the release");
  return { directory, tree, versions: [before, exact, after], program };
}

export function git(tree: string, ...args: string[]): Promise<string> {
  const who = [
    "-c",
    "user.name=Tester",
    "-c",
    "user.email=tester@example.com",
    "-c",
    "init.defaultBranch=main",
  ];
  return run("git", [...who, ...args], { cwd: tree });
}

/** Runs scripts/package there; answers its version and files, empty for a format that is not made. */
export async function make(
  tree: string,
  program: string,
  { target = "x86_64", format }: { readonly target?: string; readonly format?: "deb" | "rpm" } = {},
): Promise<MadePackage> {
  const options = [
    "--binary",
    program,
    "--target",
    target,
    ...format === undefined ? [] : ["--format", format],
  ];
  const text = await run(`${tree}/scripts/package`, options, { cwd: "/" });
  const version = (await run(`${tree}/scripts/package`, ["--version-only"])).trim();
  const file = (end: string) => text.split("\n").find((line) => line.endsWith(end)) ?? "";
  return { version, deb: file(".deb"), rpm: file(".rpm") };
}

/** Runs a test in a new root with the packages, in which it must leave the kernel's controllers alone. */
export function rootsWith(packages: MadePackages) {
  return async (action: (root: DebianRoot, packages: MadePackages) => Promise<void>): Promise<void> => {
    const root = await DebianRoot.make();
    try {
      await action(root, packages);
      await root.assertUntouchedControllers();
    } finally {
      await root.remove();
    }
  };
}
