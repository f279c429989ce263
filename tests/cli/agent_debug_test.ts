/** The debug endpoint of the real program, as a process: probes, scrapes, a port in use, a stop that nothing delays. */
import { assert, assertEquals } from "../assert.ts";
import { cluster, host, withDirectory } from "./memory_environment.ts";
import { agentArgs, eventually, ProgramProcess } from "./program_process.ts";

const target = ["-a", "127.0.0.1:9", "-q", host, "-n", cluster];

/** An address of loopback that nobody else listens on, so that no port of it is taken. */
const ip = `127.90.${Deno.pid >> 8 & 255}.${Deno.pid & 255}`;

async function isOpen(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

Deno.test("serve --ephemeral answers HEAD /metrics with 200, and tells what it does", async () => {
  const url = `http://${ip}:6060`;
  await using agent = new ProgramProcess([
    "serve",
    "--ephemeral",
    `--debug.endpoint=${ip}:6060`,
    ...target,
  ]);
  await eventually("ready", () => isOpen(`${url}/readyz`));
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  await eventually("an attempt", async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text.includes('discovery_client_session_failures_total{code="ECONNREFUSED"}');
  });
  const text = await (await fetch(`${url}/metrics`)).text();
  const state =
    `discovery_connection_state{trtype="tcp",traddr="127.0.0.1",trsvcid="9",nqn="${cluster}"} 0\n`;
  assert(text.includes(state), text);
  assert(/^process_resident_memory_bytes \d{7,}$/m.test(text), text);
  const profile = await fetch(`${url}/debug/pprof/profile?seconds=1`);
  assertEquals(profile.status, 200);
  assert((await profile.json()).samples.length > 0);
  const { clusters } = await (await fetch(`${url}/status`)).json();
  assertEquals(clusters[0].endpoints[0].address, "127.0.0.1:9");
  assertEquals(await fetch(`${url}/other`).then(async (r) => [r.status, (await r.text()).length < 100]), [
    404,
    true,
  ]);
  // One that hangs must not hold the stop up.
  using hanging = await Deno.connect({ hostname: ip, port: 6060 });
  await hanging.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\n"));
  agent.kill("SIGTERM");
  assertEquals((await agent.end()).status, 0);
});

Deno.test("serve says once that the port is in use, works without, and has it when it is free", async () => {
  await withDirectory(async (root) => {
    const other = Deno.listen({ hostname: ip, port: 6061 });
    await using agent = new ProgramProcess(agentArgs(root, `--debug.endpoint=${ip}:6061`));
    const line = await agent.waitFor("The debug endpoint is not there");
    assert(line.includes(`${ip}:6061`) && line.includes("another program listens there"), line);
    await agent.waitFor("nvme-fabrics");
    other.close();
    await agent.waitFor("it could be opened now");
    assertEquals(agent.lines("The debug endpoint is not there").length, 1);
    assert(await isOpen(`http://${ip}:6061/healthz`));
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
    // And whoever comes next has it at once, though connections were closed by us.
    await using next = new ProgramProcess(agentArgs(root, `--debug.endpoint=${ip}:6061`));
    await eventually("next", () => isOpen(`http://${ip}:6061/metrics`));
    next.kill("SIGTERM");
    assertEquals((await next.end()).stderr.includes("The debug endpoint is not there"), false);
  });
});

Deno.test("serve obeys debug.metrics, and a debug.endpoint of nothing", async () => {
  await withDirectory(async (root) => {
    const env = { DC_DEBUG_ENDPOINT: `${ip}:6062`, DC_DEBUG_METRICS: "false" };
    const args = agentArgs(root).filter((word) => !word.startsWith("--debug"));
    await using agent = new ProgramProcess(args, { env });
    await eventually("open", () => isOpen(`http://${ip}:6062/healthz`));
    const response = await fetch(`http://${ip}:6062/metrics`);
    assertEquals([response.status, await response.text()], [
      200,
      "# Metrics are off: debug.metrics is false\n",
    ]);
    agent.kill("SIGTERM");
    await agent.end();
    await using without = new ProgramProcess(agentArgs(root, "--logging.level=debug"));
    await without.waitFor("nvme-fabrics");
    assertEquals(without.lines("ebug endpoint"), []);
    without.kill("SIGTERM");
    assertEquals((await without.end()).status, 0);
  });
});
