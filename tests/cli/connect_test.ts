/** `connect` in a kernel in memory: what it writes, what it says of what is there already, and why it fails. */
import { KernelError } from "../../src/base/errors.ts";
import { readHostId } from "../../src/cli/host_id.ts";
import { RealClock } from "../../src/io/real_clock.ts";
import { assert, assertEquals } from "../assert.ts";
import { MemoryKernel, type MemoryKernelOptions } from "../sim/memory_kernel.ts";
import { type CliResult, cluster, host, runIn, withDirectory } from "./memory_environment.ts";

const hostid = "aaaaaaaa-0000-4000-8000-000000000001";
const base = ["connect", "-a", "10.0.0.1", "-n", cluster, "-q", host];
const secret = `DHHC-1:00:${"A".repeat(48)}:`;

async function withKernel(
  action: (kernel: MemoryKernel, run: (args: readonly string[]) => Promise<CliResult>) => Promise<void>,
  options: Partial<MemoryKernelOptions> = {},
): Promise<void> {
  const reachability = { connect: () => "accepted" as const };
  const kernel = new MemoryKernel({ clock: new RealClock(), reachability, connectMs: 1, ...options });
  try {
    // No file of this machine's own has a say.
    await action(kernel, (args) => runIn([...args, "--nvmeHostIDPath=/nonexistent/hostid"], {}, { kernel }));
  } finally {
    kernel.close();
  }
}

Deno.test("connect has the kernel connect one controller and prints it as the predecessor did", async () => {
  await withKernel(async (kernel, run) => {
    const result = await run(base);
    assertEquals(result, {
      status: 0,
      stdout: '{\n  "Instance": 3,\n  "Cntlid": 1,\n  "Device": "/dev/nvme3"\n}\n',
      stderr: "",
    });
    assertEquals(kernel.connects.map(({ text }) => text), [
      `transport=tcp,nqn=${cluster},traddr=10.0.0.1,trsvcid=4420,hostnqn=${host},hostid=${hostid},ctrl_loss_tmo=-1`,
    ]);
  }, { firstInstance: 3 });
});

Deno.test("connect passes on every option of an entry line, and a table names the device", async () => {
  await withKernel(async (kernel, run) => {
    const { status, stdout } = await run([
      ...base.slice(0, 2),
      "[fe80::1%eth0]:4421",
      ...base.slice(3),
      ..."-w fe80::9%eth0 -f eth0 -l -1 -k 7 -c 2 -i 4 -Q 64 -g -G --tls -o table".split(" "),
      `-S=${secret}`,
      `-C${secret}`,
    ]);
    assertEquals([status, stdout], [0, "DEVICE      INSTANCE  CNTLID\n/dev/nvme0  0         1\n"]);
    const tail =
      "host_traddr=fe80::9%eth0,host_iface=eth0,ctrl_loss_tmo=-1,keep_alive_tmo=7,reconnect_delay=2," +
      `nr_io_queues=4,queue_size=64,hdr_digest,data_digest,dhchap_secret=${secret},` +
      `dhchap_ctrl_secret=${secret},tls`;
    assert(kernel.connects[0]?.text.endsWith(tail), kernel.connects[0]?.text);
    assert(kernel.connects[0]?.text.includes("traddr=fe80::1%eth0,trsvcid=4421,"));
  });
});

Deno.test("connect says what is connected already, with its device and status 0, and writes nothing", async () => {
  await withKernel(async (kernel, run) => {
    assertEquals((await run(base)).status, 0);
    const { status, stdout, stderr } = await run(base);
    assertEquals([status, JSON.parse(stdout)], [0, { Instance: 0, Cntlid: 1, Device: "/dev/nvme0" }]);
    assertEquals(stderr, `discovery-client: Already connected: ${cluster} at 10.0.0.1:4420 is nvme0\n`);
    kernel.loseConnection("nvme0");
    assert((await run(base)).stderr.endsWith("is nvme0 (connecting: the kernel retries by itself)\n"));
    assertEquals(kernel.connects.length, 1);
  });
});

