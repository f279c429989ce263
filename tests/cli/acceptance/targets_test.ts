/**
 * The real process against targets that break every rule they can, and logs that hold whatever they can: each session
 * ends with a typed error and is tried again with backoff, and nobody else notices. A dry run, so that no kernel is
 * asked for anything, whatever machine this is.
 */
import { recordSubtype, transportType } from "../../../src/nvme/spec.ts";
import { assert, assertEquals } from "../../assert.ts";
import { Fabric } from "../../fabric/fabric.ts";
import type { Fault } from "../../fabric/fault.ts";
import type { FabricRecord } from "../../fabric/fabric_log.ts";
import type { Quirks } from "../../fabric/quirks.ts";
import { FabricServer } from "../../fabric/tcp_server.ts";
import { cluster, host, withDirectory } from "../memory_environment.ts";
import { agentArgs, eventually, ProgramProcess } from "../program_process.ts";

interface Row {
  readonly fault: Fault;
  /** Code of the error; null for what an agent must bear. */
  readonly code: string | null;
  /** Retried slowly: patience or a refusal is part of it. */
  readonly slow?: boolean;
  readonly quirks?: Partial<Quirks>;
}

const garbage = new Uint8Array(64).fill(0xee);

/** Every kind of `fault.ts` at a step where it bites. */
const rows: readonly Row[] = [
  { fault: { kind: "silent", at: "icResp" }, code: "icresp", slow: true },
  { fault: { kind: "noAnswer", at: "icResp" }, code: "icresp", slow: true },
  { fault: { kind: "delay", at: "connect", ms: 300 }, code: null },
  { fault: { kind: "close", at: "identify" }, code: "closed" },
  { fault: { kind: "truncate", at: "logRecords", bytes: 100 }, code: "closed" },
  { fault: { kind: "termReq", at: "connect", fes: 2, fei: 3 }, code: "term-req" },
  { fault: { kind: "r2t", at: "propertyGet" }, code: "r2t" },
  { fault: { kind: "status", at: "connect", status: 0x184, dnr: true }, code: "invalid-host", slow: true },
  { fault: { kind: "shortData", at: "logRecords", bytes: 8 }, code: "log-short" },
  { fault: { kind: "surplusData", at: "logHeader", bytes: 8 }, code: "data-range" },
  {
    fault: { kind: "repeatedOffset", at: "logRecords" },
    code: "data-range",
    quirks: { c2hDataBytesMax: 512 },
  },
  { fault: { kind: "wrongCid", at: "connect" }, code: "unknown-command" },
  { fault: { kind: "twice", at: "identify" }, code: "unknown-command" },
  { fault: { kind: "badHeaderDigest", at: "connect" }, code: "header-digest" },
  { fault: { kind: "badDataDigest", at: "logRecords" }, code: "data-digest" },
  { fault: { kind: "garbage", at: "connect", bytes: garbage }, code: "pdu-header" },
  { fault: { kind: "flip", at: "connect", offset: 0, mask: 0xff }, code: "pdu-header" },
  { fault: { kind: "flip", at: "icResp", offset: 2, mask: 0x40 }, code: "pdu-header" },
  { fault: { kind: "flip", at: "connect", offset: 4, mask: 0x40 }, code: "pdu-header" },
  { fault: { kind: "generationMoves", reads: 3 }, code: null },
  { fault: { kind: "neverReady" }, code: "ready", quirks: { capTimeout: 1 }, slow: true },
  { fault: { kind: "fatalStatus" }, code: "controller-fatal" },
  { fault: { kind: "neverShutDown" }, code: null },
  { fault: { kind: "otherCntlid" }, code: "cntlid-mismatch" },
  { fault: { kind: "controllerType", cntrltype: 1 }, code: "not-discovery" },
  { fault: { kind: "recordCount", numrec: 16_000 }, code: "invalid-field" },
  { fault: { kind: "recordCount", numrec: 99_999 }, code: "log-too-long" },
  { fault: { kind: "recordFormat", recfmt: 7 }, code: "log-format" },
  { fault: { kind: "authentication" }, code: "authentication-required" },
  { fault: { kind: "icRespFields", cpda: 33 }, code: "pdu-field" },
  { fault: { kind: "icRespFields", maxh2cdata: 1 }, code: "pdu-field" },
  { fault: { kind: "icRespFields", digests: { header: true, data: true } }, code: "icresp-digest" },
];

