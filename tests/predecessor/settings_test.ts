/** Settings files of hosts with the predecessor: read without a word, and with the same effects. */
import { loadSettings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, host, withDirectory } from "../cli/memory_environment.ts";
import { agentArgs, eventually, ProgramProcess } from "../cli/program_process.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";

/** Every key that it reads, with what stands in the file that its packages bring, or is usual. */
const settings = `
cores: [0]
auxSuffix: ""
ctrlLossTMO: 0
dhChapSecret: ""
dhChapCtrlSecret: ""
kato: 10
maxIOQueues: 0
nvmeHostIDPath: /etc/nvme/hostid
logPagePaginationEnabled: false
reconnectInterval: 5s
internalDir: /etc/discovery-client/internal/
clientConfigDir: /etc/discovery-client/discovery.d/
debug: {endpoint: "[::]:6060", enablepprof: true, metrics: true}
logging: {filename: /var/log/discovery-client.log, maxAge: 96h, maxSize: 100, level: info, reportCaller: true}
autoDetectEntries: {enabled: true, filename: detected-io-controllers, discoveryServicePort: 8009}
`;

Deno.test("every key of the predecessor is read without a warning, in any case, and from the environment", () => {
  for (const text of [settings, settings.toLowerCase()]) {
    const { warnings, settings: read } = loadSettings({ yaml: { text, file: "settings.yaml" } });
    assertEquals(warnings, []);
    assertEquals([read.katoSeconds, read.ctrlLossTmoSeconds, read.dhChapSecret], [10, 600, null]);
    assertEquals(read.debug.endpoint, { host: "::", port: 6060 });
  }
  const env = Object.fromEntries(settingKeys.map(({ envName }) => [envName, ""]));
  const named = { ...env, DC_MAXIOQUEUES: "4", DC_AUTODETECTENTRIES_DISCOVERYSERVICEPORT: "12345" };
  const { settings: read } = loadSettings({ env: named });
  assertEquals([read.maxIOQueues, read.autoDetectEntries.discoveryServicePort], [4, 12_345]);
});

Deno.test("log age is in the unit that it is given in: 96h are four days, as anywhere", () => {
  const hourMs = 3_600_000;
  // It took nanoseconds for days.
  for (const [text, ms] of [["96h", 96 * hourMs], ["1h30m", 1.5 * hourMs], ["0", 0]] as const) {
    const yaml = { text: `logging: {maxAge: ${text}}\n`, file: "settings.yaml" };
    assertEquals(loadSettings({ yaml }).settings.logging.maxAgeMs, ms, text);
    assertEquals(loadSettings({ flags: { "logging.maxAge": text } }).settings.logging.maxAgeMs, ms, text);
  }
});

const recorded = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--allow-all",
  "--cached-only",
  new URL("../cli/recorded_program.ts", import.meta.url).pathname,
];

Deno.test("kato is the keep alive timeout of controllers too, and 0 leaves it to the kernel", async () => {
  const fabric = Fabric.build({ nodes: 1, traddr: () => "127.0.0.1", discoveryPort: 0, ioPort: 0 });
  fabric.addSubsystem("nqn.2024-01.org.example:volume");
  const server = new FabricServer(fabric);
  try {
    for (
      const [kato, expected] of [["7", "keep_alive_tmo=7"], ["0", undefined], [null, "keep_alive_tmo=10"]]
    ) {
      await withDirectory(async (root) => {
        await Deno.mkdir(`${root}/d`);
        const { trsvcid } = fabric.node("n1").discovery[0]!;
        await Deno.writeTextFile(`${root}/d/a`, `-a 127.0.0.1 -s ${trsvcid} -q ${host} -n ${cluster}\n`);
        await Deno.writeTextFile(`${root}/s.yaml`, kato === null ? "" : `kato: ${kato}\n`);
        await using agent = new ProgramProcess(agentArgs(root, "--config", `${root}/s.yaml`), {
          program: recorded,
          env: { RECORDED_CONNECTS: `${root}/connects` },
        });
        await eventually("A connect", () => exists(`${root}/connects`));
        const [text = ""] = (await Deno.readTextFile(`${root}/connects`)).split("\n");
        assertEquals(text.split(",").find((token) => token.startsWith("keep_alive_tmo")), expected, text);
        agent.kill("SIGTERM");
        assertEquals((await agent.end()).status, 0);
      });
    }
  } finally {
    await server.close();
  }
});

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).size > 0;
  } catch (error) {
    assert(error instanceof Deno.errors.NotFound, `Cannot look for ${path}`);
    return false;
  }
}