Deno.test("connect looks a host name up, and tries its addresses until one is connected", async () => {
  await withKernel(async (kernel, run) => {
    const { status, stderr } = await run(["connect", "-a", "localhost:4421", "-n", cluster, "-q", host]);
    assertEquals([status, stderr], [0, ""]);
    const traddr = kernel.connects[0]?.options?.traddr ?? "";
    assert(["127.0.0.1", "::1"].includes(traddr), traddr);
    kernel.deleteController("nvme0");
    kernel.refuse = "ECONNREFUSED";
    const refused = await run(["connect", "-a", "localhost", "-n", cluster, "-q", host]);
    assertEquals(refused.status, 1);
    // One attempt and one line for each address.
    const lines = refused.stderr.trimEnd().split("\n");
    assertEquals(lines.length, kernel.connects.length - 1);
    assert(
      lines.every((line) => line.startsWith(`discovery-client: Cannot connect ${cluster} at `)),
      refused.stderr,
    );
  });
});

Deno.test("connect takes the kernel's word for a controller that came in between", async () => {
  await withKernel(async (kernel, run) => {
    const device = kernel.addController(
      `transport=tcp,nqn=${cluster},traddr=10.0.0.1,trsvcid=4420,hostnqn=${host},hostid=${hostid}`,
    );
    const controllers = kernel.controllers.bind(kernel);
    let readings = 0;
    kernel.controllers = () => readings++ === 0 ? Promise.resolve([]) : controllers();
    const { status, stdout, stderr } = await run(base);
    assertEquals([status, JSON.parse(stdout).Device], [0, `/dev/${device}`], stderr);
    assert(stderr.includes(`Already connected: ${cluster} at 10.0.0.1:4420 is nvme0`), stderr);
    kernel.controllers = () => Promise.resolve([]);
    const blind = await run(base);
    assertEquals([blind.status, blind.stdout], [1, ""]);
    assert(blind.stderr.includes("sysfs shows no such controller"), blind.stderr);
  });
});

Deno.test("connect names the path that failed and the kernel's reason, with status 1", async () => {
  await withKernel(async (kernel, run) => {
    kernel.refuse = "ECONNREFUSED";
    const { status, stdout, stderr } = await run(base);
    assertEquals([status, stdout], [1, ""]);
    assert(stderr.startsWith(`discovery-client: Cannot connect ${cluster} at 10.0.0.1:4420: `), stderr);
    assert(stderr.includes("ECONNREFUSED"), stderr);
  });
});

Deno.test("connect says so when the kernel's module is missing, before it names any path", async () => {
  await withKernel(async (kernel, run) => {
    kernel.loaded = false;
    const { status, stderr } = await run(base);
    assertEquals(status, 1);
    assert(stderr.includes("/dev/nvme-fabrics") && !stderr.includes(cluster), stderr);
    kernel.supportedOptions = () =>
      Promise.reject(new KernelError("EACCES", "Cannot open /dev/nvme-fabrics: EACCES; only root may"));
    assert((await run(base)).stderr.includes("only root may"));
  });
});

Deno.test("connect keeps the identity in force, and explains a conflict as the agent does", async () => {
  await withKernel(async (kernel, run) => {
    const other = "bbbbbbbb-0000-4000-8000-000000000002";
    assertEquals((await run(base)).status, 0);
    const kept = await run(["connect", "-a", "10.0.0.2", "-n", cluster, "-q", host, "-I", other]);
    assertEquals(kept.status, 0);
    assert(
      kept.stderr.includes(`keeps host ID ${hostid}, which is in force, instead of ${other}`),
      kept.stderr,
    );
    assert(kernel.connects.at(-1)?.text.includes(`hostid=${hostid}`));
    const stranger = "nqn.2014-08.org.example:stranger";
    const refused = await run(["connect", "-a", "10.0.0.3", "-n", cluster, "-q", stranger, "-I", hostid]);
    assertEquals([refused.status, refused.stdout], [1, ""]);
    assert(
      refused.stderr.includes(`host ID ${hostid} belongs to host NQN ${host} while nvme0 lives`),
      refused.stderr,
    );
  });
});

