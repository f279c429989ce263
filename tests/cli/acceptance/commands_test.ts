/** Every command as the real process: what it prints, what it refuses, and its exit status. */
import { versionText } from "../../../src/base/version.ts";
import { commands } from "../../../src/cli/commands.ts";
import { assert, assertEquals } from "../../assert.ts";
import { Fabric } from "../../fabric/fabric.ts";
import { FabricServer } from "../../fabric/tcp_server.ts";
import { type CliResult, cluster, host, withDirectory } from "../memory_environment.ts";
import { runProgramProcess } from "../program_process.ts";

/** Calls run beside each other, a few at a time: each is a process. */
async function runAll(calls: readonly (readonly string[])[]): Promise<CliResult[]> {
  const results: CliResult[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < calls.length; at = next++) results[at] = await runProgramProcess(calls[at]!);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}

Deno.test("--version and --help answer everywhere, with status 0 and an empty stderr", async () => {
  const places = [[], ["list"], ...commands.map(({ words }) => [...words])];
  const calls = places.flatMap((
    words,
  ) => [[...words, "--version"], [...words, "--help"], ["help", ...words]]);
  const results = await runAll(calls);
  for (const [at, { status, stdout, stderr }] of results.entries()) {
    const words = calls[at]!;
    assertEquals([status, stderr], [0, ""], words.join(" "));
    // An executable knows its commit as well.
    if (words.includes("--version")) assert(stdout.startsWith(versionText()), stdout);
    else {
      const place = words.filter((word) => !["help", "--help"].includes(word));
      assert(stdout.startsWith(`Usage: ${["discovery-client", ...place].join(" ")} [options]`), stdout);
    }
  }
});

const named = ["add-hostnqn", "--name", "a", "-a", "10.0.0.1"];

/** A command line that makes no sense, and the one line that says why. */
const senseless: readonly [args: string[], line: string][] = [
  [["serv"], "Unknown command 'serv'; did you mean serve?"],
  [["list", "ctl"], "Unknown command 'ctl'; did you mean ctrl?"],
  [["list", "ctrl", "more"], "Unexpected argument 'more'"],
  [["list", "ctrl", "-o", "xml"], 'Cannot use --output "xml": expected json or table'],
  [["serve", "--ephemral"], "Unknown option '--ephemral'; did you mean --ephemeral?"],
  [["serve", "--once"], "Cannot use --once without --dry-run"],
  [
    ["serve", "--dry-run", "-a", "10.0.0.1", "-q", host, "-n", cluster, "--clientConfigDir", "/tmp"],
    "Cannot use --clientConfigDir with --addresses: those are all the configuration then",
  ],
  [["serve", "--kato=soon"], "Cannot use --kato: expected a whole number of seconds from 0 to "],
  [["discover", "--tradr", "10.0.0.1", "-q", host], "Unknown option '--tradr'; did you mean --traddr?"],
  [["discover", "-a", "10.0.0.1"], "Required option '-q, --hostnqn <NQN>' not specified"],
  [
    ["discover", "-a", "10.0.0.1:70000", "-q", host],
    'Cannot use port "70000" for "10.0.0.1": expected a number from 1 to 65535',
  ],
  [["discover", "-a", "10.0.0.1", "-q", host, "-t", "rdma"], 'Cannot use --transport "rdma": expected tcp'],
  [[...named, "-n", cluster, "-q"], "Option -q lacks its value: --hostnqn <NQN>"],
  [[...named, "-q", host], "Required option '-n, --nqn <NQN>' not specified"],
  [["connect", "-a", "10.0.0.1"], "Required option '-n, --nqn <NQN>' not specified"],
  [
    ["connect", "-a", "10.0.0.1", "-n", cluster, "-q", host, "-S", "DHHC-1:00:short:"],
    "Cannot use --dhchap-secret: expected DHHC-1:hh:Base64:",
  ],
  [["connect-all", "-a=10.0.0.1", `-q=${host}`, "-t=rdma"], 'Cannot use --transport "rdma": expected tcp'],
  [["connect-all", "-q", host], "Required option '-a, --traddr <ADDRESS>' not specified"],
  [["disconnect"], "Cannot tell what to disconnect: give either --device or --nqn"],
  [["disconnect", "-d", "sda"], 'Cannot use --device "sda": expected a controller such as nvme0'],
  [["remove-hostnqn"], "Required option '-n, --name <NAME>' not specified"],
];

