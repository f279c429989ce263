import { KernelError } from "../../src/base/errors.ts";
import { rotatedAtMs, rotatedPath, tidyRotatedLogs } from "../../src/io/rotated_logs.ts";
import { assertEquals, assertRejects } from "../assert.ts";

const noonMs = Date.UTC(2026, 7, 1, 12, 0, 0, 5);
const hourMs = 3_600_000;

Deno.test("rotatedPath() names files as the predecessor did", () => {
  for (
    const [path, expected] of [
      ["/var/log/discovery-client.log", "/var/log/discovery-client-2026-08-01T12-00-00.005.log"],
      ["/var/log/dc", "/var/log/dc-2026-08-01T12-00-00.005"],
      ["/x.log", "/x-2026-08-01T12-00-00.005.log"],
      ["dc.log", "dc-2026-08-01T12-00-00.005.log"],
    ] as const
  ) {
    assertEquals(rotatedPath(path, noonMs), expected);
    const name = expected.slice(expected.lastIndexOf("/") + 1);
    for (const end of ["", ".gz", ".gz.part"]) assertEquals(rotatedAtMs(path, `${name}${end}`), noonMs);
  }
});

Deno.test("rotatedAtMs() knows no other file", () => {
  for (
    const name of [
      "dc.log",
      "dc.log.1",
      "dc-old.log",
      "dc-2026-08-01T12-00-00.005.log.bz2",
      "dc-2026-08-01T12-00-00.005.txt",
      "dc-2026-99-01T12-00-00.005.log",
      "adc-2026-08-01T12-00-00.005.log",
      "dc-x-2026-08-01T12-00-00.005.log",
    ]
  ) assertEquals(rotatedAtMs("/var/log/dc.log", name), null, name);
});

async function withFiles(
  names: readonly string[],
  action: (path: string, list: () => string[]) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  for (const name of names) await Deno.writeTextFile(`${directory}/${name}`, `content of ${name}`);
  try {
    await action(
      `${directory}/dc.log`,
      () => [...Deno.readDirSync(directory)].map(({ name }) => name).sort(),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const rotated = (hoursAgo: number) => rotatedPath("dc.log", noonMs - hoursAgo * hourMs);

Deno.test("tidyRotatedLogs() compresses, and removes what is older than hours tell: no days, no seconds", async () => {
  const names = ["dc.log", "dc-mine.log", rotated(1), `${rotated(95)}.gz`, `${rotated(97)}.gz`, rotated(98)];
  await withFiles([...names, `${rotated(2)}.gz.part`], async (path, list) => {
    await tidyRotatedLogs({ path, maxAgeMs: 96 * hourMs, nowMs: noonMs });
    assertEquals(list(), [`${rotated(95)}.gz`, `${rotated(1)}.gz`, "dc-mine.log", "dc.log"]);
    const directory = path.slice(0, path.lastIndexOf("/"));
    const { stdout } = await new Deno.Command("gzip", { args: ["-dc", `${directory}/${rotated(1)}.gz`] })
      .output();
    assertEquals(new TextDecoder().decode(stdout), `content of ${rotated(1)}`);
    const { mode } = await Deno.stat(`${directory}/${rotated(1)}.gz`);
    assertEquals((mode ?? 0) & 0o777, 0o644 & ~Deno.umask());
  });
});

Deno.test("tidyRotatedLogs() keeps all ages with 0, and never more than so many files", async () => {
  await withFiles([1, 2, 3, 4].map((hours) => `${rotated(hours * 10_000)}.gz`), async (path, list) => {
    await tidyRotatedLogs({ path, maxAgeMs: 0, nowMs: noonMs });
    assertEquals(list().length, 4);
    await tidyRotatedLogs({ path, maxAgeMs: 0, nowMs: noonMs, filesMax: 2 });
    assertEquals(list(), [`${rotated(20_000)}.gz`, `${rotated(10_000)}.gz`]);
  });
});

Deno.test("tidyRotatedLogs() goes on after a file that it cannot handle, and tells it", async () => {
  await withFiles([rotated(1), rotated(3)], async (path, list) => {
    // Where the compressed file would go, there is a directory.
    await Deno.mkdir(`${path.slice(0, -6)}${rotated(1)}.gz.part`);
    await assertRejects(
      () => tidyRotatedLogs({ path, maxAgeMs: 0, nowMs: noonMs }),
      KernelError,
      "Cannot tidy up",
    );
    assertEquals(list().includes(`${rotated(3)}.gz`) && list().includes(rotated(1)), true);
  });
});

Deno.test("tidyRotatedLogs() has nothing to do where there is no directory", async () => {
  await tidyRotatedLogs({ path: "/nowhere/dc.log", maxAgeMs: 1, nowMs: noonMs });
});
