/**
 * Every setting, in one table: reading the YAML file, environment and flags, help texts and manual pages derive from
 * it. A new setting is a new row. A property carries its unit where the YAML key does not (`key` names that then).
 */
import {
  boolean,
  converted,
  dhchapSecret,
  duration,
  entryFileName,
  filePath,
  groupName,
  hostPort,
  listOf,
  logFormat,
  logLevel,
  nqnSuffix,
  type SettingKind,
  wholeNumber,
  word,
} from "./setting_kind.ts";
import { limits } from "../base/limits.ts";
import type { ClusterSecrets } from "./cluster_secrets.ts";

export interface Setting<T> {
  readonly kind: SettingKind<T>;
  readonly standard: T;
  /** One sentence for help, without a full stop. */
  readonly about: string;
  /** The YAML key, where it differs from the property. */
  readonly key?: string;
  /** A change of the settings file takes effect without a restart. */
  readonly live?: true;
}

function setting<T>(kind: SettingKind<T>, standard: T, about: string, key?: string): Setting<T> {
  return { kind, standard, about, key };
}

function live<T>(row: Setting<T>): Setting<T> {
  return { ...row, live: true };
}

/** As milliseconds, this is the longest time a timer can wait (2^31 ms). */
const secondsMax = 2_147_483;

const port = wholeNumber({ min: 1, max: 65_535, what: "a port from 1 to 65535" });

/** The predecessor took 0 and anything below -1 for the kernel's default. */
const ctrlLossTmo = converted(
  wholeNumber({ min: -secondsMax, max: secondsMax, what: "a whole number of seconds, or -1 for ever" }),
  (seconds) => seconds === 0 || seconds < -1 ? 600 : seconds,
);

/** The predecessor took 0 for its default. */
const reconnectInterval = converted(
  duration({ minMs: 10, maxMs: 3_600_000, what: "a duration from 10ms to 1h, such as 5s", zero: true }),
  (ms) => ms || 5_000,
);

export const settingsTable = {
  cores: setting(
    listOf(
      wholeNumber({ min: 0, max: 65_535, what: "a CPU number" }),
      "a list of CPU numbers from 0 up, such as [0, 1]",
    ),
    [],
    "CPUs the agent runs on; none named means all",
  ),
  clientConfigDir: setting(
    filePath({ optional: false }),
    "/etc/discovery-client/discovery.d/",
    "Directory that consumers drop entry files into",
  ),
  internalDir: setting(
    filePath({ optional: false }),
    "/etc/discovery-client/internal/",
    "Directory where the agent remembers the endpoints",
  ),
  reconnectIntervalMs: live(setting(
    reconnectInterval,
    5_000,
    "First pause before a lost discovery session is opened again; it grows with each failure",
    "reconnectInterval",
  )),
  logPagePaginationEnabled: live(setting(
    boolean,
    false,
    "Read discovery logs in pieces of 4 KiB instead of the largest that the controller serves",
  )),
  maxIOQueues: live(setting(
    wholeNumber({ min: 0, max: 65_535, what: "a whole number from 0 to 65535" }),
    0,
    "I/O queues of each kernel controller; 0 leaves it to the kernel",
  )),
  katoSeconds: live(setting(
    wholeNumber({ min: 0, max: secondsMax, what: `a whole number of seconds from 0 to ${secondsMax}` }),
    10,
    "Keep alive timeout of discovery sessions and of controllers, in seconds; 0 means 10 and the kernel's own",
    "kato",
  )),
  ctrlLossTmoSeconds: live(setting(
    ctrlLossTmo,
    600,
    "Seconds the kernel keeps a lost controller, where no entry says otherwise; -1 for ever",
    "ctrlLossTMO",
  )),
  dhChapSecret: live(setting(
    dhchapSecret,
    null,
    "DH-HMAC-CHAP secret of this host, where neither clusterSecrets nor an entry says otherwise",
  )),
  dhChapCtrlSecret: live(setting(
    dhchapSecret,
    null,
    "DH-HMAC-CHAP secret that controllers prove themselves with; needs dhChapSecret",
  )),
  dhChapSecretFile: live(setting(
    filePath({ optional: true }),
    "",
    "File whose first line is dhChapSecret",
  )),
  dhChapCtrlSecretFile: live(setting(
    filePath({ optional: true }),
    "",
    "File whose first line is dhChapCtrlSecret",
  )),
  auxSuffix: setting(
    nqnSuffix,
    "",
    "Appended with a dot to the NQNs of the subsystems that are connected, where they do not end so already",
  ),
  pollingIntervalMs: live(setting(
    duration({
      minMs: 100,
      maxMs: 3_600_000,
      what: "0, or a duration from 100ms to 1h, such as 5s",
      zero: true,
    }),
    0,
    "Longest pause between two looks at entry files, settings and controllers when nothing notifies; " +
      "0 means 1s for files and 5s for controllers",
    "pollingInterval",
  )),
  nvmeHostIDPath: setting(filePath({ optional: false }), "/etc/nvme/hostid", "File with the host identifier"),
  nvmeDiscoveryConf: setting(
    filePath({ optional: true }),
    "",
    "nvme-cli's file of discovery controllers, read beside clientConfigDir, such as /etc/nvme/discovery.conf; " +
      "nothing for none",
  ),
  logging: {
    filename: live(setting(
      filePath({ optional: true }),
      "",
      "File the log is written to, beside standard error; nothing for none",
    )),
    maxAgeMs: live(setting(
      duration({ minMs: 0, maxMs: 87_600 * 3_600_000, what: "a duration such as 96h" }),
      96 * 3_600_000,
      `Age at which rotated log files are deleted; 0 keeps them, up to ${limits.logFilesKeptMax}`,
      "maxAge",
    )),
    maxSizeMb: live(setting(
      wholeNumber({ min: 0, max: 1_000_000, what: "a whole number of megabytes from 0 up" }),
      100,
      "Size at which the log file is rotated and compressed, in megabytes; 0 means 100",
      "maxSize",
    )),
    level: live(setting(logLevel, "info" as const, "Least important level that is logged")),
    format: live(setting(logFormat, "text" as const, "Lines for people, text, or for programs, json")),
    reportCaller: live(setting(boolean, false, "Log lines name the source line that wrote them")),
  },
  debug: {
    metrics: setting(boolean, true, "Serve Prometheus metrics on the debug endpoint, as /metrics"),
    enablepprof: setting(boolean, true, "Serve profiles on the debug endpoint, below /debug/pprof/"),
    allowRemoteProfiling: setting(boolean, false, "Serve profiles to other hosts than this one too"),
    endpoint: setting(
      hostPort,
      { host: "127.0.0.1", port: 6060 },
      "Where the debug endpoint listens; nothing turns it off",
    ),
  },
  control: {
    socket: setting(
      filePath({ optional: true }),
      "/run/discovery-client/control.sock",
      "Socket that status, watch, trace, doctor and others ask the agent on; nothing turns it off",
    ),
    group: setting(groupName, "", "Group that may use it beside root, a name of /etc/group or a number"),
  },
  autoDetectEntries: {
    enabled: setting(boolean, true, "Deduce entries from live controllers when nothing else is known"),
    filename: setting(
      entryFileName,
      "detected-io-controllers",
      "File in clientConfigDir that deduced entries go to",
    ),
    discoveryServicePort: setting(port, 8009, "Port of the deduced discovery endpoints"),
    subsystemMatch: setting(
      listOf(word, "a list of texts, such as [com.lightbitslabs]"),
      ["com.lightbitslabs"],
      "Only controllers whose subsystem NQN holds one of these texts count",
    ),
  },
};

