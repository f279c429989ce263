/** `doctor` as a command, against targets on loopback sockets; no agent runs but where a test says so. */
import "../io/loaded_libc.ts";
import { assert, assertEquals } from "../assert.ts";
import { Fabric } from "../fabric/fabric.ts";
import { FabricServer } from "../fabric/tcp_server.ts";
import { cluster, host, runIn, withDirectory } from "./memory_environment.ts";

interface Finding {
  readonly group: string;
  readonly check: string;
  readonly verdict: string;
  readonly message: string;
  readonly advice?: string;
  readonly steps?: readonly { readonly name: string; readonly ok: boolean }[];
}

interface Report {
  readonly failure: number;
  readonly findings: readonly Finding[];
}

/** What it finds on a host with these lines in an entry file. */
async function doctorOf(
  lines: readonly string[],
  prepare: (root: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<{ status: number; report: Report; text: string }> {
  let answer: { status: number; report: Report; text: string } | undefined;
  await withDirectory(async (root) => {
    await Deno.mkdir(`${root}/entries`);
    await Deno.writeTextFile(`${root}/entries/one`, lines.map((line) => `${line}\n`).join(""), {
      mode: 0o600,
    });
    await Deno.writeTextFile(
      `${root}/settings.yaml`,
      `clientConfigDir: ${root}/entries\ninternalDir: ${root}/internal\nnvmeHostIDPath: ${root}/hostid\n` +
        `nvmeDiscoveryConf: ""\ncontrol: {socket: ${root}/control.sock}\n`,
    );
    await prepare(root);
    const args = ["doctor", "--config", `${root}/settings.yaml`];
    const { status, stdout, stderr } = await runIn([...args, "-o", "json"], {}, { hostRoot: root });
    assertEquals(stderr, "");
    const { stdout: text } = await runIn(args, {}, { hostRoot: root });
    answer = { status, report: JSON.parse(stdout), text };
  });
  return answer!;
}

function entry(port: number, more = ""): string {
  return `-t tcp -a 127.0.0.1 -s ${port} -q ${host} -n ${cluster} ${more}`.trimEnd();
}

function of(report: Report, group: string, check?: string): Finding[] {
  return report.findings.filter((finding) =>
    finding.group === group && (check === undefined || finding.check === check)
  );
}

/** A node whose I/O port answers ICReq and refuses every Connect. */
async function withFabric(action: (port: number, fabric: Fabric) => Promise<void>): Promise<void> {
  const fabric = Fabric.build({ nodes: 1, traddr: () => "127.0.0.1", discoveryPort: 0, ioPort: 0 });
  const server = new FabricServer(fabric);
  try {
    fabric.addSubsystem("nqn.2024-01.org.example:open");
    await action(fabric.node("n1").discovery[0]!.trsvcid, fabric);
  } finally {
    await server.close();
  }
}

Deno.test("doctor goes to an endpoint step by step, and names the status by which a path's target refuses", async () => {
  await withFabric(async (port) => {
    const { status, report, text } = await doctorOf([entry(port)]);
    const [endpoint, ...others] = of(report, "endpoints");
    assertEquals([endpoint?.verdict, others.length], ["ok", 0], JSON.stringify(endpoint));
    assertEquals(endpoint!.steps!.map(({ name, ok }) => ok ? name : `no ${name}`), [
      "route",
      "TCP",
      "ICResp",
      "Connect",
      "Identify",
      "log",
    ]);
    assert(endpoint!.message.includes("one:1; from 127.0.0.1 on lo"), endpoint!.message);
    const [path, ...morePaths] = of(report, "paths").filter(({ check }) => check.startsWith("nqn."));
    assertEquals([path?.verdict, morePaths.length], ["failure", 0], JSON.stringify(path));
    assert(path!.message.includes("Connect Controller Busy"), path!.message);
    assertEquals(path!.steps!.map(({ name }) => name), ["TCP", "ICResp", "Connect"]);
    assertEquals(status, 1);
    assert(
      /What to do[\s\S]*failure: nqn\.2024-01\.org\.example:open[\s\S]*no controller left/.test(text),
      text,
    );
  });
});

Deno.test("doctor follows referrals, and says whose they are", async () => {
  const fabric = Fabric.build({
    nodes: 2,
    // Addresses of this test alone: referrals are made before anybody listens, and name the port.
    traddr: (number) => `127.79.4.${number}`,
    discoveryPort: 8009,
    ioPort: 0,
    subsystems: 1,
    topology: "mesh",
  });
  const server = new FabricServer(fabric);
  try {
    const { report } = await doctorOf([entry(8009).replace("127.0.0.1", "127.79.4.1")]);
    const found = of(report, "endpoints");
    assertEquals(found.map(({ check }) => check), ["127.79.4.1:8009", "127.79.4.2:8009"]);
    assert(found[1]!.message.includes("referral of 127.79.4.1:8009"), found[1]!.message);
  } finally {
    await server.close();
  }
});

Deno.test("doctor names a host that discovery refuses", async () => {
  await withFabric(async (port, fabric) => {
    fabric.refuseDiscovery("n1", host, 0x184);
    const [endpoint] = of((await doctorOf([entry(port)])).report, "endpoints");
    assertEquals(endpoint?.verdict, "failure");
    assert(/Connect Invalid Host.*failed at Connect/.test(endpoint!.message), endpoint!.message);
    assert(endpoint!.advice!.includes(host), endpoint!.advice!);
  });
});

Deno.test("doctor tells a port that is closed from one that speaks something else", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("no"));
  try {
    const { report } = await doctorOf([entry(port), entry(web.addr.port)]);
    const [closed, foreign] = of(report, "endpoints");
    assert(/ECONNREFUSED.*failed at TCP/.test(closed!.message), closed!.message);
    assert(/failed at ICResp/.test(foreign!.message), foreign!.message);
    assert(/is the port right/.test(foreign!.advice!), foreign!.advice!);
  } finally {
    await web.shutdown();
  }
});

