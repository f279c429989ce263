/**
 * Inside the unit's sandbox everything works that the agent does, and what it need not do is refused: tried by a program
 * under the very lines of the shipped unit.
 */
import { entryLine } from "../agent_process.ts";
import { runCommand } from "../command.ts";
import { makeDhchapSecret } from "../dhchap_secret.ts";
import {
  controllerAttribute,
  controllers,
  deleteController,
  identity,
  lookForSame,
  setAdminTimeout,
} from "../initiator.ts";
import { discoveryPort, nodeAddress } from "../network.ts";
import { addSubsystem, link, removeSubsystem, setControllerIds, setHostSecrets, unlink } from "../nvmet.ts";
import { pause, until } from "../poll.ts";
import { expect, hosts, type Scenario } from "../scenario.ts";
import {
  controlSocket,
  logFile,
  mainPid,
  novaUid,
  show,
  storageGid,
  systemctl,
  unit,
  untilStatus,
} from "../systemd_unit.ts";

export const sandbox: Scenario = {
  name: "sandbox",
  title: "everything works inside the unit's sandbox, and what it forbids is refused",
  seconds: 35,
  limitMs: 150_000,
  run,
};

const entryDir = "/etc/discovery-client/discovery.d";

async function run(): Promise<string> {
  await expectProcess();
  await expectSocket();
  await expectFiles();
  await expectKernelWords();
  await expectRenewal();
  const refused = await expectRefusals();
  await expectNoTrouble();
  return `exposure ${await exposure()}; socket by group, log, state, kernel's words and a renewed secret work; ` +
    `${refused} things that it need not do are refused`;
}

/** What the shipped unit is said to score, as systemd/README.md has it. */
async function exposure(): Promise<string> {
  const { stdout } = await runCommand("systemd-analyze", ["security", "--no-pager", unit]);
  const found = /exposure level[^\n]*: ([\d.]+)/.exec(stdout)?.[1];
  expect(found !== undefined, `systemd-analyze says ${stdout.slice(-300)}`);
  return found ?? "";
}

async function expectProcess(): Promise<void> {
  const status = await Deno.readTextFile(`/proc/${await mainPid()}/status`);
  const value = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1];
  // CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_SYSLOG.
  const wanted = (1n << 0n | 1n << 2n | 1n << 34n).toString(16).padStart(16, "0");
  const found = [value("CapBnd"), value("CapEff"), value("NoNewPrivs"), value("Seccomp")].join(" ");
  expect(found === `${wanted} ${wanted} 1 2`, `The process has ${found}`);
}

async function expectSocket(): Promise<void> {
  const { mode, gid } = await Deno.stat(controlSocket);
  expect(
    ((mode ?? 0) & 0o777) === 0o660 && gid === storageGid,
    `The socket has mode ${mode?.toString(8)}, group ${gid}`,
  );
  // Whoever may write to it may connect.
  const may = async (uid: number, gid: number) =>
    (await new Deno.Command("/usr/bin/busybox", { args: ["test", "-w", controlSocket], uid, gid }).output())
      .success;
  expect(!await may(novaUid, novaUid), "A stranger may use the control socket");
  expect(await may(novaUid, storageGid), "The group may not use the control socket");
  const asked = await new Deno.Command("/usr/bin/discovery-client", {
    args: ["status"],
    uid: novaUid,
    gid: storageGid,
  }).output();
  expect(asked.code === 0, `status, asked by the group, ends with ${asked.code}`);
}

async function expectFiles(): Promise<void> {
  const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
  const wanted: [string, number][] = [
    [logFile, 0o600],
    ["/etc/discovery-client/internal", 0o755],
    ["/etc/discovery-client/internal/internal.json", 0o600],
    ["/etc/nvme/hostid", 0o644],
  ];
  for (const [path, mode] of wanted) {
    const found = await modeOf(path);
    expect(found === mode, `${path} has mode ${found.toString(8)}`);
  }
}