Deno.test("connect goes by the host's files and by what the agent remembers, and makes none", async () => {
  await withDirectory(async (directory) => {
    await withKernel(async (kernel) => {
      const other = "bbbbbbbb-0000-4000-8000-000000000002";
      const run = (...args: string[]) =>
        runIn(["connect", "-n", cluster, ...args], {
          DC_INTERNALDIR: directory,
          DC_NVMEHOSTIDPATH: `${directory}/nvme/hostid`,
        }, { kernel });
      await Deno.mkdir(`${directory}/nvme`);
      await Deno.writeTextFile(`${directory}/nvme/hostnqn`, "nqn.2014-08.org.example:me\n");
      await Deno.writeTextFile(`${directory}/nvme/hostid`, `${other}\n`);
      assertEquals((await run("-a", "10.0.0.1")).status, 0);
      assert(kernel.connects[0]?.text.includes(`,hostnqn=nqn.2014-08.org.example:me,hostid=${other},`));
      kernel.deleteController("nvme0");
      for (const name of ["hostnqn", "hostid"]) await Deno.remove(`${directory}/nvme/${name}`);
      await run("-a", "10.0.0.2", "-q", "nqn.2014-08.org.example:you");
      assertEquals([...Deno.readDirSync(`${directory}/nvme`)], []);
      kernel.deleteController("nvme0");
      // Unless the machine itself says who it is, which comes first.
      const drawn = "cccccccc-0000-4000-8000-000000000003";
      await Deno.writeTextFile(`${directory}/remembered-hostid`, `${drawn}\n`);
      const { fallback } = await readHostId(`${directory}/nvme/hostid`, directory);
      await run("-a", "10.0.0.3", "-q", "nqn.2014-08.org.example:you");
      assert(kernel.connects[2]?.text.includes(`,hostid=${fallback},`), kernel.connects[2]?.text);
    });
  });
});

Deno.test("connect drops what the kernel does not know, except what secures the connection", async () => {
  await withKernel(async (kernel, run) => {
    const plain = await run([...base, "--host-iface", "eth0"]);
    assertEquals(plain.status, 0);
    assert(plain.stderr.includes("does not know the connect option host_iface"), plain.stderr);
    assert(!kernel.connects[0]?.text.includes("host_iface"));
    const secured = await run(["connect", "-a", "10.0.0.2", "-n", cluster, "-q", host, "-S", secret]);
    assertEquals(secured.status, 1);
    assert(secured.stderr.includes("dhchap_secret") && !secured.stderr.includes(secret), secured.stderr);
    assertEquals(kernel.connects.length, 1);
  }, { tokens: ["transport", "nqn", "traddr", "trsvcid", "hostnqn", "hostid"] });
});

Deno.test("connect reads a secret from a file or a variable, and warns of a file that others can read", async () => {
  await withDirectory(async (directory) => {
    await withKernel(async (kernel) => {
      const file = `${directory}/secret`;
      await Deno.writeTextFile(file, `${secret}\n`, { mode: 0o600 });
      const run = (args: readonly string[], env: Record<string, string> = {}) => runIn(args, env, { kernel });
      const quiet = await run([...base, "--dhchap-secret-file", file]);
      assertEquals([quiet.status, quiet.stderr], [0, ""]);
      assert(kernel.connects[0]?.text.includes(`dhchap_secret=${secret}`));
      await Deno.chmod(file, 0o644);
      const open = await run([
        ...base.slice(0, 2),
        "10.0.0.2",
        ...base.slice(3),
        `--dhchap-secret-file=${file}`,
      ]);
      assertEquals([open.status, open.stderr], [
        0,
        `discovery-client: Other users can read the secret in ${file}: chmod 600 ${file}\n`,
      ]);
      const byVariable = await run([...base.slice(0, 2), "10.0.0.3", ...base.slice(3)], {
        DC_DHCHAPSECRET: secret,
      });
      assertEquals(byVariable.status, 0);
      assert(kernel.connects[2]?.text.includes(`dhchap_secret=${secret}`));
      const missing = await run([
        ...base.slice(0, 2),
        "10.0.0.4",
        ...base.slice(3),
        `--dhchap-secret-file=${file}2`,
      ]);
      assertEquals(
        missing.stderr,
        `discovery-client: Cannot read the secret in ${file}2: there is no such file\n`,
      );
    });
  });
});