Deno.test("doctor names bad lines by their place, names without an address, and goes on with the rest", async () => {
  const { report } = await doctorOf(["-t tcp -a", entry(9).replace("127.0.0.1", "no-such-host.invalid")]);
  const [line] = of(report, "settings", "entry files");
  assertEquals(line?.verdict, "failure");
  assert(/^one:1:/.test(line!.message), line!.message);
  const [name] = of(report, "endpoints");
  assert(/no-such-host\.invalid.*failed at name/.test(name!.message), name!.message);
});

Deno.test("doctor tells a directory of entries that is missing once, with what to do", async () => {
  const { report, text } = await doctorOf([], (root) => Deno.remove(`${root}/entries`, { recursive: true }));
  const failures = report.findings.filter(({ group, verdict }) =>
    group === "settings" && verdict === "failure"
  );
  assertEquals(failures.map(({ check }) => check), ["clientConfigDir"]);
  assert(/mkdir -p/.test(failures[0]!.advice!) && !/that line/.test(text), text);
});

Deno.test("doctor warns of secrets that others can read, and shows none", async () => {
  const secret = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
  const { report, text } = await doctorOf(
    [entry(9, `-S ${secret}`)],
    (root) => Deno.chmod(`${root}/entries/one`, 0o644),
  );
  const open = of(report, "settings", "entry files").find(({ verdict }) => verdict === "warning");
  assert(open !== undefined && /chmod 600/.test(open.advice!), JSON.stringify(report.findings));
  assert(!`${JSON.stringify(report)}${text}`.includes(secret.slice(10, 30)), "a secret is shown");
});

Deno.test("doctor says that the module is missing, and that no agent runs", async () => {
  const { status, report } = await doctorOf([entry(9)]);
  assertEquals(of(report, "kernel", "modules")[0]?.verdict, "failure");
  const [agent] = of(report, "agent");
  assertEquals(agent?.verdict, "failure");
  assert(/does not run.*ENOENT/.test(agent!.message), agent!.message);
  assertEquals([status, report.failure > 0], [1, true]);
  const idle = await doctorOf([]);
  assertEquals(of(idle.report, "agent")[0]?.verdict, "warning", "nothing is configured that needs one");
});

Deno.test("doctor finds nothing to fail where all is well, and says so by its status", async () => {
  const prepare = async (root: string) => {
    await Deno.mkdir(`${root}/dev`);
    await Deno.writeTextFile(`${root}/dev/nvme-fabrics`, "traddr=%s,tls,dhchap_secret=%s\n");
    await Deno.mkdir(`${root}/sys/module/nvme_tcp`, { recursive: true });
    await Deno.mkdir(`${root}/sys/module/nvme_core/parameters`, { recursive: true });
    await Deno.writeTextFile(`${root}/sys/module/nvme_core/parameters/multipath`, "Y\n");
  };
  const { status, report } = await doctorOf([], prepare);
  assertEquals(report.findings.filter(({ verdict }) => verdict === "failure"), []);
  assertEquals(of(report, "kernel", "modules")[0]?.verdict, "ok");
  assertEquals([status, report.failure], [0, 0]);
});

Deno.test("doctor tells settings that cannot be used, and looks at the rest all the same", async () => {
  const { report } = await doctorOf(
    [],
    (root) => Deno.writeTextFile(`${root}/settings.yaml`, "kato: many\n"),
  );
  const [settings] = of(report, "settings", "settings file");
  assertEquals(settings?.verdict, "failure");
  assert(/kato/.test(settings!.message) && /config check/.test(settings!.advice!), settings!.message);
  assert(of(report, "kernel").length > 3 && of(report, "agent").length > 0, "the rest");
});
