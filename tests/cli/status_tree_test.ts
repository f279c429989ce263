import { formatStatusTree } from "../../src/cli/status_tree.ts";
import { isAllLive, type StatusDocument } from "../../src/report/status_document.ts";
import { assert, assertEquals } from "../assert.ts";
import {
  broken,
  clusterNqn,
  endpointOf,
  healthy,
  hostnqn,
  large,
  pathOf,
  statusOf,
} from "./status_samples.ts";

function tree(
  status: StatusDocument,
  { columns, isAll = false }: { columns?: number; isAll?: boolean } = {},
): string {
  return formatStatusTree(status, { columns, isAll, hasColours: false });
}

const golden = new URL("./", import.meta.url);

/** Set GOLDEN to have the files written anew; then look at what changed. */
async function assertGolden(name: string, text: string): Promise<void> {
  const file = new URL(name, golden);
  if (Deno.env.get("GOLDEN") !== undefined) await Deno.writeTextFile(file, text);
  assertEquals(text, await Deno.readTextFile(file));
}

Deno.test("formatStatusTree() shows a fabric where all is well", async () => {
  assert(isAllLive(healthy));
  await assertGolden("status_healthy.txt", tree(healthy));
});

Deno.test("formatStatusTree() shows what is wrong in a broken one with reason and next attempt", async () => {
  assert(!isAllLive(broken));
  await assertGolden("status_broken.txt", tree(broken));
});

Deno.test("formatStatusTree() wraps at the width of the terminal", async () => {
  const text = tree(broken, { columns: 80 });
  await assertGolden("status_broken_80_columns.txt", text);
  const words = (all: string) => all.replace(/\s+/g, " ");
  assertEquals(words(text), words(tree(broken)), "Nothing is lost");
  const long = text.split("\n").filter((line) => line.length > 80);
  assertEquals(long.filter((line) => !line.includes(hostnqn)), [], "No line but those that cannot be broken");
});

Deno.test("README shows what status prints", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  for (const name of ["status_healthy.txt", "status_broken.txt"]) {
    const text = await Deno.readTextFile(new URL(name, golden));
    assert(readme.includes(`\n${text}`), `${name} is not in README.md`);
  }
});

Deno.test("formatStatusTree() has one line for each of many clusters where all is well", () => {
  const status = large(32, 125);
  assertEquals(status.paths.length, 32 * 500);
  const lines = tree(status).trimEnd().split("\n");
  assertEquals(lines.length, 2 + 32 + 2);
  assertEquals(lines[2], `${clusterNqn}1: 500 paths live, 4 endpoints live, as ${hostnqn}`);
  assertEquals(lines.at(-1), "16000 of 16000 paths live, 128 of 128 endpoints in session, 32 clusters");
  assert(tree(status, { isAll: true }).split("\n").length > 16_000);
});

Deno.test("formatStatusTree() tells a dead node of a large cluster in one line, and single paths by their volumes", async () => {
  const status = large(12, 125, (cluster, volume, node) => {
    if (cluster !== 2) return {};
    const state = { device: undefined, forMs: 40_000, retryInMs: 3_000 } as const;
    if (node === 3) {
      return { ...state, state: "unreachable", reason: "10.0.0.3:4420 cannot be reached: ETIMEDOUT" };
    }
    return volume === 7 ? { ...state, state: "failed", reason: "Connect Invalid Host" } : {};
  });
  await assertGolden("status_large.txt", tree(status));
});

Deno.test("formatStatusTree() folds the paths of a cluster that are live, and no others", () => {
  const status = statusOf({
    clusters: [{ subsysnqn: clusterNqn, hostnqn, notes: [], endpoints: [endpointOf(1)] }],
    paths: Array.from({ length: 13 }, (_, at) => pathOf(1, `vol${at}`)),
  });
  assert(tree(status).includes("\n  13 paths live of 13 subsystems\n"));
  assert(!tree(status, { isAll: true }).includes("paths live of"));
});

Deno.test("formatStatusTree() says what cannot be known, and what the kernel lacks", () => {
  const never = endpointOf(1, { state: "opening", records: undefined, generation: undefined });
  const status = statusOf({
    clusters: [{ subsysnqn: clusterNqn, hostnqn, notes: [], endpoints: [never] }],
    ready: false,
    kernel: { present: false, error: "Cannot open /dev/nvme-fabrics: ENOENT" },
  });
  assert(!isAllLive(status));
  const text = tree(status);
  assert(
    text.includes("discovery-client 0.1.0, process 4242, up 3h12m, its first pass is not done yet\n"),
    text,
  );
  assert(text.includes("The kernel connects nothing: Cannot open /dev/nvme-fabrics: ENOENT\n"), text);
  assert(text.includes("  Its paths are not known: no log of it could be read yet\n"), text);
  assert(text.endsWith(": the paths of 1 cluster not known, not ready\n"), text);
});

Deno.test("formatStatusTree() colours states alone, and lets nothing from the network drive the terminal", () => {
  const subnqn = "nqn.x\x1b[2J\u202e";
  const status = {
    ...broken,
    refused: [{ endpoint: "10.0.0.1:8009", subnqn, traddr: "10.0.0.9", reason: "why" }],
  };
  const text = formatStatusTree(status, { hasColours: true, isAll: false });
  assert(text.includes("\x1b[32mlive"), text);
  assert(text.includes("\x1b[31mfailed"), text);
  // deno-lint-ignore no-control-regex
  const plain = text.replace(/\x1b\[\d+m/g, "");
  assertEquals(plain, tree(status));
  assert(plain.includes("\n  nqn.x\\x1b[2J\\u{202e} at 10.0.0.9, named by 10.0.0.1:8009: why\n"), plain);
  assert(!plain.includes("\x1b"));
});

Deno.test("isAllLive() holds when every path is live and known", () => {
  const cases: readonly [StatusDocument, boolean][] = [
    [healthy, true],
    [statusOf(), true],
    [{ ...healthy, ready: false }, false],
    [{ ...healthy, pathsDropped: 1 }, false],
    [{ ...healthy, paths: [...healthy.paths, pathOf(1, "x", { state: "recovering" })] }, false],
    [{ ...healthy, paths: [...healthy.paths, pathOf(1, "x", { state: "would-connect" })] }, false],
  ];
  for (const [status, expected] of cases) assertEquals(isAllLive(status), expected);
});
