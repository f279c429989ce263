/** The manifests are what Kubernetes' schemas say, and ask nothing of the program that it does not have. */
import { commands } from "../../src/cli/commands.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { settingKeys } from "../../src/config/settings_table.ts";
import { parseEntryFile } from "../../src/config/entry_file.ts";
import { assert, assertEquals } from "../assert.ts";
import { manifestProblems } from "./kubernetes_schema.ts";
import {
  agentOf,
  type Container,
  directory,
  type Manifest,
  podOf,
  readManifest,
  readYaml,
} from "./manifests.ts";

const daemonSets = ["daemonset.yaml", "daemonset-privileged.yaml", "sidecar.yaml"];
const files = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
const notOfTheApi = "kustomization.yaml";

Deno.test("every manifest is what its schema says, without a field that this does not know", async () => {
  assertEquals(files.length, 7, files.join(" "));
  for (const name of files.filter((name) => name !== notOfTheApi)) {
    assertEquals(await manifestProblems(await readManifest(name)), [], name);
  }
});

/** A manifest with one thing wrong: where, and what the schema says of it. */
const mistakes: readonly [file: string, way: readonly (string | number)[], value: unknown, said: RegExp][] = [
  ["daemonset.yaml", ["spec", "template", "spec", "hostNetwrk"], true, /hostNetwrk: unknown field/],
  ["daemonset.yaml", ["spec", "template", "spec", "hostNetwork"], "yes", /hostNetwork/],
  ["daemonset.yaml", ["spec", "template", "spec", "containers", 0, "readynessProbe"], {}, /unknown field/],
  [
    "daemonset.yaml",
    ["spec", "template", "spec", "containers", 0, "securityContext", "capabilities", "remove"],
    ["ALL"],
    /capabilities\/remove: unknown field/,
  ],
  [
    "daemonset.yaml",
    ["spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"],
    "x",
    /containerPort/,
  ],
  ["daemonset.yaml", ["spec", "selector"], undefined, /selector/],
  [
    "daemonset.yaml",
    ["spec", "template", "spec", "volumes", 1, "hostPath", "typ"],
    "x",
    /hostPath\/typ: unknown/,
  ],
  ["podmonitor.yaml", ["spec", "podMetricsEndpoints", 0, "intervall"], "30s", /intervall: unknown field/],
  ["podmonitor.yaml", ["spec", "podMetricsEndpoints", 0, "interval"], 30, /interval/],
  ["configmap.yaml", ["dat"], {}, /\/dat: unknown field/],
  ["configmap.yaml", ["data", "number"], 5, /data/],
  ["namespace.yaml", ["metadata", "lables"], {}, /lables: unknown field/],
  ["namespace.yaml", ["kind"], "Namespaces", /No schema for v1 Namespaces/],
];

Deno.test("a manifest with a mistake is found out", async () => {
  for (const [file, way, value, said] of mistakes) {
    const manifest = await readManifest(file);
    let place = manifest as unknown as Record<string | number, unknown>;
    for (const step of way.slice(0, -1)) place = place[step] as Record<string | number, unknown>;
    place[way.at(-1)!] = value;
    const problems = await manifestProblems(manifest);
    assert(problems.some((problem) => said.test(problem)), `${way.join("/")}: ${problems.join("; ")}`);
  }
});

Deno.test("kustomization.yaml lists manifests that are there, and no other than Kubernetes' own words", async () => {
  const kustomization = await readYaml(new URL(notOfTheApi, directory));
  assertEquals(Object.keys(kustomization).sort(), ["apiVersion", "images", "kind", "resources"]);
  const resources = kustomization.resources as string[];
  for (const name of resources) assert(files.includes(name), `There is no ${name}`);
  assertEquals(resources.filter((name) => daemonSets.includes(name)), ["daemonset.yaml"]);
});

Deno.test("every manifest names the image of this version, and the same namespace", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  for (const name of files.filter((name) => name !== notOfTheApi && name !== "namespace.yaml")) {
    const manifest = await readManifest(name);
    assertEquals(manifest.metadata.namespace, "discovery-client", name);
    if (daemonSets.includes(name)) assertEquals(agentOf(manifest).image, `discovery-client:${version}`, name);
  }
  const { images } = await readYaml(new URL(notOfTheApi, directory)) as { images: { newTag: string }[] };
  assertEquals(images.map(({ newTag }) => newTag), [version]);
});

