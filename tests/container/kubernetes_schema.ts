/**
 * Kubernetes' own schemas and those of the Prometheus operator, as the npm packages that carry them check them:
 * types, values, what is mandatory. They let unknown fields pass, as the API does, which drops them with a warning; here
 * a field that the schema never asks for is a problem.
 */
import process from "node:process";

interface Model {
  readonly prototype: { validate(): void };
}

/** Loaded when asked for: one of their own dependencies makes the runtime tell of a deprecation, to nobody's use. */
async function loadModels(): Promise<Record<string, Model>> {
  // Node.js has it, its types do not.
  const runtime = process as { noDeprecation?: boolean };
  const told = runtime.noDeprecation;
  runtime.noDeprecation = true;
  try {
    const { Namespace } = await import("kubernetes-models/v1/Namespace");
    const { ConfigMap } = await import("kubernetes-models/v1/ConfigMap");
    const { DaemonSet } = await import("kubernetes-models/apps/v1/DaemonSet");
    const { PodMonitor } = await import(
      "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor"
    );
    return {
      "v1 Namespace": Namespace,
      "v1 ConfigMap": ConfigMap,
      "apps/v1 DaemonSet": DaemonSet,
      "monitoring.coreos.com/v1 PodMonitor": PodMonitor,
    };
  } finally {
    runtime.noDeprecation = told;
  }
}

const models = loadModels();

/** Everything that is wrong with a manifest; nothing for one that is right. */
export async function manifestProblems(manifest: Record<string, unknown>): Promise<string[]> {
  const kind = `${manifest.apiVersion} ${manifest.kind}`;
  const model = (await models)[kind];
  if (model === undefined) return [`No schema for ${kind}`];
  const unasked: (() => string[])[] = [];
  try {
    model.prototype.validate.call(observed(manifest, "", unasked));
  } catch (error) {
    return [`${kind}: ${(error as Error).message}`];
  }
  return unasked.flatMap((ask) => ask()).sort();
}

/** The same value, which keeps note of the fields that are asked for. `unasked` gets a way to tell of the others. */
function observed(value: unknown, path: string, unasked: (() => string[])[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item, at) => observed(item, `${path}/${at}`, unasked));
  const asked = new Set<string | symbol>();
  const entries = Object.entries(value);
  unasked.push(() =>
    entries.filter(([key]) => !asked.has(key)).map(([key]) => `${path}/${key}: unknown field`)
  );
  const copy = Object.fromEntries(
    entries.map(([key, one]) => [key, observed(one, `${path}/${key}`, unasked)]),
  );
  return new Proxy(copy, {
    get(target, key) {
      asked.add(key);
      return Reflect.get(target, key);
    },
  });
}
