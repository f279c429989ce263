/**
 * What systemd-analyze says of the unit: that it understands every line, and that its exposure is no higher than
 * stated. Ends with 1 when something is wrong. Reads files only; no systemd need run.
 */
import { statedExposure, unitLines, unitText, unitUrl } from "./unit_file.ts";

/** Keys of newer versions, by the first that knows them. */
const newerKeys: Readonly<Record<string, number>> = { RestartSteps: 254, RestartMaxDelaySec: 254 };

let problems = 0;

function tell(what: string, wrong: string): void {
  console.log(wrong === "" ? `ok      ${what}` : `FAILED  ${what}\n${wrong}`);
  if (wrong !== "") problems++;
}

async function analyze(...args: string[]): Promise<{ status: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
  const decoder = new TextDecoder();
  return { status: code, output: `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim() };
}

/** The unit with a program that is surely there, and no manual page, which may not be installed. */
async function verify(version: number): Promise<string> {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/discovery-client.service`;
    const text = unitText.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true").replace(
      /^Documentation=.*\n/m,
      "",
    );
    if (text.split("\n").length !== unitText.split("\n").length - 1) return "The unit is not as expected";
    await Deno.writeTextFile(path, text);
    const { status, output } = await analyze("verify", "--man=no", path);
    const complaints = output.split("\n").filter((line) => line.includes("discovery-client.service"))
      .filter((line) => {
        const key = /Unknown key (?:name )?'(\w+)'/.exec(line)?.[1] ?? "";
        return !(version < (newerKeys[key] ?? 0));
      });
    if (complaints.length > 0) return complaints.join("\n");
    return status === 0 ? "" : `It ends with ${status}: ${output}`;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function exposure(stated: number): Promise<string> {
  const { output } = await analyze("security", "--offline=true", "--no-pager", unitUrl.pathname);
  const found = Number(/exposure level[^\n]*: ([\d.]+)/.exec(output)?.[1]);
  if (Number.isNaN(found)) return `It states no exposure: ${output.slice(-300)}`;
  return found <= stated ? "" : `${found} of 10, and ${stated} is stated\n${output}`;
}

const { output: banner } = await analyze("--version");
const version = Number(/^systemd (\d+)/.exec(banner)?.[1]);
const readme = await Deno.readTextFile(new URL("README.md", unitUrl));
const stated = statedExposure(readme);
if (unitLines(unitText).length === 0) throw new Error("The unit was not read");
tell(`systemd ${version} understands the unit`, await verify(version));
// Files can be looked at from 250 on.
if (version >= 250) tell(`exposure at most ${stated}`, await exposure(stated));
Deno.exit(problems === 0 ? 0 : 1);