const good = "nqn.2024-01.org.example:good";
const healthy = "healthy";

interface Served {
  readonly fabric: Fabric;
  readonly server: FabricServer;
  readonly agent: ProgramProcess;
  readonly port: (nodeId: string) => number;
}

/** A fabric of these nodes and a healthy one, and a dry run of the agent that has an entry for each. */
async function serve(
  nodes: readonly { id: string; faults?: readonly Fault[]; quirks?: Partial<Quirks>; options?: string }[],
  prepare: (fabric: Fabric) => void,
  action: (served: Served) => Promise<void>,
): Promise<void> {
  const fabric = new Fabric();
  const all = [...nodes, { id: healthy, options: "" }];
  for (const { id, faults = [], quirks } of all as typeof nodes) {
    const address = () => [{ traddr: "127.0.0.1", trsvcid: 0 }];
    fabric.addNode({ id, discovery: address(), io: address(), kind: "spdk", quirks });
    fabric.setFaults(id, faults);
  }
  const server = new FabricServer(fabric);
  const port = (id: string) => fabric.node(id).discovery[0]!.trsvcid;
  try {
    prepare(fabric);
    await withDirectory(async (root) => {
      await Deno.mkdir(`${root}/d`);
      const lines = (all as typeof nodes).map(({ id, options = "" }) =>
        `-t tcp -a 127.0.0.1 -s ${port(id)} -q ${host} -n ${cluster} ${options}\n`
      );
      await Deno.writeTextFile(`${root}/d/targets`, lines.join(""));
      // Where it is killed at the end of a test, its own directory goes with ours.
      const env = { TMPDIR: root };
      await using agent = new ProgramProcess(agentArgs(root, "--dry-run", "--logging.level", "debug"), {
        env,
      });
      await action({ fabric, server, agent, port });
      assertEquals([server.acceptedMs(healthy).length > 0, agent.lines("This is a bug")], [true, []]);
    });
  } finally {
    await server.close();
  }
}

function nameOf({ fault }: Row, at: number): string {
  return `${at} ${fault.kind}${"at" in fault ? ` at ${fault.at}` : ""}`;
}

Deno.test("serve ends a session with a typed error for each way to break the protocol, and tries again with backoff", async () => {
  const nodes = rows.map((row, at) => ({
    id: nameOf(row, at),
    faults: [row.fault],
    quirks: row.quirks,
    options: /Digest/.test(row.fault.kind) ? "-g -G" : "",
  }));
  const start = (fabric: Fabric) => void fabric.addSubsystem(good);
  await serve(nodes, start, async ({ fabric, server, agent, port }) => {
    const failures = await Promise.all(rows.map(async (row, at) => {
      const name = nameOf(row, at);
      const endpoint = `endpoint=127.0.0.1:${port(name)} `;
      if (row.code === null) await agent.waitFor(new RegExp(`Discovery log read: .*${endpoint}`));
      else {
        const line = await agent.waitFor(new RegExp(`Discovery session failed: .*${endpoint}`));
        const found = / code=(\S+)/.exec(line)?.[1];
        if (found !== row.code) return `${name}: code ${found} instead of ${row.code}: ${line}`;
        assert(/ failed: [A-Z]/.test(line) && / WARN /.test(line), line);
      }
      const accepted = () => server.acceptedMs(name);
      if (row.code !== null && row.slow !== true) {
        await eventually(`Retries of ${name}`, () => accepted().length >= 5);
      }
      const told = agent.lines("Discovery session failed").filter((line) =>
        line.includes(endpoint) && line.includes(" WARN ")
      );
      if (told.length !== (row.code === null ? 0 : 1)) return `${name}: told ${told.length} times`;
      // 100, 200, 400 and 800 ms, a quarter more or less.
      const [a = 0, b = 0, , d = 0, e = Infinity] = accepted();
      const grows = e - d > b - a;
      return grows ? null : `${name}: attempts at ${accepted()}`;
    }));
    assertEquals(failures.filter((failure) => failure !== null), []);

    const read = () =>
      agent.lines("Discovery log read").filter((line) => line.includes(`:${port(healthy)} `));
    assertEquals([server.acceptedMs(healthy).length, read().length], [1, 1], "The healthy one is left alone");
    fabric.addSubsystem("nqn.2024-01.org.example:later");
    await eventually("The healthy endpoint's event", () => read().length === 2, 5_000);
    agent.kill("SIGTERM");
    assertEquals((await agent.end()).status, 0);
  });
});

