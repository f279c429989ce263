/** What `doctor` says of the kernel and of others on this host that connect: modules, options, multipath, clock. */
import type { Finding } from "./finding.ts";

export interface KernelReading {
  /** `6.12.48+deb13-amd64`; null where /proc does not tell. */
  readonly release: string | null;
  /** /dev/nvme-fabrics is there. */
  readonly hasDevice: boolean;
  /** /sys/module/nvme_tcp is there; a module that is built in has one too. */
  readonly hasTcpModule: boolean;
  /** What the device says when it is read: its option tokens; null where the kernel cannot tell (before 5.17). */
  readonly options: ReadonlySet<string> | null;
  /** It has the function that DH-CHAP takes; null or left out where that is not known. */
  readonly authenticates?: boolean | null;
  /** Errno of the device when it was opened; undefined when it was, or is not there. */
  readonly deviceCode?: string;
  /** Parameter `multipath` of nvme_core; null where there is none. */
  readonly multipath: string | null;
  /** The clock is kept in step by somebody; null where the kernel does not tell. */
  readonly clockInStep: boolean | null;
  readonly wallMs: number;
}

/** No clock of a host that is right shows an earlier time, ms. */
const oldestMs = Date.UTC(2026, 0, 1);

export function kernelFindings(reading: KernelReading): Finding[] {
  return [checkModules(reading), checkDevice(reading), checkMultipath(reading), checkClock(reading)];
}

function checkModules({ hasDevice, hasTcpModule }: KernelReading): Finding {
  const check = "modules";
  if (hasDevice && hasTcpModule) {
    return {
      group: "kernel",
      check,
      verdict: "ok",
      message: "nvme_tcp is loaded, /dev/nvme-fabrics is there",
    };
  }
  const missing = [
    ...hasTcpModule ? [] : ["the module nvme_tcp is not loaded"],
    ...hasDevice ? [] : ["/dev/nvme-fabrics is not there"],
  ].join(", ");
  return {
    group: "kernel",
    check,
    verdict: "failure",
    message: `No path can be connected: ${missing}`,
    advice:
      "modprobe nvme-tcp; if that finds no such module, install the package with this kernel's further modules " +
      "(linux-modules-extra, kernel-modules)",
  };
}

/** Tokens that matter, and what their lack costs. */
const wantedTokens: readonly (readonly [token: string, without: string])[] = [
  ["dhchap_secret", "DH-CHAP"],
  ["tls", "TLS"],
  ["host_iface", "--host-iface"],
  ["fast_io_fail_tmo", "--fast-io-fail-tmo"],
];

function checkDevice(reading: KernelReading): Finding {
  const { release, hasDevice, options, deviceCode } = reading;
  const name = `Linux ${release ?? "(of unknown version)"}`;
  const base = { group: "kernel", check: "version and options" } as const;
  if (!hasDevice) {
    return { ...base, verdict: "skipped", message: `${name}; without the device nothing tells its options` };
  }
  if (deviceCode !== undefined) {
    const isRights = deviceCode === "EACCES" || deviceCode === "EPERM";
    return {
      ...base,
      verdict: isRights ? "skipped" : "failure",
      message: isRights
        ? `${name}; which options it takes is for root to ask`
        : `${name}; /dev/nvme-fabrics cannot be opened: ${deviceCode}`,
      ...isRights
        ? {}
        : { advice: "modprobe -r nvme-tcp && modprobe nvme-tcp, then look at the kernel's log" },
    };
  }
  if (reading.authenticates === false) {
    return {
      ...base,
      verdict: "warning",
      message: `${name} takes DH-CHAP secrets and ignores them (it was built without CONFIG_NVME_HOST_AUTH)`,
      advice: "Paths with secrets are not connected here: they need another kernel",
    };
  }
  if (options === null) {
    return {
      ...base,
      verdict: "ok",
      message: `${name}; it does not tell which options it takes (before 5.17)`,
    };
  }
  const lacking = wantedTokens.filter(([token]) => !options.has(token)).map(([, without]) => without);
  const lacks = lacking.length === 0 ? "" : `; without ${lacking.join(", ")}`;
  return { ...base, verdict: "ok", message: `${name}, which takes ${options.size} options${lacks}` };
}

function checkMultipath({ multipath }: KernelReading): Finding {
  const base = { group: "kernel", check: "native multipath" } as const;
  if (multipath === "Y") {
    return { ...base, verdict: "ok", message: "On: the paths of a volume are one block device" };
  }
  if (multipath === null) {
    return { ...base, verdict: "skipped", message: "nvme_core is not loaded, or was built without it" };
  }
  return {
    ...base,
    verdict: "warning",
    message: "Off: each path of a volume is a block device of its own",
    advice: "Boot with nvme_core.multipath=Y, unless dm-multipath looks after them on purpose",
  };
}

function checkClock({ clockInStep, wallMs }: KernelReading): Finding {
  const now = new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
  const base = { group: "kernel", check: "clock" } as const;
  if (wallMs < oldestMs) {
    return {
      ...base,
      verdict: "warning",
      message: `It says ${now}, which is past: times in logs mislead`,
      advice: "Set it, and let NTP keep it (timedatectl set-ntp true)",
    };
  }
  if (clockInStep === false) {
    return {
      ...base,
      verdict: "warning",
      message:
        `It says ${now}, and nothing keeps it in step: times in the logs of hosts and targets may not agree`,
      advice: "timedatectl set-ntp true, or start chrony",
    };
  }
  return {
    ...base,
    verdict: "ok",
    message: clockInStep === null ? `It says ${now}` : `It says ${now}, kept in step`,
  };
}

/** Somebody else who connects NVMe over fabrics here. */
export interface Rival {
  readonly name: string;
  /** Process id; undefined for what is installed and does not run. */
  readonly pid?: number;
  /** File that says so. */
  readonly file?: string;
}

/** `kernelDiscovery`: controllers of the kernel to discovery subsystems, by name: what udev's rules act on. */
export function checkRivals(rivals: readonly Rival[], kernelDiscovery: readonly string[]): Finding {
  const base = { group: "kernel", check: "other agents" } as const;
  const running = rivals.filter(({ pid }) => pid !== undefined);
  if (running.length > 0) {
    const names = running.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ");
    return {
      ...base,
      verdict: "warning",
      message: `${names} connects and disconnects as well: what one brings, the other may take away`,
      advice: "Stop and mask all but one of them, such as: systemctl disable --now stafd stacd",
    };
  }
  const files = rivals.flatMap(({ file }) => file ?? []);
  if (kernelDiscovery.length > 0) {
    const whose = files.length > 0 ? `, and ${files.join(", ")} acts on their events` : "";
    return {
      ...base,
      verdict: "warning",
      message: `Somebody has the kernel hold discovery sessions (${kernelDiscovery.join(", ")})${whose}`,
      advice: "discovery-client list ctrl -d shows them; if nobody needs them: nvme disconnect -d NAME",
    };
  }
  const rules = files.length > 0 ? `; the rules of ${files.join(", ")} have nothing to act on` : "";
  return { ...base, verdict: "ok", message: `None runs${rules}` };
}
