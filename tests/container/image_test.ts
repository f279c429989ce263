/**
 * The image's content, run as the manifests have it: see pod_container.ts. Needs root, and $IMAGE_ROOT as
 * scripts/container/build-root makes it; main.ts sees to both, and to a network with nothing but loopback.
 */
import { assert, assertEquals } from "../assert.ts";
import { withDirectory } from "../cli/memory_environment.ts";
import { eventually } from "../cli/program_process.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { agentOf, type Manifest, readManifest } from "./manifests.ts";
import { grantedCapabilities, PodContainer } from "./pod_container.ts";

const image = Deno.env.get("IMAGE_ROOT") ?? "";
const base = "http://127.0.0.1:6060";

interface Given {
  readonly data?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** Runs the agent of a manifest until `action` is done with it. */
async function withAgent(
  file: string,
  { data, args }: Given,
  action: (agent: PodContainer, manifest: Manifest) => Promise<void>,
): Promise<void> {
  assert(image !== "", "Precondition: IMAGE_ROOT names the image's root directory");
  const manifest = await readManifest(file);
  const configMap = await readManifest("configmap.yaml");
  await withDirectory(async (directory) => {
    await using agent = await PodContainer.start({
      image,
      manifest,
      container: agentOf(manifest),
      data: { "discovery-client": { ...configMap.data, ...data } },
      directory,
      args,
    });
    try {
      await action(agent, manifest);
    } catch (error) {
      throw new Error(`${(error as Error).message}; the container said: ${agent.process.stderr}`, {
        cause: error,
      });
    }
  });
}

async function statusOf(path: string): Promise<number> {
  try {
    const response = await fetch(`${base}${path}`);
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

const ready = () => eventually("readiness", async () => await statusOf("/readyz") === 200);

/** Addresses of the discovery endpoints that are in session. */
async function liveEndpoints(): Promise<string[]> {
  const text = await (await fetch(`${base}/metrics`)).text();
  return [...text.matchAll(/^discovery_connection_state\{.*?trsvcid="(\d+)".*\} 1$/gm)].map(([, port]) =>
    port!
  ).sort();
}

async function withPorts(count: number, action: (ports: readonly number[]) => Promise<void>): Promise<void> {
  const traddr = () => "127.0.0.1";
  const options = { nodes: count, kind: "spdk" as const, traddr, discoveryPort: 0, ioPort: 0, mesh: false };
  const fabric = Fabric.build(options);
  const server = new FabricServer(fabric);
  try {
    await action([...fabric.nodes.values()].map(({ discovery }) => discovery[0]!.trsvcid));
  } finally {
    await server.close();
  }
}

Deno.test("the image says its version", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  await withAgent("daemonset.yaml", { args: ["--version"] }, async (agent) => {
    const { status, stdout, stderr } = await agent.process.end();
    assertEquals(status, 0, stderr);
    assert(stdout.startsWith(version), stdout);
  });
});

Deno.test("the image has no program but one, and says whose parts it is made of", async () => {
  const programs = [];
  for await (const { name } of Deno.readDir(`${image}/usr/bin`)) programs.push(name);
  assertEquals(programs, ["discovery-client"]);
  for (const name of ["libc6", "libgcc-s1"]) {
    assert((await Deno.readTextFile(`${image}/usr/share/doc/${name}/copyright`)).length > 500, name);
    const status = await Deno.readTextFile(`${image}/var/lib/dpkg/status.d/${name}`);
    assert(/^Package: /m.test(status) && /^Version: /m.test(status), status);
  }
});

const bits: Readonly<Record<string, bigint>> = { cap_syslog: 1n << 34n };

for (const file of ["daemonset.yaml", "daemonset-privileged.yaml", "sidecar.yaml"]) {
  Deno.test(`${file}: the agent gets ready, answers its probes, has the rights that it is given, and ends in order`, async () => {
    await withAgent(file, {}, async (agent, manifest) => {
      const container = agentOf(manifest);
      await ready();
      for (const probe of [container.livenessProbe, container.readinessProbe]) {
        assertEquals(await statusOf(probe!.httpGet.path), 200);
      }
      const granted = grantedCapabilities(container).reduce((sum, name) => sum | bits[name]!, 0n);
      for (const set of ["CapEff", "CapPrm", "CapBnd"]) {
        assertEquals(BigInt(`0x${await agent.processStatus(set)}`), granted, set);
      }
      assertEquals(await agent.processStatus("CapAmb"), "0".repeat(16));
      const mayGain = container.securityContext?.allowPrivilegeEscalation !== false;
      assertEquals(await agent.processStatus("NoNewPrivs"), mayGain ? "0" : "1");
      assertEquals(await agent.stop(), 0);
    });
  });
}

Deno.test("daemonset.yaml: of the node nothing is missing to the agent but the kernel's module", async () => {
  await withAgent("daemonset.yaml", {}, async (agent) => {
    await ready();
    await eventually("a word about the kernel", () => agent.process.stderr.includes("/dev/nvme-fabrics"));
    assertEquals(await agent.stop(), 0);
    const complaints = agent.process.stderr.split("\n").filter((line) =>
      /"level":"(?:warn|error)"/i.test(line)
    );
    assert(complaints.length > 0, agent.process.stderr);
    assertEquals(complaints.filter((line) => !line.includes("nvme-fabrics")), []);
    const own = await Deno.readTextFile(`${agent.node}/etc/nvme/hostnqn`);
    assert(own.startsWith("nqn.2014-08.org.nvmexpress:uuid:"), own);
    assert((await Deno.stat(`${agent.node}/etc/discovery-client/internal/internal.json`)).isFile);
  });
});

Deno.test("daemonset.yaml: the ConfigMap's endpoints and settings count, and so does every swap", async () => {
  await withPorts(2, async ([first, second]) => {
    const conf = (port?: number) => `--transport=tcp --traddr=127.0.0.1 --trsvcid=${port}\n`;
    await withAgent("daemonset.yaml", { data: { "discovery.conf": conf(first) } }, async (agent) => {
      await ready();
      await eventually("a session with the first", async () => `${await liveEndpoints()}` === `${first}`);
      const settings = agent.configMaps.get("settings")!;
      const yaml = (await readManifest("configmap.yaml")).data["discovery-client.yaml"] as string;
      await settings.write({ "discovery-client.yaml": yaml, "discovery.conf": conf(second) });
      await eventually(
        "a session with the second alone",
        async () => `${await liveEndpoints()}` === `${second}`,
      );
      await settings.write({
        "discovery-client.yaml": yaml.replace("format: json", "format: json\n  level: debug"),
        "discovery.conf": conf(second),
      });
      await agent.process.waitFor(/logging\.level/);
      assertEquals(await liveEndpoints(), [String(second)]);
      assertEquals(await agent.stop(), 0);
    });
  });
});

for (const file of ["daemonset.yaml", "sidecar.yaml"]) {
  Deno.test(`${file}: entry files that a driver writes on the node count`, async () => {
    await withPorts(1, async ([port]) => {
      await withAgent(file, {}, async (agent) => {
        await ready();
        const line =
          `-t tcp -a 127.0.0.1 -s ${port} -q nqn.2014-08.org.example:node -n nqn.2024-01.org.example:cluster\n`;
        const entry = `${agent.node}/etc/discovery-client/discovery.d/volume`;
        await Deno.writeTextFile(entry, line, { mode: 0o600 });
        await eventually("a session", async () => `${await liveEndpoints()}` === `${port}`);
        await Deno.remove(entry);
        await eventually("no session", async () => (await liveEndpoints()).length === 0);
        assertEquals(await agent.stop(), 0);
      });
    });
  });
}
