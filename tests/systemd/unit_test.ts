/** The unit's text: what it must say, what it must not, and that nothing in it goes without a reason in its README. */
import { assert, assertEquals } from "../assert.ts";
import { statedExposure, unitLines, unitText } from "./unit_file.ts";

const readme = await Deno.readTextFile(new URL("../../systemd/README.md", import.meta.url));

Deno.test("every key of the unit is explained in its README", () => {
  const plain = new Set(["Description", "Documentation", "ExecStart", "WantedBy", "Before"]);
  const lines = unitLines(unitText);
  assert(lines.length > 40, "The unit was not read");
  const unexplained = lines.map(({ key }) => key).filter((key) =>
    !plain.has(key) && !readme.includes(`${key}=`)
  );
  assertEquals(unexplained, []);
});

Deno.test("every capability, device and value that opens something is explained in the unit's README", () => {
  const capabilities = valuesOf("CapabilityBoundingSet").flatMap((value) => value.split(" "));
  assertEquals(capabilities, ["CAP_CHOWN", "CAP_DAC_READ_SEARCH", "CAP_SYSLOG"]);
  for (const name of capabilities) assert(readme.includes(name), name);
  for (const device of valuesOf("DeviceAllow")) assert(readme.includes(`DeviceAllow=${device}`), device);
  for (const paths of valuesOf("ReadWritePaths").flatMap((value) => value.split(" "))) {
    assert(readme.includes(`${paths.replace(/^-/, "")}\``), paths);
  }
});

Deno.test("the unit is started again whatever happens, and ends after what it feeds", () => {
  assertEquals(valuesOf("Restart"), ["always"]);
  assertEquals(valuesOf("StartLimitIntervalSec"), ["0"]);
  assertEquals(valuesOf("Type"), ["notify"]);
  assertEquals(valuesOf("Before"), ["remote-fs-pre.target"]);
  assert(valuesOf("Wants").join(" ").includes("remote-fs-pre.target"), "A passive target that nobody wants");
  const keys = unitLines(unitText).map(({ key }) => key);
  for (
    const key of ["RestartPreventExitStatus", "SuccessExitStatus", "KillMode", "ExecStop", "ExecStopPost"]
  ) {
    assert(!keys.includes(key), `${key} is there`);
  }
  assert(Number.parseInt(valuesOf("WatchdogSec")[0] ?? "") >= 30, "A watchdog that bites a busy host");
});

Deno.test("the unit's README states its exposure", () => {
  assert(statedExposure(readme) > 1 && statedExposure(readme) < 4, String(statedExposure(readme)));
});

function valuesOf(wanted: string): string[] {
  return unitLines(unitText).filter(({ key }) => key === wanted).map(({ value }) => value);
}
