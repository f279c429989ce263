/**
 * A Debian of its own, as small as it gets (the essential packages), in which packages come and go. Commands run in a
 * mount and process namespace of their own. systemctl and nvme in it only write down what they are asked for; a
 * controller stands there that nobody may touch. Made once, kept under .cache.
 */
import { assertEquals } from "../../assert.ts";
import { root as project } from "../package_files.ts";
import { attempt, type Outcome, run } from "./command.ts";

const cached = `${project}.cache/package-root`;

/** Says whatever it is asked for; knows whether the agent runs, and whether it is enabled. */
const systemctl = `#!/bin/sh
echo "systemctl $*" >>/var/log/asked
for verb in "$@"; do case "$verb" in --*) ;; *) break ;; esac; done
case "$verb" in
  is-enabled) test -L /etc/systemd/system/multi-user.target.wants/discovery-client.service && echo enabled ;;
  is-active) test -e /run/agent-runs ;;
  preset)
    mkdir -p /etc/systemd/system/multi-user.target.wants
    ln -sf /lib/systemd/system/discovery-client.service /etc/systemd/system/multi-user.target.wants/
    ;;
  start) touch /run/agent-runs ;;
  stop) rm -f /run/agent-runs ;;
  disable) rm -f /run/agent-runs /etc/systemd/system/multi-user.target.wants/discovery-client.service ;;
esac
`;

/** Nobody reads there, and nothing is to survive a power cut. */
const leaveOut = ["doc", "locale", "man", "zoneinfo", "i18n", "info"].map((name) =>
  `--dpkgopt=path-exclude=/usr/share/${name}/*`
);
const hasty = "force-unsafe-io\npath-include=/usr/share/man/*\npath-include=/usr/share/doc/*\n";

const recorder = '#!/bin/sh\necho "$0 $*" >>/var/log/asked\n';
const controllerFiles = ["dev/nvme-fabrics", "sys/class/nvme/nvme0/delete_controller"];

export class DebianRoot {
  readonly path: string;
  #untouched = new Set<string>();

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<DebianRoot> {
    await fillCache();
    const path = await Deno.makeTempDir({ prefix: "package-root-" });
    await run("cp", ["-a", `${cached}/.`, path]);
    const root = new DebianRoot(path);
    await root.write("usr/bin/systemctl", systemctl, 0o755);
    await root.write("usr/sbin/nvme", recorder, 0o755);
    await root.write("var/log/asked", "");
    await root.write("etc/dpkg/dpkg.cfg.d/zz-hasty", hasty);
    await Deno.mkdir(`${path}/run/systemd/system`, { recursive: true });
    for (const file of controllerFiles) await root.write(file, "");
    root.#untouched = await root.files();
    return root;
  }

  async remove(): Promise<void> {
    await run("rm", ["-rf", "--one-file-system", this.path]);
  }

  /** Runs there, with /proc; no terminal, so that a question is a failure. */
  attempt(command: string, ...args: string[]): Promise<Outcome> {
    const env = { DEBIAN_FRONTEND: "noninteractive", HOME: "/root", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    const namespace = ["--mount", "--pid", "--fork", `--mount-proc=${this.path}/proc`];
    return attempt("unshare", [...namespace, "chroot", this.path, command, ...args], { env });
  }

  async run(command: string, ...args: string[]): Promise<string> {
    const { code, text } = await this.attempt(command, ...args);
    assertEquals(code, 0, `${command} ${args.join(" ")}:\n${text}`);
    return text;
  }

  /** A package of this machine, there. */
  async dpkg(action: string, file: string): Promise<string> {
    await Deno.copyFile(file, `${this.path}/package.deb`);
    const text = await this.run("dpkg", action, "/package.deb");
    await Deno.remove(`${this.path}/package.deb`);
    return text;
  }

  /** rpm of this machine, with its scripts run there. Debian's packages are no RPMs, so nothing can be required. */
  rpm(...args: string[]): Promise<string> {
    const options = ["--root", this.path, "--dbpath", "/var/lib/rpm"];
    const nodeps = /^-[iUe]/.test(args[0] ?? "") ? ["--nodeps"] : [];
    return run("unshare", ["--mount", "--pid", "--fork", "rpm", ...options, ...args, ...nodeps]);
  }

  /** What differs from the package; rpm ends with 1 then. */
  rpmVerify(): Promise<Outcome> {
    const options = ["--root", this.path, "--dbpath", "/var/lib/rpm"];
    return attempt("rpm", [...options, "-V", "--nodeps", "discovery-client"]);
  }

  async write(file: string, text: string, mode = 0o644): Promise<void> {
    const path = `${this.path}/${file}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
  }

  read(file: string): Promise<string> {
    return Deno.readTextFile(`${this.path}/${file}`);
  }

  async has(file: string): Promise<boolean> {
    return await Deno.lstat(`${this.path}/${file}`).then(() => true, () => false);
  }

  /** Where the link leads that enables the agent; null: it is not enabled. */
  link(): Promise<string | null> {
    return Deno.readLink(`${this.path}/etc/systemd/system/multi-user.target.wants/discovery-client.service`)
      .catch(() => null);
  }

  /** What systemctl and nvme were asked for since the last call; questions and Debian's own enabling left out. */
  async asked(): Promise<string[]> {
    const text = await this.read("var/log/asked");
    await this.write("var/log/asked", "");
    return text.split("\n").filter((line) =>
      line !== "" && !/ is-(enabled|active)\b| --version| --root=\/ /.test(line)
    )
      .map((line) => line.replace(/--(system|quiet) /g, ""));
  }

  /** Everything but what package managers write about themselves. */
  async files(): Promise<Set<string>> {
    const text = await run("find", [this.path, "-xdev", "-printf", "%P\n"]);
    const own = /^(var\/(lib\/(dpkg|rpm)|log|cache)|proc|run\/lock|tmp)(\/|$)|^$/;
    return new Set(text.split("\n").filter((file) => !own.test(file)));
  }

  /** Files that came since it was made, and are still there. */
  async left(): Promise<string[]> {
    return [...await this.files()].filter((file) => !this.#untouched.has(file)).sort();
  }

  /** Nobody has written to a controller, nor asked nvme for anything. */
  async assertUntouchedControllers(): Promise<void> {
    for (const file of controllerFiles) assertEquals(await this.read(file), "", file);
  }
}

/** Once, even where several tests ask for it at the same time. */
async function fillCache(): Promise<void> {
  await Deno.mkdir(`${project}.cache`, { recursive: true });
  using lock = await Deno.open(`${cached}.ready`, { create: true, read: true, write: true });
  await lock.lock(true);
  if ((await lock.stat()).size > 0) return;
  await run("rm", ["-rf", "--one-file-system", cached]);
  const release = await Deno.readTextFile("/etc/os-release");
  const suite = /^VERSION_CODENAME=(\w+)/m.exec(release)?.[1] ?? "stable";
  await run("mmdebstrap", ["--quiet", "--variant=essential", "--mode=root", ...leaveOut, suite, cached]);
  await lock.write(new TextEncoder().encode(`${suite}\n`));
}
