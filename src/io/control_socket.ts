/**
 * A socket of this host that root and one group may speak to (mode 0660). What a dead program left at its path is
 * replaced; what somebody answers on, or is no socket at all, is left alone. Throws KernelError and TransportError.
 */
import { errorText, KernelError, TransportError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Clock } from "../base/clock.ts";
import { ensureDirectory } from "./atomic_file.ts";
import { readTextFile } from "./host_files.ts";
import { errnoOf, kernelError, transportError } from "./io_errors.ts";

export interface ControlSocketOptions {
  readonly clock: Clock;
  /** Absolute. Its directory is made where it is missing. */
  readonly path: string;
  /** Name or number of the group that may speak to it; empty for none. */
  readonly group: string;
  /** The group cannot be given to it: only our own user and group may speak to it then. */
  readonly onProblem: (error: Error) => void;
}

/** Listens; closing it removes the file. Throws TransportError `EADDRINUSE` when somebody answers there. */
export async function openControlSocket(options: ControlSocketOptions): Promise<Deno.UnixListener> {
  const { path } = options;
  await ensureDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
  await removeStaleSocket(options);
  const gid = await groupOf(options);
  // Nobody else can speak to it before it has its group; nobody before it has its mode.
  const before = Deno.umask(0o177);
  try {
    const listener = listenAt(path);
    try {
      giveRights(path, gid, options);
      return removingItsFile(listener, path);
    } catch (error) {
      listener.close();
      throw error;
    }
  } finally {
    Deno.umask(before);
  }
}

/** Deno removes the file some time after the close, when the wait for a client has ended: after our exit, that is never. */
function removingItsFile(listener: Deno.UnixListener, path: string): Deno.UnixListener {
  const { ino } = Deno.lstatSync(path);
  const close = listener.close.bind(listener);
  listener.close = () => {
    close();
    try {
      // Somebody else's by now, perhaps.
      if (Deno.lstatSync(path).ino === ino) Deno.removeSync(path);
    } catch {
      // It is gone.
    }
  };
  return listener;
}

function listenAt(path: string): Deno.UnixListener {
  try {
    return Deno.listen({ transport: "unix", path });
  } catch (error) {
    throw transportError(`Cannot listen on ${path}`, error);
  }
}

function giveRights(path: string, gid: number | null, { group, onProblem }: ControlSocketOptions): void {
  try {
    if (gid !== null) Deno.chownSync(path, null, gid);
  } catch (error) {
    onProblem(kernelError(`Cannot give ${path} to the group ${group}`, error));
  }
  try {
    Deno.chmodSync(path, 0o660);
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