Deno.test("connect takes secrets and the host's files from the settings, unless an option has one", async () => {
  await withDirectory(async (directory) => {
    await withKernel(async (kernel) => {
      const [all, own] = ["B", "C"].map((letter) => `DHHC-1:00:${letter.repeat(48)}:`) as [string, string];
      const config = `${directory}/settings.yaml`;
      const id = "dddddddd-0000-4000-8000-000000000004";
      await Deno.writeTextFile(`${directory}/hostid`, `${id}\n`);
      await Deno.writeTextFile(`${directory}/secret`, `${all}\n`, { mode: 0o600 });
      const yaml =
        `nvmeHostIDPath: ${directory}/hostid\ninternalDir: ${directory}\ndhChapSecretFile: ${directory}/secret\n` +
        `clusterSecrets:\n  "${cluster}":\n    "${host}": { dhChapSecret: "${own}" }\n`;
      await Deno.writeTextFile(config, yaml, { mode: 0o600 });
      const run = (address: string, nqn: string, ...args: string[]) =>
        runIn(["connect", "-a", address, "-n", nqn, "-q", host, "--config", config, ...args], {}, { kernel });
      const secretsOf = () => /,dhchap_secret=([^,]*)/.exec(kernel.connects.at(-1)?.text ?? "")?.[1];
      assertEquals(await run("10.0.0.1", cluster).then(({ status, stderr }) => [status, stderr]), [0, ""]);
      assertEquals(secretsOf(), own, "the cluster's first");
      assert(kernel.connects.at(-1)?.text.includes(`,hostid=${id},`), "the identifier of the settings");
      assertEquals((await run("10.0.0.2", "nqn.2016-01.com.example:other")).status, 0);
      assertEquals(secretsOf(), all);
      assertEquals((await run("10.0.0.3", cluster, "-S", secret)).status, 0);
      assertEquals(secretsOf(), secret, "the option's before all");
      await Deno.chmod(config, 0o644);
      const open = await run("10.0.0.4", cluster);
      assert(open.stderr.includes(`Other users can read the secrets in ${config}`), open.stderr);
      await Deno.writeTextFile(config, `${yaml}kato: soon\n`);
      const bad = await run("10.0.0.5", cluster);
      assertEquals([bad.status, kernel.connects.length], [1, 4]);
      assert(bad.stderr.includes("kato") && !bad.stderr.includes("DHHC-1"), bad.stderr);
    });
  });
});

/** Arguments after `base`, and what stderr says with status 2. */
const senseless: readonly [args: readonly string[], line: string][] = [
  [
    ["-S", "DHHC-1:00:short:"],
    "Cannot use --dhchap-secret: expected DHHC-1:hh:Base64: of a key of 32, 48 or 64 bytes",
  ],
  [["-C", secret], "Cannot use --dhchap-ctrl-secret alone"],
  [
    ["-S", secret, "--dhchap-secret-file", "/x"],
    "Cannot use --dhchap-secret and --dhchap-secret-file together",
  ],
  [[secret], "Unexpected argument '[secret]'"],
  [[`--hdr-digest=${secret}`], "Option --hdr-digest takes no value, or true or false; found [secret]"],
  [["--ctrl-loss-tmo", "soon"], 'Cannot use --ctrl-loss-tmo "soon": expected a whole number from -1 to '],
  [
    ["-w", "10.0.0.9,tls"],
    'Cannot use --host-traddr "10.0.0.9,tls": expected printable ASCII without commas',
  ],
  [["-s", "0"], 'Cannot use port "0" for "10.0.0.1"'],
  [["-t", "rdma"], 'Cannot use --transport "rdma": expected tcp'],
  [["-I", "no"], 'Cannot use --hostid "no": expected a UUID'],
];

Deno.test("connect refuses what makes no sense, writes nothing and shows no secret", async () => {
  await withKernel(async (kernel, run) => {
    for (const [args, line] of senseless) {
      const { status, stdout, stderr } = await run([...base, ...args]);
      assertEquals([status, stdout], [2, ""], args.join(" "));
      assert(stderr.startsWith(`discovery-client: ${line}`), stderr);
      assert(!stderr.includes("AAAA"), stderr);
    }
    assertEquals(kernel.connects.length, 0);
  });
});
