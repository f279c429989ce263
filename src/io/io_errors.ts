/** What the runtime throws, told as the typed errors of ours: the errno's name as code, the runtime's as cause. */
import { AgentError, errorCode, KernelError, TransportError } from "../base/errors.ts";

/** Codes of runtime errors that carry no errno of their own. */
const codeOfName: Readonly<Record<string, string>> = {
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  AlreadyExists: "EEXIST",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  ConnectionAborted: "ECONNABORTED",
  NotConnected: "ENOTCONN",
  AddrNotAvailable: "EADDRNOTAVAIL",
  NetworkUnreachable: "ENETUNREACH",
  BrokenPipe: "EPIPE",
  TimedOut: "ETIMEDOUT",
  WouldBlock: "EAGAIN",
  WriteZero: "EIO",
  UnexpectedEof: "EIO",
  IsADirectory: "EISDIR",
  NotADirectory: "ENOTDIR",
  NotCapable: "EPERM",
  BadResource: "EBADF",
};

/** The errno's name of whatever the runtime threw: `ECONNREFUSED`, `ENOENT`; else the error's name. */
export function errnoOf(error: unknown): string {
  const code = errorCode(error);
  if (/^E[A-Z0-9_]+$/.test(code)) return code;
  return (error instanceof Error ? codeOfName[error.name] : undefined) ?? code;
}

/** `Cannot read /etc/x: ENOENT`. An error that is typed already is passed on. */
export function kernelError(action: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = errnoOf(error);
  return new KernelError(code, `${action}: ${code}`, { cause: error });
}

export function transportError(action: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = errnoOf(error);
  return new TransportError(code, `${action}: ${code}`, { cause: error });
}