/** Words on the command line as path of the setting and value; `--config` is none. */
function flagsOf(words: readonly string[]): Record<string, string> {
  const flags: Record<string, string> = {};
  const options = commands.find(({ words }) => words.join(" ") === "serve")!.options;
  for (let at = 0; at < words.length; at++) {
    const [, long = "", inline] = /^--([^=]+)(?:=(.*))?$/.exec(words[at]!) ?? [];
    const option = options.find((one) => one.long === long);
    assert(option !== undefined, `serve has no option ${words[at]}`);
    flags[long] = inline ?? (option.value === undefined ? "true" : words[++at] ?? "");
  }
  return flags;
}

const nodeValues: Record<string, string> = { "status.podIP": "10.0.0.7" };

/** Variables as the container has them; each must be a setting, or be used in another one. */
function environmentOf({ env = [] }: Container): Record<string, string> {
  const values: Record<string, string> = {};
  const used = new Set<string>();
  for (const { name, value, valueFrom } of env) {
    const text = value ?? nodeValues[valueFrom?.fieldRef?.fieldPath ?? ""];
    assert(text !== undefined && text !== "", `${name} has no value, which counts as not set`);
    values[name] = text.replace(/\$\((\w+)\)/g, (_, other: string) => {
      used.add(other);
      assert(values[other] !== undefined, `${name} names ${other}, which does not stand before it`);
      return values[other];
    });
  }
  const known = settingKeys.map(({ envName }) => envName);
  for (const name of Object.keys(values)) {
    assert(known.includes(name) || used.has(name), `There is no setting ${name}`);
  }
  return values;
}

async function settingsOf(name: string) {
  const agent = agentOf(await readManifest(name));
  const [command, ...words] = agent.args ?? [];
  assertEquals(command, "serve");
  const { config, ...flags } = flagsOf(words);
  const { data } = await readManifest("configmap.yaml") as Manifest & { data: Record<string, string> };
  const mount = agent.volumeMounts.find(({ name }) => name === "settings");
  if (config !== undefined) assertEquals(config, `${mount?.mountPath}/discovery-client.yaml`);
  const yaml = config === undefined ? undefined : { text: data["discovery-client.yaml"]!, file: config };
  return loadSettings({ yaml, env: environmentOf(agent), flags });
}

Deno.test("every option, variable and key in the manifests is one of the program's, and can be used", async () => {
  for (const name of daemonSets) {
    const { warnings, settings } = await settingsOf(name);
    assertEquals(warnings, [], name);
    assertEquals(settings.debug.endpoint?.port, 6060, name);
    assertEquals(settings.autoDetectEntries.enabled, false, name);
  }
  const { settings } = await settingsOf("daemonset.yaml");
  const { data } = await readManifest("configmap.yaml");
  const agent = agentOf(await readManifest("daemonset.yaml"));
  const mounted = agent.volumeMounts.find(({ name }) => name === "settings")!.mountPath;
  assertEquals(
    Object.keys(data).map((key) => `${mounted}/${key}`).sort(),
    [
      settings.nvmeDiscoveryConf,
      `${mounted}/discovery-client.yaml`,
    ].sort(),
  );
  assertEquals(settings.debug.endpoint?.host, "10.0.0.7");
  assertEquals((await settingsOf("sidecar.yaml")).settings.control.socket, "");
});