/** A subsystem with fewer controllers than nodes: the third connect fails, and the kernel says why. */
async function expectKernelWords(): Promise<void> {
  const nqn = "nqn.2024-01.org.example:narrow";
  await addSubsystem({ nqn, disk: null, hosts: [hosts[0].hostnqn] });
  await setControllerIds(nqn, 500, 501);
  for (const port of [1, 2, 3]) await link(port, nqn);
  await until("the kernel's words in the log", 30_000, async () => {
    const log = await Deno.readTextFile(logFile);
    return new RegExp(`Path not live: [^\\n]*the kernel says: [^\\n]*`).test(log) ? null : "no such line";
  });
  for (const port of [1, 2, 3]) await unlink(port, nqn);
  for (const { name, nqn: of } of await controllers()) if (of === nqn) await deleteController(name);
  await removeSubsystem(nqn);
  await untilStatus(6);
}

/** The kernel's own reconnect gets a secret that was changed meanwhile: a write to sysfs. */
async function expectRenewal(): Promise<void> {
  const restore = await setAdminTimeout(4);
  const nqn = "nqn.2024-01.org.example:secured";
  const [, host] = hosts;
  const first = { host: makeDhchapSecret(2), controller: makeDhchapSecret(3) };
  const second = { host: makeDhchapSecret(4), controller: makeDhchapSecret(5) };
  await addSubsystem({ nqn, disk: null, hosts: [host.hostnqn] });
  await setHostSecrets(host.hostnqn, first.host, first.controller);
  await link(1, nqn);
  const file = `${entryDir}/secured`;
  const write = async ({ host: ours, controller }: typeof first) => {
    const more = `-S ${ours} -C ${controller}`;
    await Deno.writeTextFile(
      `${entryDir}/tmp.dc.secured`,
      entryLine(nodeAddress(1), host, nqn, discoveryPort, more),
      {
        mode: 0o600,
      },
    );
    await Deno.rename(`${entryDir}/tmp.dc.secured`, file);
  };
  const secured = async () => (await controllers()).filter((one) => one.nqn === nqn);
  const untilLive = () =>
    until("the secured path", 40_000, async () => {
      const [one] = await secured();
      return one?.state === "live" ? null : one?.state ?? "no controller";
    });
  await write(first);
  await untilLive();
  const before = await secured();
  await setHostSecrets(host.hostnqn, second.host, second.controller);
  await write(second);
  // A file counts when it has come to rest; the kernel leaves ten seconds between the loss and its reconnect.
  await pause(2_000);
  await unlink(1, nqn);
  await until("the connection is lost", 5_000, async () => {
    const [one] = await secured();
    return one?.state === "live" ? "still live" : null;
  });
  await link(1, nqn);
  await untilLive();
  const [one] = await secured();
  const found = await controllerAttribute(one?.name ?? "", "dhchap_secret");
  expect(found === second.host, `The controller has the secret ${found}`);
  const lost = await lookForSame(before, identity);
  expect(lost === null, `It is not the kernel's reconnect that brought it back: ${lost}`);
  await Deno.remove(file);
  await unlink(1, nqn);
  for (const { name } of await secured()) await deleteController(name);
  await removeSubsystem(nqn);
  await restore();
  await untilStatus(6);
}

/** No line of the agent's log tells of something that the sandbox keeps from it. */
async function expectNoTrouble(): Promise<void> {
  const lines = (await Deno.readTextFile(logFile)).split("\n");
  const trouble = lines.filter((line) =>
    /\b(EPERM|EACCES|EROFS|ENOSYS|EAFNOSUPPORT)\b|Operation not permitted/.test(line)
  );
  expect(trouble.length === 0, `The log has ${trouble.slice(0, 3).join(" | ")}`);
}

