/**
 * The page in a real browser, over the real program on a fabric of three nodes on loopback; its kernel is a process that
 * holds a connection for every controller. Needs Chromium: `deno task page`, which scripts/test runs where there is one.
 */
import { assert, assertEquals } from "../assert.ts";
import { agentArgs, eventually, ProgramProcess } from "../cli/program_process.ts";
import { cluster, host, withDirectory } from "../cli/memory_environment.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { ChildProcess, denoWords } from "../faults/child_process.ts";
import { Chromium, type Page } from "./chromium.ts";

const hostile = "nqn.2024-01.io.example:<img/src=x/onerror=document.title='owned'>\"'&amp;";
const subsystems = ["nqn.2024-01.io.example:volume-1", "nqn.2024-01.io.example:volume-2", hostile];
const ip = `127.91.${Deno.pid >> 8 & 255}.${Deno.pid & 255}`;

interface Scene {
  readonly page: Page;
  readonly fabric: Fabric;
  readonly agent: ProgramProcess;
  /** Another one in the place of the first. */
  readonly startAgent: () => ProgramProcess;
}

/** Three nodes that refer to each other and serve three subsystems, the agent's kernel, and a browser. */
async function withScene(action: (scene: Scene) => Promise<void>): Promise<void> {
  const fabric = Fabric.build({
    ...{ nodes: 3, kind: "spdk", discoveryPort: 0, ioPort: 0, mesh: false },
    traddr: (index: number) => `127.0.0.${index}`,
  });
  for (const nqn of subsystems) fabric.addSubsystem(nqn);
  const server = new FabricServer(fabric);
  fabric.refer();
  try {
    await withDirectory(async (root) => {
      await Deno.mkdir(`${root}/d`);
      const port = fabric.node("n1").discovery[0]!.trsvcid;
      const line = `-t tcp -a 127.0.0.1 -s ${port} -q ${host} -n ${cluster} -c 1 -k 1\n`;
      await Deno.writeTextFile(`${root}/d/cluster`, line);
      const words = [...denoWords("kernel_process.ts"), `${root}/kernel.sock`];
      const kernel = new ChildProcess({ name: "kernel", words, isAsked: true });
      const args = agentArgs(root).map((word) => word === "--debug.endpoint=" ? `${word}${ip}:6060` : word);
      const startAgent = () =>
        new ProgramProcess(args, {
          program: denoWords("agent_process.ts"),
          env: { FAULT_KERNEL: `${root}/kernel.sock` },
        });
      try {
        await kernel.ready();
        await using agent = startAgent();
        await eventually(
          "the debug endpoint",
          () => fetch(`http://${ip}:6060/`).then((r) => r.ok, () => false),
        );
        await using chromium = await Chromium.start();
        const page = await chromium.open(`http://${ip}:6060/`);
        await action({ page, fabric, agent, startAgent });
      } finally {
        await kernel.end();
      }
    });
  } finally {
    await server.close();
  }
}

/** What the verdict says comes to be; a moment is some seconds on a busy machine. */
async function says(page: Page, title: string, reasons?: RegExp): Promise<void> {
  let seen = "";
  const look = async () => {
    seen = `${await page.text("#title")}\n${await page.text("#reasons")}`;
    return seen.startsWith(`${title}\n`) && (reasons === undefined || reasons.test(seen));
  };
  await eventually(title, look, 30_000).catch((error) => {
    throw new Error(`${error.message}; it says:\n${seen}`);
  });
}

Deno.test("the page shows all live, a lost path without a reload, its way back, and nothing that a name says to run", async () => {
  await withScene(async ({ page, fabric }) => {
    await says(page, "All 9 paths live");
    assertEquals(await page.value(`document.querySelector("#verdict").className`), "good");
    assertEquals(await page.text("#count-sessions"), "3/3");
    await page.value("window.sameDocument = true");

    const names: string[] = await page.value(
      `[...document.querySelectorAll(".matrix tbody th")].map((cell) => cell.innerText)`,
    );
    assertEquals(names.sort(), [...subsystems].sort());
    assertEquals(await page.value(`document.querySelectorAll("img, iframe, main script").length`), 0);
    assertEquals(await page.value("document.title"), "✓ All 9 paths live – discovery-client");

    fabric.setNodeDown("n2");
    await says(page, "3 of 9 paths missing", /3 paths at 127\.0\.0\.2/);
    assertEquals(await page.value(`document.querySelector("#verdict").className`), "warn");
    await eventually("a line of it", async () => /Path lost/.test(await page.text("#events")));
    assert(/session/.test(await page.text("#events")));
    fabric.setNodeUp("n2");
    await says(page, "All 9 paths live");
    fabric.addSubsystem("nqn.2024-01.io.example:volume-3");
    await says(page, "All 12 paths live");
    const hide = (isHidden: boolean) =>
      page.value(`Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"))`);
    await hide(true);
    fabric.addSubsystem("nqn.2024-01.io.example:volume-4");
    await hide(false);
    await says(page, "All 15 paths live");
    await eventually("what was missed", async () => /volume-4/.test(await page.text("#events")));
    assertEquals(await page.value("window.sameDocument"), true, "It was not loaded anew");
    assertEquals(page.complaints, []);
  });
});

Deno.test("the page is used by keyboard: arrows move in the matrix, Enter shows the path, Escape leads back", async () => {
  await withScene(async ({ page }) => {
    await says(page, "All 9 paths live");
    await page.value(`document.querySelector("button.cell[tabindex='0']").focus()`);
    const focus = () => page.value<string>("document.activeElement.getAttribute('aria-label')");
    const before = await focus();
    await page.press("ArrowRight");
    await page.press("ArrowDown");
    const now = await focus();
    assert(before !== now && / at 127\.0\.0\.2:\d+: live, nvme\d+$/.test(now), now);
    assertEquals(await page.value(`document.querySelectorAll(".matrix button[tabindex='0']").length`), 1);
    await page.press("Enter");
    assertEquals(await page.value(`document.querySelector("#detail").open`), true);
    assert(/Device\s+nvme\d+/.test(await page.text("#detail-content")), await page.text("#detail-content"));
    await page.press("Escape");
    assertEquals(await page.value(`document.querySelector("#detail").open`), false);
    assertEquals(await focus(), now);
    const wanted = [
      "header",
      "main",
      "aside",
      "footer",
      "h1",
      "h2",
      "[role=log][aria-live=polite]",
      "table caption",
    ];
    for (const selector of wanted) {
      const isThere = `document.querySelector("${selector}") !== null`;
      await eventually(selector, () => page.value<boolean>(isThere));
    }
  });
});

Deno.test("the page says that the agent is gone, keeps what it showed, and goes on with the next one", async () => {
  await withScene(async ({ page, agent, startAgent }) => {
    await says(page, "All 9 paths live");
    assert((await page.text("#agent")).includes(`process ${agent.pid}`));
    agent.kill("SIGKILL");
    await says(page, "No connection to the agent");
    assertEquals(await page.value(`document.querySelectorAll(".matrix tbody tr").length`), 3);
    await using next = startAgent();
    await says(page, "All 9 paths live");
    assert(await page.text("#agent").then((text) => text.includes(`process ${next.pid}`)));
    await eventually("events again", async () => /The agent answers again/.test(await page.text("#events")));
  });
});