Deno.test("discovery.conf shows a line that is understood once it counts", async () => {
  const { data } = await readManifest("configmap.yaml");
  const text = (data["discovery.conf"] as string).replace(/^# /gm, "");
  const host = { hostnqn: "nqn.2014-08.org.example:node" };
  const { entries, errors } = parseEntryFile("discovery.conf", new TextEncoder().encode(text), host);
  assertEquals(errors, []);
  assertEquals(entries.map(({ traddr }) => traddr), ["192.0.2.10"]);
});

Deno.test("what the agent writes to is mounted, and nothing else can be written", async () => {
  for (const name of ["daemonset.yaml", "daemonset-privileged.yaml"]) {
    const agent = agentOf(await readManifest(name));
    const { settings } = await settingsOf(name);
    const writable = agent.volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) =>
      mountPath
    );
    const needed = [
      settings.internalDir.replace(/\/$/, ""),
      settings.nvmeHostIDPath.replace(/\/[^/]+$/, ""),
      settings.control.socket.replace(/\/[^/]+$/, ""),
    ];
    assertEquals(writable.filter((path) => path !== "/dev").sort(), needed.sort(), name);
    assertEquals(agent.securityContext?.readOnlyRootFilesystem, true);
  }
  const sidecar = agentOf(await readManifest("sidecar.yaml"));
  assertEquals(sidecar.volumeMounts.map(({ mountPath }) => mountPath), [
    "/dev",
    "/etc/discovery-client/discovery.d",
  ]);
});

Deno.test("every mount has its volume, and none is of a single file", async () => {
  for (const name of daemonSets) {
    const pod = podOf(await readManifest(name));
    const volumes = pod.volumes.map(({ name }) => name);
    const mounts = pod.containers.flatMap(({ volumeMounts }) => volumeMounts);
    assertEquals([...new Set(mounts.map(({ name }) => name))].sort(), volumes.sort(), name);
    assertEquals(mounts.filter(({ subPath }) => subPath !== undefined), []);
    assertEquals(pod.hostNetwork, true);
  }
});

Deno.test("probes ask what the debug endpoint answers, at its port", async () => {
  for (const name of daemonSets) {
    const agent = agentOf(await readManifest(name));
    for (
      const [probe, path] of [[agent.livenessProbe, "/healthz"], [agent.readinessProbe, "/readyz"]] as const
    ) {
      assertEquals(probe?.httpGet.path, path, name);
      const { port = 0 } = probe?.httpGet ?? {};
      const number = typeof port === "number"
        ? port
        : agent.ports?.find(({ name }) => name === port)?.containerPort;
      assertEquals(number, 6060, name);
    }
  }
});

Deno.test("the two DaemonSets differ in what an unprivileged pod cannot have, and in nothing else", async () => {
  const [least, privileged] = [
    await readManifest("daemonset.yaml"),
    await readManifest("daemonset-privileged.yaml"),
  ];
  const [one, other] = [agentOf(least), agentOf(privileged)];
  assertEquals(one.securityContext?.privileged, false);
  assertEquals(one.securityContext?.allowPrivilegeEscalation, false);
  assertEquals(one.securityContext?.capabilities, { drop: ["ALL"] });
  assertEquals(other.securityContext?.capabilities, { drop: ["ALL"], add: ["SYSLOG"] });
  for (const manifest of [least, privileged]) {
    const [pod, agent] = [podOf(manifest), agentOf(manifest)] as unknown as Record<string, unknown>[];
    pod!.volumes = podOf(manifest).volumes.filter(({ name }) => name !== "dev");
    agent!.volumeMounts = agentOf(manifest).volumeMounts.filter(({ name }) => name !== "dev");
    agent!.securityContext = null;
    delete (agent!.resources as { limits: Record<string, unknown> }).limits["squat.ai/nvme-fabrics"];
  }
  assertEquals(least, privileged);
});

Deno.test("the Containerfile takes nothing but the root directory, and starts what is in it", async () => {
  const text = await Deno.readTextFile(new URL("../Containerfile", directory));
  const lines = text.replace(/\\\n\s*/g, "").split("\n").filter((line) =>
    line !== "" && !line.startsWith("#")
  );
  const instructions = lines.map((line) => line.split(" ")[0]!);
  assertEquals(instructions, ["FROM", "COPY", "LABEL", "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD"]);
  const of = (word: string) => lines.find((line) => line.startsWith(`${word} `))!.slice(word.length + 1);
  assertEquals(of("FROM"), "scratch");
  assertEquals(of("COPY"), "root/ /");
  assertEquals(JSON.parse(of("ENTRYPOINT")), ["/usr/bin/discovery-client"]);
  assertEquals(JSON.parse(of("CMD")), ["serve"]);
  assertEquals(of("STOPSIGNAL"), "SIGTERM");
});