type ValuesOf<Table> = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer Value> ? Value : ValuesOf<Table[Key]>;
};

/** The settings in force. Durations are milliseconds where the name says so. */
export type Settings = ValuesOf<typeof settingsTable> & {
  /** Not a row: it is a map, and neither a variable nor a flag can say it. */
  readonly clusterSecrets: readonly ClusterSecrets[];
};

/** A row of the table with its names. */
export interface SettingKey {
  /** As in the YAML file: `logging.maxAge`. */
  readonly path: string;
  /** `DC_LOGGING_MAXAGE`. */
  readonly envName: string;
  /** Way to the value inside Settings: `["logging", "maxAgeMs"]`. */
  readonly properties: readonly string[];
  readonly setting: Setting<unknown>;
}

/** All rows, in the table's order. */
export const settingKeys: readonly SettingKey[] = rowsOf(settingsTable, [], "");

function rowsOf(table: object, properties: readonly string[], prefix: string): SettingKey[] {
  return Object.entries(table).flatMap(([property, row]: [string, Setting<unknown> | object]) => {
    const way = [...properties, property];
    if (!("kind" in row)) return rowsOf(row, way, `${prefix}${property}.`);
    const path = `${prefix}${row.key ?? property}`;
    return [{
      path,
      envName: `DC_${path.toUpperCase().replaceAll(".", "_")}`,
      properties: way,
      setting: row,
    }];
  });
}

/** Settings from a value for each row. */
export function settingsOf(
  valueOf: (key: SettingKey) => unknown,
  clusterSecrets: readonly ClusterSecrets[],
): Settings {
  const settings: Record<string, unknown> = { clusterSecrets };
  for (const key of settingKeys) place(settings, key.properties, valueOf(key));
  return settings as unknown as Settings;
}

function place(target: Record<string, unknown>, way: readonly string[], value: unknown): void {
  const [first = "", ...rest] = way;
  if (rest.length === 0) target[first] = value;
  else place((target[first] ??= {}) as Record<string, unknown>, rest, value);
}

/** The value of one row. */
export function settingOf({ properties }: SettingKey, settings: Settings): unknown {
  let value: unknown = settings;
  for (const property of properties) value = (value as Record<string, unknown>)[property];
  return value;
}
