/** The manifests below scripts/container/kubernetes, as plain values. */
import { parseYamlText, type YamlNode } from "../../src/config/yaml_text.ts";
import { assert } from "../assert.ts";

export const directory = new URL("../../scripts/container/kubernetes/", import.meta.url);

export interface Probe {
  readonly httpGet: { readonly host?: string; readonly path: string; readonly port: string | number };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly subPath?: string;
  }[];
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly runAsUser?: number;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
}

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly hostPath?: { readonly path: string; readonly type: string };
  readonly emptyDir?: { readonly medium?: string };
}

export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // deno-lint-ignore no-explicit-any -- what a kind has beyond this, its schema says
  readonly [field: string]: any;
}

/** Any YAML file with one document. A key that stands twice is refused, as by Kubernetes. */
export async function readYaml(file: URL): Promise<Record<string, unknown>> {
  const node = parseYamlText(await Deno.readTextFile(file), file.pathname);
  assert(node !== null, `${file.pathname} is empty`);
  return plainOf(node, file.pathname) as Record<string, unknown>;
}

export async function readManifest(name: string): Promise<Manifest> {
  return await readYaml(new URL(name, directory)) as unknown as Manifest;
}

/** What the pods of a DaemonSet are. */
export function podOf(manifest: Manifest): PodSpec {
  return manifest.spec.template.spec as PodSpec;
}

export function agentOf(manifest: Manifest): Container {
  const found = podOf(manifest).containers.find(({ name }) => name === "discovery-client");
  assert(found !== undefined, `${manifest.metadata.name} has no container discovery-client`);
  return found;
}

function plainOf(node: YamlNode, file: string): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map((item) => plainOf(item, file));
  const plain: Record<string, unknown> = {};
  for (const { key, value, at } of node.pairs) {
    assert(!(key in plain), `${file}:${at.line}: ${key} stands twice`);
    plain[key] = plainOf(value, file);
  }
  return plain;
}