Deno.test("a senseless command line ends with status 2, one line that says why, and where to read more", async () => {
  const results = await runAll(senseless.map(([args]) => args));
  for (const [at, { status, stdout, stderr }] of results.entries()) {
    const [args, line] = senseless[at]!;
    assertEquals([status, stdout], [2, ""], args.join(" "));
    assert(stderr.startsWith(`discovery-client: ${line}`), stderr);
    assert(/^discovery-client: [^\n]+\nTry: discovery-client (\S+ )*--help\n$/.test(stderr), stderr);
  }
});

Deno.test("discover prints the log as JSON and as a table, and says what fails with status 1", async () => {
  const fabric = Fabric.build({ nodes: 1, traddr: () => "127.0.0.1", discoveryPort: 0, ioPort: 4420 });
  fabric.node("n1").io.forEach((address) => address.trsvcid = 0);
  const server = new FabricServer(fabric);
  try {
    fabric.addSubsystem("nqn.2024-01.org.example:a");
    fabric.addReferral("n1", { traddr: "10.9.9.9", trsvcid: 8010 });
    const port = String(fabric.node("n1").discovery[0]!.trsvcid);
    const io = fabric.node("n1").io[0]!.trsvcid;
    const [json, table, refused, unknown] = await runAll([
      ["discover", "-a=127.0.0.1", `-s=${port}`, `-q=${host}`, "-t=tcp"],
      ["discover", "-a", `127.0.0.1:${port}`, "-q", host, "-o", "table"],
      ["discover", "-a", "127.0.0.9:1", "-q", host],
      ["discover", "-a", "no-such-host.invalid", "-q", host, "--timeout", "5s"],
    ]) as [CliResult, CliResult, CliResult, CliResult];
    assertEquals([json.status, json.stderr], [0, ""]);
    assertEquals(JSON.parse(json.stdout), [
      {
        portid: 1,
        cntlid: 65_535,
        trsvcid: Number(port),
        subnqn: "nqn.2014-08.org.nvmexpress.discovery",
        traddr: "127.0.0.1",
        subtype: 3,
      },
      {
        portid: 1,
        cntlid: 65_535,
        trsvcid: io,
        subnqn: "nqn.2024-01.org.example:a",
        traddr: "127.0.0.1",
        subtype: 2,
      },
      {
        portid: 1,
        cntlid: 65_535,
        trsvcid: 8010,
        subnqn: "nqn.2014-08.org.nvmexpress.discovery",
        traddr: "10.9.9.9",
        subtype: 1,
      },
    ]);
    const rows = table.stdout.trimEnd().split("\n").map((row) => row.split(/ {2,}/));
    assertEquals(rows[0]!.slice(0, 4), ["TYPE", "TRANSPORT", "TRADDR", "TRSVCID"]);
    assertEquals(rows.slice(1).map((row) => row.slice(0, 4)), [
      ["current", "tcp", "127.0.0.1", port],
      ["nvm", "tcp", "127.0.0.1", String(io)],
      ["referral", "tcp", "10.9.9.9", "8010"],
    ]);
    assertEquals([refused.status, refused.stdout, unknown.status, unknown.stdout], [1, "", 1, ""]);
    assert(
      /^discovery-client: Cannot discover at 127\.0\.0\.9:1: .*ECONNREFUSED.*\n$/.test(refused.stderr),
      refused.stderr,
    );
    assert(
      unknown.stderr.startsWith("discovery-client: Cannot discover at no-such-host.invalid:8009: "),
      unknown.stderr,
    );
  } finally {
    await server.close();
  }
});

/** Names that no entry file can have, and why. */
const badNames: readonly [name: string, reason: string][] = [
  ["", "it is empty"],
  [".", "it names a directory"],
  ["..", "it names a directory"],
  [".hidden", "names starting with a dot are ignored"],
  ["a/b", "it holds a slash"],
  ["../a", "it holds a slash"],
  ["/etc/passwd", "it holds a slash"],
  ["tmp.dc.a", "names starting with tmp.dc. are reserved"],
  ["a\nb", "it holds a control character"],
  ["x".repeat(256), "it is longer than 255 bytes"],
];