/** Hostile or odd records; what the refusal must say. */
const records: readonly [record: FabricRecord, reason: string][] = [
  [{ subnqn: `${good},host_iface=eth0` }, "it holds a comma"],
  [{ subnqn: `${good}\ntransport=rdma` }, "it holds a control character"],
  [{ subnqn: "nqn.2024-01.org.example:\x1b[2J" }, "it holds a control character"],
  [{ subnqn: "nqn.2024-01.org.example:a b" }, "white space"],
  [{ subnqn: "" }, "it is empty"],
  [{ traddr: "127.0.0.1,tls" }, "TRADDR cannot be used: it holds a comma"],
  [{ traddr: "storage.example" }, "TRADDR cannot be used: it is no IP address"],
  [{ traddr: "0.0.0.0" }, "the target listens on all of its own"],
  [{ trsvcid: "0" }, `"0" is no port number from 1 to 65535`],
  [{ trsvcid: "70000" }, `"70000" is no port number from 1 to 65535`],
  [{ trsvcid: "4420,tls" }, `"4420,tls" is no port number`],
  [{ trtype: transportType.rdma }, "transport type 1 (rdma) is not supported, only TCP"],
  [{ trtype: 77 }, "transport type 77 is not supported, only TCP"],
  [{ subtype: recordSubtype.referral, traddr: "::" }, "the target listens on all of its own"],
  [{ subtype: recordSubtype.referral, trsvcid: "70001" }, `"70001" is no port number`],
];

Deno.test("serve refuses hostile, odd and unknown records one by one, says why, and takes the others", async () => {
  const plain = { traddr: "127.0.0.9", trsvcid: "4420", subnqn: "nqn.2024-01.org.example:bad" };
  const prepare = (fabric: Fabric) => {
    fabric.injectRecords("hostile", [
      ...records.map(([record]) => ({ ...plain, ...record })),
      { ...plain, subtype: 99 },
      { raw: new Uint8Array(1024).fill(0xff) },
    ]);
    fabric.addSubsystem(good);
  };
  await serve([{ id: "hostile" }], prepare, async ({ agent, port, server }) => {
    const from = `endpoint=127.0.0.1:${port("hostile")} `;
    await eventually("The refusals", () => agent.lines("Record refused").length >= records.length);
    const refused = agent.lines("Record refused");
    assertEquals(refused.length, records.length, refused.join("\n"));
    for (const [at, [, reason]] of records.entries()) {
      assert(refused[at]!.includes(reason) && refused[at]!.includes(from), `${reason} in:\n${refused[at]}`);
    }
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x09\x0b-\x1f]/.test(agent.stderr), "Hostile bytes never reach a terminal");
    await eventually("The picture", () => agent.stdout.includes("records refused"));
    const summary = agent.stdout.trimEnd().split("\n").at(-1);
    assertEquals(
      summary,
      `2 of 2 endpoints reachable, 2 of 2 paths would be connected, ${records.length} records refused`,
    );
    assertEquals([server.acceptedMs("hostile").length > 0, server.connectionCount("hostile")], [true, 1]);
  });
});