/** What the agent does, and what it need not: shell commands, tried under the lines of the shipped unit. */
const allowed = [
  "echo x >/etc/discovery-client/internal/probe && rm /etc/discovery-client/internal/probe",
  "echo x >/etc/nvme/probe && rm /etc/nvme/probe",
  "echo x >/var/log/probe && rm /var/log/probe",
  "head -c 1 </dev/nvme-fabrics",
  "dd if=/dev/kmsg of=/dev/null bs=8k count=1",
  "grep -q nvme_tcp /proc/kallsyms",
  "cat /etc/discovery-client/discovery.d/nova",
  // A write by which nothing changes.
  "set -- /sys/devices/virtual/nvme-fabrics/ctl/nvme*/reconnect_delay; value=$(cat $1); echo $value >$1",
  "chown 0:300 /etc/discovery-client/internal/internal.json && chown 0:0 /etc/discovery-client/internal/internal.json",
];
const forbidden = [
  "echo x >/etc/probe",
  "echo x >/usr/probe",
  "echo x >/var/lib/probe",
  "echo x >/srv/volume1/probe",
  "cat /root/secret",
  "head -c 1 </dev/ram0",
  "head -c 1 </dev/nvme0n1",
  "echo x >/dev/kmsg",
  "mknod /var/log/probe b 1 0",
  "echo 1 >/proc/sys/kernel/panic",
  "echo h >/proc/sysrq-trigger",
  "echo 1 >/sys/module/nvme_core/parameters/multipath",
  "echo 4 >/sys/module/nvme_core/parameters/admin_timeout",
  "mkdir /sys/fs/cgroup/probe",
  "mount -t tmpfs tmpfs /var/log",
  "umount /srv/volume1",
  "insmod /usr/lib/modules/*/kernel/drivers/net/dummy.ko",
  "unshare -m true",
  "unshare -n true",
  "hostname probe",
  "date -s 2001-01-01; [ $(date +%Y) = 2001 ]",
  "ip link set lo down",
  "chown 162 /srv/volume1",
  "chroot / true",
  "nice -n -5 true",
  "cat /proc/1/environ",
  "swapoff -a && mkswap /dev/ram1",
];

async function expectRefusals(): Promise<number> {
  const text = await Deno.readTextFile(`/usr/lib/systemd/system/${unit}`);
  const kept = text.split("\n").filter((line) =>
    !/^(Type|NotifyAccess|Exec\w+|Restart\w*|Timeout\w+|WatchdogSec|RuntimeDirectory\w*|WantedBy|\[Install\])(=|$)/
      .test(line)
  );
  await Deno.writeTextFile("/root/secret", "x");
  const out = "/run/probe.out";
  const script = [...allowed, ...forbidden].map((command, at) =>
    `( ${command} ) >/dev/null 2>/run/probe.err </dev/null && echo ${at} done || echo ${at} refused`
  ).join("\n");
  await Deno.writeTextFile("/run/probe.sh", script.replaceAll("2>/run/probe.err", "2>&1"));
  await Deno.writeTextFile(
    "/run/systemd/system/sandbox-probe.service",
    `${kept.join("\n")}\n[Service]\nType=oneshot\nStandardOutput=file:${out}\n` +
      "Environment=PATH=/usr/local/bin:/usr/bin:/usr/sbin\nExecStart=/usr/bin/busybox sh /run/probe.sh\n",
  );
  await systemctl("daemon-reload");
  await systemctl("start", "sandbox-probe.service");
  const { Result } = await show("sandbox-probe.service", "Result");
  expect(Result === "success", `The probe ended with ${Result}`);
  const answers = (await Deno.readTextFile(out)).trimEnd().split("\n");
  const all = [...allowed, ...forbidden];
  expect(answers.length === all.length, `${answers.length} answers for ${all.length} questions`);
  const wrong = all.filter((_, at) => answers[at] !== `${at} ${at < allowed.length ? "done" : "refused"}`);
  expect(
    wrong.length === 0,
    `Not as wanted: ${wrong.join(" | ")}; ${
      (await Deno.readTextFile(`/proc/${await mainPid()}/mountinfo`)).split("\n").filter((l) =>
        / \/(sys|proc)/.test(l)
      ).join("\n")
    }`,
  );
  return forbidden.length;
}