Deno.test("add-hostnqn and remove-hostnqn write, replace and remove one file, and refuse every name that is none", async () => {
  await withDirectory(async (root) => {
    const directory = ["--clientConfigDir", `${root}/made/d`];
    const file = `${root}/made/d/volumes`;
    const answer = `{\n  "name": "${file}"\n}\n`;
    const what = ["-a", "10.0.0.1,[fe80::1%eth0]:8010,Node1", `-q=${host}`, `-n=${cluster}`];
    const hostid = "aaaaaaaa-0000-4000-8000-000000000001";
    const [added] = await runAll([["add-hostnqn", "--name=volumes", ...what, `-I=${hostid}`, ...directory]]);
    assertEquals(added, { status: 0, stdout: answer, stderr: "" });
    const end = `-q ${host} -n ${cluster} -I ${hostid}\n`;
    assertEquals(
      await Deno.readTextFile(file),
      `-t tcp -a 10.0.0.1 -s 8009 ${end}-t tcp -a fe80::1%eth0 -s 8010 ${end}-t tcp -a node1 -s 8009 ${end}`,
    );
    await runProgramProcess([
      "add-hostnqn",
      "--name",
      "volumes",
      "-a",
      "10.0.0.9",
      ...what.slice(2),
      ...directory,
    ]);
    assertEquals(await Deno.readTextFile(file), `-t tcp -a 10.0.0.9 -s 8009 -q ${host} -n ${cluster}\n`);

    const refusals = await runAll(badNames.flatMap(([name]) => [
      ["add-hostnqn", "--name", name, ...what, ...directory],
      ["remove-hostnqn", `--name=${name}`, ...directory],
    ]));
    for (const [at, { status, stdout, stderr }] of refusals.entries()) {
      const [name, reason] = badNames[Math.floor(at / 2)]!;
      assertEquals([status, stdout], [2, ""], name);
      assert(
        stderr.startsWith("discovery-client: Cannot use --name ") && stderr.includes(`: ${reason}\n`),
        stderr,
      );
    }
    assertEquals([...Deno.readDirSync(`${root}/made/d`)].map(({ name }) => name), ["volumes"]);

    const remove = ["remove-hostnqn", "--name", "volumes", ...directory];
    assertEquals(await runProgramProcess(remove), { status: 0, stdout: answer, stderr: "" });
    assertEquals(await runProgramProcess(remove), {
      status: 0,
      stdout: "",
      stderr: `discovery-client: Nothing to remove: ${root}/made/d has no volumes\n`,
    });
    await Deno.writeTextFile(`${root}/file`, "");
    const blocked = await runProgramProcess([
      "add-hostnqn",
      "--name=a",
      ...what,
      `--clientConfigDir=${root}/file`,
    ]);
    assertEquals(blocked, {
      status: 1,
      stdout: "",
      stderr: `discovery-client: Cannot make the directory ${root}/file: ENOTDIR (not a directory)\n`,
    });
  });
});

Deno.test("list ctrl prints this host's controllers as a JSON object by name, or as a table", async () => {
  const [json, table] = await runAll([["list", "ctrl"], ["list", "ctrl", "-o=table"]]) as [
    CliResult,
    CliResult,
  ];
  assertEquals([json.status, json.stderr, table.status, table.stderr], [0, "", 0, ""]);
  const controllers = Object.entries(JSON.parse(json.stdout) as Record<string, Record<string, unknown>>);
  const keys = ["Traddr", "Trsvcid", "Transport", "Subsysnqn", "HostTraddr", "Device", "State"];
  for (const [name, controller] of controllers) {
    assertEquals([Object.keys(controller), controller.Device], [keys, `/dev/${name}`]);
  }
  const [heading = "", ...rows] = table.stdout.trimEnd().split("\n");
  assert(/^DEVICE +STATE +TRANSPORT +TRADDR +TRSVCID +HOST-TRADDR +SUBSYSNQN$/.test(heading), heading);
  assertEquals(rows.length, controllers.length);
});

Deno.test("disconnect of a controller that is not there says so with status 1", async () => {
  const { status, stdout, stderr } = await runProgramProcess(["disconnect", "-d=/dev/nvme987654321"]);
  assertEquals([status, stdout], [1, ""]);
  assertEquals(stderr, "discovery-client: Cannot disconnect nvme987654321: there is no such controller\n");
});
