/** One file of the tree with what the house rules ask about it: its tokens, its imports, how it opens. */
import { codeTokens, sourceTokens, type Token } from "./source_tokens.ts";

export interface Import {
  /** As written between the quotes. */
  readonly specifier: string;
  readonly line: number;
  /** Path from the root of the repository when the specifier is relative, else null. */
  readonly target: string | null;
}

export class SourceFile {
  /** From the root of the repository, `/` between parts. */
  readonly path: string;
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly code: readonly Token[];
  readonly imports: readonly Import[];

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
    this.tokens = path.endsWith(".ts") ? sourceTokens(text) : [];
    this.code = codeTokens(this.tokens);
    this.imports = findImports(path, this.code);
  }

  get lines(): number {
    return this.text.split("\n").length - (this.text.endsWith("\n") ? 1 : 0);
  }

  /** `nvme` for src/nvme/pdu.ts, empty for what stands in no folder of src. */
  get folder(): string {
    return /^src\/([^/]+)\//.exec(this.path)?.[1] ?? "";
  }

  /** Belongs to what users get: src, main.ts, scripts, systemd. */
  get shipped(): boolean {
    return this.path === "main.ts" || /^(src|scripts|systemd)\//.test(this.path);
  }

  /** May touch clock, chance and operating system. */
  get worldly(): boolean {
    return this.path === "main.ts" || this.folder === "io";
  }

  /** Whether a comment stands before the first token that is no part of an import. */
  opensWithComment(): boolean {
    let inImport = false;
    for (const { kind, text } of this.tokens) {
      if (kind === "comment" && !inImport) return true;
      if (inImport) inImport = kind !== "string";
      else if (kind === "word" && text === "import") inImport = true;
      else if (text !== ";") return false;
    }
    return false;
  }
}

function findImports(path: string, code: readonly Token[]): Import[] {
  const found: Import[] = [];
  for (const [at, token] of code.entries()) {
    if (token.kind !== "string") continue;
    const before = code[at - 1];
    const dynamic = before?.text === "(" && code[at - 2]?.text === "import";
    const plain = before?.kind === "word" && (before.text === "from" || before.text === "import");
    if (!dynamic && !plain) continue;
    found.push({ specifier: token.text, line: token.line, target: resolveImport(path, token.text) });
  }
  return found;
}

function resolveImport(path: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  const parts = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
