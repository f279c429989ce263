/**
 * The outside world's failures, one class for each party who must act. Bugs are not here: they assert.
 *
 * Code branches on class and `code`, never on text. A message starts with a capital, has no full stop, and says the
 * action and the values: `Cannot decode C2HData: length is 12, expected at least 24`.
 */

/** Common base, so that `instanceof AgentError` separates the expected failures from bugs. */
export abstract class AgentError extends Error {
  /** Short stable word for branching and for machines, e.g. `ECONNREFUSED` or `header-digest`. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Where in a text a value stands; line and column are 1-based. */
export interface TextPosition {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** What the operator wrote (settings, entry files, flags) cannot be used: the operator must act. */
export class ConfigError extends AgentError {
  readonly position: TextPosition;

  constructor(code: string, message: string, position: TextPosition = {}, options?: { cause?: unknown }) {
    super(code, message, options);
    this.position = position;
  }
}

/** The network failed: retry. `code` is the errno name, or `closed` for an orderly end by the peer. */
export class TransportError extends AgentError {}

/** The peer broke the protocol: close, retry with backoff. `code` names the rule broken. */
export class ProtocolError extends AgentError {
  /** Fatal Error Status to send in a TermReq (NVMe/TCP 1.0 §3.6.2.7 / Figure "H2CTermReq"); 0 sends none. */
  readonly fes: number;
  /** Fatal Error Information: offset of the bad field, or the digest received. */
  readonly fei: number;

  constructor(
    code: string,
    message: string,
    options: { fes?: number; fei?: number; cause?: unknown } = {},
  ) {
    super(code, message, { cause: options.cause });
    this.fes = options.fes ?? 0;
    this.fei = options.fei ?? 0;
  }
}

/** A command completed with a status that is not success. `code` is the status name, e.g. `invalid-host`. */
export class NvmeStatusError extends AgentError {
  /** SCT << 8 | SC. */
  readonly status: number;
  /** Do Not Retry: "not this attempt"; it slows the retry down, it never stops it. */
  readonly dnr: boolean;
  /** Command Retry Delay index, 0..3. */
  readonly crd: number;

  constructor(code: string, message: string, fields: { status: number; dnr: boolean; crd: number }) {
    super(code, message);
    this.status = fields.status;
    this.dnr = fields.dnr;
    this.crd = fields.crd;
  }
}

/** The kernel or the file system refused. `code` is the errno name, e.g. `EALREADY`. */
export class KernelError extends AgentError {}

/** A deadline passed. `code` names the wait, e.g. `icresp`. */
export class TimeoutError extends AgentError {}

/**
 * One line for people: the message and those of its typed causes, outermost first, at most four. What the runtime
 * says of the same failure is left out: our message has its errno already.
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts: string[] = [error.message];
  let current = error.cause;
  for (let depth = 1; depth < 4 && current instanceof AgentError; depth++) {
    const { message } = current;
    if (!parts.some((part) => part.includes(message))) parts.push(message);
    current = current.cause;
  }
  return parts.join(": ");
}

/** The code of an expected failure, the errno of a Deno one, else `unknown`. */
export function errorCode(error: unknown): string {
  if (error instanceof AgentError) return error.code;
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.name : "unknown";
}
