/**
 * A socket of this host that root and one group may speak to (mode 0660). What a dead program left at its path is
 * replaced; what somebody answers on, or is no socket at all, is left alone. Throws KernelError and TransportError.
 */
import { errorText, KernelError, TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { ensureDirectory } from "./atomic_file.ts";
import { readTextFile } from "./host_files.ts";
import { errnoOf, kernelError, transportError } from "./io_errors.ts";
import { processId } from "./process_usage.ts";

export interface ControlSocketOptions {
  readonly clock: Clock;
  /** Absolute. Its directory is made where it is missing. */
  readonly path: string;
  /** Name or number of the group that may speak to it; empty for none. */
  readonly group: string;
  /** The group cannot be given to it: only our own user and group may speak to it then. */
  readonly onProblem: (error: Error) => void;
  /** Its file was removed or replaced, and nobody new can find it; once. */
  readonly onLost: (error: Error) => void;
}

/** Listens; closing it removes the file. Throws TransportError `EADDRINUSE` when somebody answers there. */
export async function openControlSocket(options: ControlSocketOptions): Promise<Deno.UnixListener> {
  const { path } = options;
  checkLength(path);
  const directory = path.slice(0, path.lastIndexOf("/")) || "/";
  await ensureDirectory(directory);
  await removeStaleSocket(options);
  const gid = await groupOf(options);
  // It gets its rights under a name of its own. When it is closed, Deno removes whatever has the name that it listened
  // at, and by then that may be somebody else's.
  const own = `${directory}/.dc-${processId()}`;
  const listener = listenAt(own, path);
  try {
    giveRights(own, gid, options);
    moveTo(path, own);
    return withItsFile(listener, options);
  } catch (error) {
    listener.close();
    throw error;
  }
}

/** Clients could not ask for a longer one. */
function checkLength(path: string): void {
  const { length } = new TextEncoder().encode(path);
  if (length <= limits.socketPathBytesMax) return;
  const most = `at most ${limits.socketPathBytesMax} go into the address of a socket`;
  throw new TransportError("EINVAL", `Cannot listen on ${path}: the path has ${length} bytes, ${most}`);
}

function listenAt(own: string, path: string): Deno.UnixListener {
  // Nobody else can speak to it before it has its group.
  const before = Deno.umask(0o177);
  try {
    // Of a process that had our number.
    if (isThere(own, () => true)) Deno.removeSync(own);
    return Deno.listen({ transport: "unix", path: own });
  } catch (error) {
    throw transportError(`Cannot listen on ${path}`, error);
  } finally {
    Deno.umask(before);
  }
}

/** Not over another file: somebody may have come in between. */
function moveTo(path: string, own: string): void {
  try {
    Deno.linkSync(own, path);
    Deno.removeSync(own);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      throw new TransportError("EADDRINUSE", `Cannot listen on ${path}: another program listens there`);
    }
    throw transportError(`Cannot listen on ${path}`, error);
  }
}

/** Looks after its file while it listens, and removes it at the end. */
function withItsFile(
  listener: Deno.UnixListener,
  { clock, path, onLost }: ControlSocketOptions,
): Deno.UnixListener {
  const own = Deno.lstatSync(path);
  // The number may be given to the next file.
  const isOurs = ({ isSocket, ino, birthtime }: Deno.FileInfo) =>
    isSocket === true && ino === own.ino && birthtime?.getTime() === own.birthtime?.getTime();
  let timer: Timer | null = null;
  const check = () => {
    if (isThere(path, isOurs)) timer = clock.setTimer(limits.controlFileCheckMs, check);
    else {onLost(
        new TransportError("lost", `Cannot be found on ${path} any more: the file was removed or replaced`),
      );}
  };
  timer = clock.setTimer(limits.controlFileCheckMs, check);
  const close = listener.close.bind(listener);
  listener.close = () => {
    timer?.cancel();
    close();
    // It may be somebody else's by now, or gone.
    if (isThere(path, isOurs)) Deno.removeSync(path);
  };
  return listener;
}

/** In /run, which is memory: there is nothing to wait for. */
function isThere(path: string, isOurs: (file: Deno.FileInfo) => boolean): boolean {
  try {
    return isOurs(Deno.lstatSync(path));
  } catch {
    return false;
  }
}

function giveRights(own: string, gid: number | null, options: ControlSocketOptions): void {
  const { path, group, onProblem } = options;
  try {
    if (gid !== null) Deno.chownSync(own, null, gid);
  } catch (error) {
    onProblem(kernelError(`Cannot give ${path} to the group ${group}`, error));
  }
  try {
    Deno.chmodSync(own, 0o660);
  } catch (error) {
    throw kernelError(`Cannot set the rights of ${path}`, error);
  }
}

async function removeStaleSocket({ clock, path }: ControlSocketOptions): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) {
      throw new KernelError("EEXIST", `Cannot listen on ${path}: a file that is no socket is there`);
    }
    if (await somebodyAnswers(clock, path)) {
      throw new TransportError("EADDRINUSE", `Cannot listen on ${path}: another program listens there`);
    }
    await Deno.remove(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw kernelError(`Cannot replace ${path}`, error);
  }
}

/** One that takes connections, or whose queue of them is full, is alive. */
async function somebodyAnswers(clock: Clock, path: string): Promise<boolean> {
  const connecting = Deno.connect({ transport: "unix", path }).then(
    (socket) => {
      socket.close();
      return true;
    },
    (error) => errnoOf(error) !== "ECONNREFUSED" && errnoOf(error) !== "ENOENT",
  );
  return await new Promise((resolve) => {
    const timer = clock.setTimer(limits.controlProbeMs, () => resolve(true));
    connecting.then((answers) => {
      timer.cancel();
      resolve(answers);
    });
  });
}

async function groupOf({ group, onProblem }: ControlSocketOptions): Promise<number | null> {
  if (group === "") return null;
  try {
    return await findGroup(group);
  } catch (error) {
    onProblem(error instanceof Error ? error : new KernelError("group", errorText(error)));
    return null;
  }
}

/** The number of a group of /etc/group, or the number itself. Throws KernelError `no-group`. */
export async function findGroup(group: string, file = "/etc/group"): Promise<number> {
  if (/^\d{1,9}$/.test(group)) return Number(group);
  const lines = (await readTextFile(file, limits.groupFileBytesMax) ?? "").split("\n");
  // group(5): name:password:GID:members
  for (const line of lines) {
    const [name, , gid = ""] = line.split(":");
    if (name === group && /^\d{1,9}$/.test(gid)) return Number(gid);
  }
  throw new KernelError("no-group", `Cannot find the group ${group} in ${file}; a number will do too`);
}
