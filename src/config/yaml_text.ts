/**
 * YAML text as a small tree whose every value knows its line and column. The one file that knows the YAML library.
 * Refuses syntax errors, several documents, unresolved aliases, keys that are no plain text, and trees beyond a bound
 * (an alias can make a few bytes unfold into gigabytes).
 */
import { Alias, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, stringify } from "yaml";
import { ConfigError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { looksSecret } from "../nvme/dhchap_secret.ts";

export interface YamlPosition {
  /** 1-based. */
  readonly line: number;
  readonly column: number;
}

export type YamlNode =
  | { readonly kind: "scalar"; readonly at: YamlPosition; readonly value: YamlScalar }
  | { readonly kind: "list"; readonly at: YamlPosition; readonly items: readonly YamlNode[] }
  | { readonly kind: "mapping"; readonly at: YamlPosition; readonly pairs: readonly YamlPair[] };

export type YamlScalar = string | number | boolean | null;

export interface YamlPair {
  readonly key: string;
  readonly at: YamlPosition;
  readonly value: YamlNode;
}

/** The tree, or null for a text without content. Throws ConfigError `yaml` with the position. */
export function parseYamlText(text: string, file: string): YamlNode | null {
  const lines = new LineCounter();
  const at = (offset: number): YamlPosition => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  // A byte order mark would count as a column.
  const document = parse(text.replace(/^\ufeff/, ""), lines);
  const [error] = document.errors;
  if (error !== undefined) throw yamlError(file, at(error.pos[0]), reasonOf(error.code, error.message));
  return document.contents === null ? null : new TreeBuilder(file, document, at).build(document.contents, 0);
}

function parse(text: string, lineCounter: LineCounter) {
  // Duplicate keys are found by the reader of the tree, which knows that case does not count. Silence would hide
  // that there are several documents.
  return parseDocument(text, { lineCounter, uniqueKeys: false, prettyErrors: false, logLevel: "error" });
}

class TreeBuilder {
  #nodes = 0;
  readonly #file: string;
  readonly #document: ReturnType<typeof parse>;
  readonly #at: (offset: number) => YamlPosition;

  constructor(file: string, document: ReturnType<typeof parse>, at: (offset: number) => YamlPosition) {
    this.#file = file;
    this.#document = document;
    this.#at = at;
  }

  build(node: unknown, depth: number, aliasAt?: YamlPosition): YamlNode {
    const at = aliasAt ?? this.#positionOf(node);
    if (++this.#nodes > limits.settingsNodesMax) {
      throw yamlError(this.#file, at, `there are more than ${limits.settingsNodesMax} values`);
    }
    if (depth > limits.settingsDepthMax) {
      throw yamlError(this.#file, at, `values are nested more than ${limits.settingsDepthMax} deep`);
    }
    if (isAlias(node)) return this.build(this.#resolve(node, at), depth + 1, at);
    if (isSeq(node)) {
      return { kind: "list", at, items: node.items.map((item) => this.build(item, depth + 1, aliasAt)) };
    }
    if (isMap(node)) {
      const pairs = node.items.map((pair) => this.#pair(pair.key, pair.value, depth, at));
      return { kind: "mapping", at, pairs };
    }
    return { kind: "scalar", at, value: isScalar(node) ? scalarValue(node.value) : null };
  }

  #pair(key: unknown, value: unknown, depth: number, mapAt: YamlPosition): YamlPair {
    const at = this.#positionOf(key, mapAt);
    if (!isScalar(key)) throw yamlError(this.#file, at, "a key is not plain text");
    // A key without a value has no node of its own: its position stands in.
    const node: YamlNode = value === null || value === undefined
      ? { kind: "scalar", at, value: null }
      : this.build(value, depth + 1);
    return { key: String(key.value), at, value: node };
  }

  #resolve(alias: Alias, at: YamlPosition): unknown {
    const target = alias.resolve(this.#document);
    if (target === undefined) {
      const name = looksSecret(alias.source) ? "[secret]" : printable(alias.source.slice(0, 40));
      throw yamlError(this.#file, at, `alias *${name} names nothing`);
    }
    return target;
  }

  #positionOf(node: unknown, otherwise: YamlPosition = { line: 1, column: 1 }): YamlPosition {
    const range = (node as { range?: [number, number, number] | null } | null)?.range;
    return range ? this.#at(range[0]) : otherwise;
  }
}

function scalarValue(value: unknown): YamlScalar {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? null : String(value);
}

function reasonOf(code: string, message: string): string {
  // The library recurses; a thousand opening brackets exhaust the stack.
  if (code === "RESOURCE_EXHAUSTION") return "values are nested too deep";
  // What the library quotes of the text may be a secret, or a part of one.
  const line = (message.split("\n", 1)[0] ?? "").replace(/: .*|(?<=escape sequence) .*/, "");
  return printable(looksSecret(line) ? "it cannot be read" : line.slice(0, 160));
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

function yamlError(file: string, at: YamlPosition, reason: string): ConfigError {
  const message = `Cannot read settings in ${file}:${at.line}:${at.column}: ${reason}`;
  return new ConfigError("yaml", message, { file, ...at });
}

/** Plain data as YAML, for people and programs. */
export function formatYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
