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
  AddrInUse: "EADDRINUSE",
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

/** Numbers for which the runtime has neither a class nor a code, only words: `No such device (os error 19): …`. */
const codeOfNumber: Readonly<Record<string, string>> = {
  3: "ESRCH",
  5: "EIO",
  6: "ENXIO",
  19: "ENODEV",
  71: "EPROTO",
  74: "EBADMSG",
  93: "EPROTONOSUPPORT",
  95: "EOPNOTSUPP",
  126: "ENOKEY",
  127: "EKEYEXPIRED",
  128: "EKEYREVOKED",
  129: "EKEYREJECTED",
};

/** The errno's name of whatever the runtime threw: `ECONNREFUSED`, `ENOENT`; else the error's name. */
export function errnoOf(error: unknown): string {
  const code = errorCode(error);
  if (/^E[A-Z0-9_]+$/.test(code)) return code;
  if (!(error instanceof Error)) return code;
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1] ?? "";
  const unknown = number === "" ? code : `errno ${number}`;
  return codeOfName[error.name] ?? codeOfNumber[number] ?? unknown;
}

/** What administrators meet, in words. */
const wordsOfErrno: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "another program listens there",
  EADDRNOTAVAIL: "no such address on this host",
  EBUSY: "it is busy",
  ECONNABORTED: "the connection was aborted",
  ECONNREFUSED: "connection refused, nothing listens there",
  ECONNRESET: "the other side reset the connection",
  EHOSTDOWN: "the host is down",
  EHOSTUNREACH: "no route to the host",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ENETDOWN: "the network is down",
  ENETUNREACH: "the network is unreachable",
  ENFILE: "too many open files on this host",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on the device",
  ENOTDIR: "not a directory",
  ENOTFOUND: "no such name",
  EPERM: "operation not permitted",
  EPIPE: "the other side is gone",
  EROFS: "read-only file system",
  ETIMEDOUT: "no answer in time",
};

/** `ENOENT (no such file or directory)`, or the code alone. */
export function errnoText(code: string): string {
  const words = wordsOfErrno[code];
  return words === undefined ? code : `${code} (${words})`;
}

/** `Cannot read /etc/x: ENOENT (no such file or directory)`. An error that is typed already is passed on. */
export function kernelError(action: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = errnoOf(error);
  return new KernelError(code, `${action}: ${errnoText(code)}`, { cause: error });
}

export function transportError(action: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = errnoOf(error);
  return new TransportError(code, `${action}: ${errnoText(code)}`, { cause: error });
}
