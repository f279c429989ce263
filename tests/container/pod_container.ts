/**
 * A container of a manifest, without a container engine: the image's root directory in mount, PID, IPC and UTS
 * namespaces of its own, read only, with the mounts, arguments and variables that the manifest names and no more
 * capabilities. The "node" is a temporary directory, the network the one of whoever starts it, as with hostNetwork.
 * What is left out: seccomp, AppArmor, cgroups (so every device may be opened), limits.
 */
import { assert, assertEquals } from "../assert.ts";
import { ProgramProcess } from "../cli/program_process.ts";
import { type Container, podOf } from "./manifests.ts";
import type { Manifest, Volume } from "./manifests.ts";
import { MountedVolume } from "./mounted_volume.ts";

const program = "/usr/bin/discovery-client";
/** What a runtime always shows of devices. */
const devices = ["null", "zero", "full", "random", "urandom", "tty"];

/** Arguments: the root, `ro` or `rw`, what to drop, whether it may gain; then a line a mount; then `--` and words. */
const script = `
set -eu
root=$1 mode=$2 drop=$3 privileges=$4
shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in ${devices.join(" ")}; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
while [ "$1" != -- ]; do
  mount --rbind "$1" "$root$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
  shift 3
done
shift
if [ "$mode" = ro ]; then mount -o remount,bind,ro "$root"; fi
cd /
exec capsh --chroot="$root" --drop="$drop" $privileges --shell=${program} -- "$@"
`;

/** All names that the kernel and capsh know, in lower case: cap_chown … */
async function knownCapabilities(): Promise<string[]> {
  const { stdout } = await new Deno.Command("capsh", { args: ["--print"] }).output();
  const [, names = ""] = /^Bounding set =(.*)$/m.exec(new TextDecoder().decode(stdout)) ?? [];
  return names.split(",").filter((name) => name !== "");
}

/** Those that a container may have, in lower case and with cap_. */
export function grantedCapabilities({ securityContext }: Container): string[] {
  assertEquals(
    securityContext?.capabilities?.drop,
    ["ALL"],
    "What is left of a runtime's own list is not known here",
  );
  return (securityContext?.capabilities?.add ?? []).map((name) => `cap_${name.toLowerCase()}`);
}

export class PodContainer {
  readonly process: ProgramProcess;
  /** Its directory for the host paths: `${node}/etc/nvme`. */
  readonly node: string;
  /** By name of the volume. */
  readonly configMaps: ReadonlyMap<string, MountedVolume>;

  private constructor(process: ProgramProcess, node: string, configMaps: ReadonlyMap<string, MountedVolume>) {
    this.process = process;
    this.node = node;
    this.configMaps = configMaps;
  }

  /**
   * Starts `container` of the manifest's pods. `data` are the ConfigMaps by name; `args` stand in for the manifest's;
   * a `node` that another container has had keeps what is in it.
   */
  static async start(
    { image, manifest, container, data, directory, args }: {
      readonly image: string;
      readonly manifest: Manifest;
      readonly container: Container;
      readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
      readonly directory: string;
      readonly args?: readonly string[];
    },
  ): Promise<PodContainer> {
    const node = `${directory}/node`;
    const configMaps = new Map<string, MountedVolume>();
    const sources = new Map<string, string>();
    for (const volume of podOf(manifest).volumes) {
      const source = await makeVolume(volume, directory, node);
      sources.set(volume.name, source);
      if (volume.configMap === undefined) continue;
      const mounted = new MountedVolume(source);
      await mounted.write(data[volume.configMap.name] ?? {});
      configMaps.set(volume.name, mounted);
    }
    const mounts = container.volumeMounts.toSorted((a, b) => a.mountPath < b.mountPath ? -1 : 1).flatMap(
      ({ name, mountPath, readOnly }) => [sources.get(name)!, mountPath, readOnly === true ? "ro" : "rw"],
    );
    const kept = grantedCapabilities(container);
    const context = container.securityContext;
    const words = [
      image,
      context?.readOnlyRootFilesystem === true ? "ro" : "rw",
      (await knownCapabilities()).filter((name) => !kept.includes(name)).join(),
      context?.allowPrivilegeEscalation === false ? "--no-new-privs" : "--noamb",
    ];
    const unshare = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"];
    const process = new ProgramProcess(args ?? container.args ?? [], {
      wrapper: [
        "env",
        "-i",
        ...variablesOf(container),
        ...unshare,
        "sh",
        "-c",
        script,
        "sh",
        ...words,
        ...mounts,
      ],
      program: ["--"],
    });
    return new PodContainer(process, node, configMaps);
  }

  /** The agent's, as this machine counts; it is process 1 to itself. */
  async pid(): Promise<number> {
    const { pid } = this.process;
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    return Number(children.trim().split(" ")[0]);
  }

  /** One line of the agent's /proc/PID/status. */
  async processStatus(key: string): Promise<string> {
    const text = await Deno.readTextFile(`/proc/${await this.pid()}/status`);
    return new RegExp(`^${key}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "";
  }

  /** An orderly end, as the kubelet asks for it; answers the exit status. */
  async stop(): Promise<number> {
    Deno.kill(await this.pid(), "SIGTERM");
    return (await this.process.end()).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** What is mounted for a volume. */
async function makeVolume({ name, hostPath, configMap, emptyDir }: Volume, directory: string, node: string) {
  if (hostPath?.path === "/dev") return "/dev";
  assert([hostPath, configMap, emptyDir].filter((kind) => kind !== undefined).length === 1, `Volume ${name}`);
  const path = hostPath === undefined ? `${directory}/${name}` : `${node}${hostPath.path}`;
  await Deno.mkdir(path, { recursive: true });
  return path;
}

const nodeValues: Readonly<Record<string, string>> = { "status.podIP": "127.0.0.1" };

/** Variables as words of env(1). A runtime gives PATH and HOSTNAME; no HOME, since the image has no user with one. */
function variablesOf({ env = [] }: Container): string[] {
  const values = new Map<string, string>([["PATH", "/usr/sbin:/usr/bin:/sbin:/bin"], ["HOSTNAME", "node"]]);
  for (const { name, value, valueFrom } of env) {
    const text = value ?? nodeValues[valueFrom?.fieldRef?.fieldPath ?? ""];
    assert(text !== undefined, `No value for ${name}`);
    values.set(name, text.replace(/\$\((\w+)\)/g, (whole, other: string) => values.get(other) ?? whole));
  }
  return [...values].map(([name, value]) => `${name}=${value}`);
}
