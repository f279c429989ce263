/** What scripts/compile made: the executable, its bill of materials, its sums. */
import { compareVersions, highestVersion, readElfNeeds } from "../../scripts/executable/elf_needs.ts";
import type { LicenseText } from "../../scripts/executable/parts.ts";
import { version } from "../../src/base/version.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, host, withDirectory } from "../cli/memory_environment.ts";
import { eventually, ProgramProcess, runProgramProcess } from "../cli/program_process.ts";
import { executable } from "./bare_root.ts";
import { runtimePart } from "./runtime_part.ts";
import { schemaProblems } from "./sbom_schema.ts";

/** The oldest of the systems that we name: RHEL 8. Debian 11 and Ubuntu 20.04 have 2.31. */
const glibcMax = "2.28";
/** Beside the C library there is the compiler's, which every one of them has as well. */
const librariesKnown = /^(lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d|ld-linux-(x86-64|aarch64)\.so\.\d)$/;

const options = { program: [executable] };

interface Component {
  readonly name: string;
  readonly version?: string;
  readonly licenses?: readonly { readonly license?: { readonly id?: string; readonly text?: unknown } }[];
  readonly hashes?: readonly { readonly content: string }[];
  readonly components?: readonly Component[];
}

interface Bill {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}

function readBill(): Bill {
  return JSON.parse(Deno.readTextFileSync(`${executable}.cdx.json`));
}

async function sha256(path: string): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return Array.from(new Uint8Array(sum), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Deno.test("the executable runs with the C library of RHEL 8, and wants no library but the usual", () => {
  const needs = readElfNeeds(Deno.readFileSync(executable));
  const glibc = highestVersion(needs, "GLIBC");
  assert(glibc !== null, "The executable names versions of the C library");
  assert(compareVersions(glibc, glibcMax) <= 0, `It needs glibc ${glibc}, more than ${glibcMax}`);
  assertEquals(needs.libraries.filter((library) => !librariesKnown.test(library)), []);
});

Deno.test("what is ours adds less than 5 % to the runtime", () => {
  const bytes = Deno.readFileSync(executable);
  const ratio = bytes.length / runtimePart(bytes).length;
  assert(ratio < 1.05, `${ratio.toFixed(3)} of the runtime's size`);
});

Deno.test("the sums are those of the files", async () => {
  const directory = executable.replace(/\/[^/]*$/, "");
  const lines = Deno.readTextFileSync(`${directory}/SHA256SUMS`).trim().split("\n");
  const names = lines.map((line) => line.split("  ")[1]!);
  for (const name of ["discovery-client", "discovery-client.cdx.json"]) assert(names.includes(name), name);
  for (const line of lines) {
    const [sum, name] = line.split("  ");
    assertEquals(await sha256(`${directory}/${name}`), sum, name);
  }
});

Deno.test("the bill of materials is valid, and is that of this executable", async () => {
  const bill = readBill();
  assertEquals(schemaProblems(bill), []);
  assert(schemaProblems({ ...bill, specVersion: 6 }).length > 0, "The schema finds what is wrong");
  const { name, version: told, hashes } = bill.metadata.component;
  assertEquals([name, hashes?.[0]?.content], ["discovery-client", await sha256(executable)]);
  const { stdout } = await runProgramProcess(["--version"], options);
  assertEquals(stdout, `${told}\n`);
  assert(stdout.startsWith(`${version} (`), `${stdout} names the commit`);
});

Deno.test("what the source imports is in the bill, and what it does not import is not", () => {
  const names = readBill().components.map(({ name }) => name);
  for (const name of ["commander", "pino", "prom-client", "valibot", "yaml", "Deno"]) {
    assert(names.includes(name), `${name} is not in ${names}`);
  }
  for (const name of ["fast-check", "ajv", "sonic-boom", "tdigest"]) assert(!names.includes(name), name);
  const runtime = readBill().components.find(({ name }) => name === "Deno");
  const parts = runtime?.components?.map(({ name }) => name) ?? [];
  for (const name of ["V8", "ICU", "tokio", "rustls"]) assert(parts.includes(name), name);
});

Deno.test("--licenses names all of the bill and has the text of each library's licence", async () => {
  const { stdout } = await runProgramProcess(["--licenses"], options);
  const components = readBill().components.flatMap((component) => [component, ...component.components ?? []]);
  const flat = stdout.replace(/\s+/g, " ");
  for (const { name, version } of components) {
    const label = version === undefined ? name : `${name} ${version}`;
    assert(flat.includes(label), `No ${label}`);
  }
  for (const { name, licenses } of readBill().components) {
    const license = licenses?.[0]?.license;
    assert(license?.id !== undefined, `${name} has a licence`);
    const { content } = license.text as { content: LicenseText["text"] };
    assert(content.length > 200 && stdout.includes(content.trim()), `The text of ${name}'s licence`);
  }
});

Deno.test("commands leave no file behind, not even a cache of code in the temporary directory", async () => {
  await withDirectory(async (directory) => {
    const dryRun = ["serve", "--dry-run", "--once", "-a", "127.0.0.1:1", "-q", host, "-n", cluster];
    for (const args of [["--version"], ["list", "ctrl"], ["gen", "man"], dryRun]) {
      await runProgramProcess(args, { ...options, env: { TMPDIR: directory, HOME: directory } });
      assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), [], args.join(" "));
    }
  });
});

Deno.test("what names a line of the source names a real one", async () => {
  const args = ["serve", "--dry-run", "--once", "-a", "127.0.0.1:1", "-q", host, "-n", cluster];
  await using program = new ProgramProcess([...args, "--logging.reportCaller=true"], options);
  const line = await program.waitFor("Discovery session failed");
  const [, file = "", number = ""] = /caller=(src\/\S+):(\d+)/.exec(line) ?? [];
  assert(file !== "", `No caller in: ${line}`);
  const text =
    Deno.readTextFileSync(new URL(`../../${file}`, import.meta.url)).split("\n")[Number(number) - 1];
  assert(/log|warn/.test(text ?? ""), `${file}:${number} is ${text}`);
});

Deno.test("a CPU profile names the files of the source", async () => {
  const ip = `127.91.${Deno.pid >> 8 & 255}.${Deno.pid & 255}`;
  const args = [
    "serve",
    "--ephemeral",
    `--debug.endpoint=${ip}:6060`,
    "-a",
    "127.0.0.1:9",
    "-q",
    host,
    "-n",
    cluster,
  ];
  await using program = new ProgramProcess([...args, "--reconnectInterval", "10ms"], options);
  const url = `http://${ip}:6060`;
  const fetched = async (path: string) => {
    try {
      return await (await fetch(url + path)).text();
    } catch {
      return "";
    }
  };
  await eventually("it is ready", async () => await fetched("/readyz") !== "");
  const profiling = fetched("/debug/pprof/profile?seconds=2");
  // Something to do meanwhile.
  for (let at = 0; at < 20; at++) await fetched("/metrics");
  const { nodes } = JSON.parse(await profiling) as { nodes: { callFrame: { url: string } }[] };
  const urls = [...new Set(nodes.map(({ callFrame }) => callFrame.url))].join("\n");
  assert(/\/src\/agent\/\w+\.ts$/m.test(urls), urls);
  program.kill("SIGTERM");
  assertEquals((await program.end()).status, 0);
});
