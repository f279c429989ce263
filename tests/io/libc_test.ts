import "./loaded_libc.ts";
import { KernelError } from "../../src/base/errors.ts";
import {
  closeDescriptor,
  loadLibc,
  lockFile,
  openWakeup,
  sendUnixDatagram,
  setCpuAffinity,
  waitReadable,
  wake,
} from "../../src/io/libc.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

Deno.test("loadLibc() says what is missing when there is no such library", () => {
  const error = assertThrows(
    () => loadLibc("libc-of-nowhere.so"),
    KernelError,
    "Cannot load libc-of-nowhere.so",
  );
  assertEquals(error.code, "no-ffi");
});

Deno.test("setCpuAffinity() moves every thread of a process, later ones too", async () => {
  const allowed = await allowedCores("self");
  const core = allowed[0];
  assert(core !== undefined);
  const source = `
    import { setCpuAffinity } from ${JSON.stringify(new URL("../../src/io/libc.ts", import.meta.url).href)};
    setCpuAffinity([${core}]);
    await Promise.all(Array.from({ length: 8 }, () => Deno.stat("/proc")));
    const masks = [...Deno.readDirSync("/proc/self/task")].map(({ name }) =>
      /Cpus_allowed_list:\\s*(\\S+)/.exec(Deno.readTextFileSync("/proc/self/task/" + name + "/status"))[1]);
    console.log(JSON.stringify(masks));`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, source);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--allow-all", "--quiet", file],
  }).output();
  await Deno.remove(file);
  const masks: string[] = JSON.parse(new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr));
  assert(masks.length > 1, "A process of the runtime has several threads");
  assert(masks.every((mask) => mask === String(core)), masks.join(" "));
});

async function allowedCores(pid: string): Promise<number[]> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

Deno.test("setCpuAffinity() names the cores that it cannot use, and changes nothing", async () => {
  const before = await allowedCores("self");
  assert(!before.includes(1023));
  assertEquals(assertThrows(() => setCpuAffinity([1023]), KernelError, "cores 1023").code, "EINVAL");
  assertEquals(assertThrows(() => setCpuAffinity([]), KernelError, "cores (none)").code, "EINVAL");
  for (const core of [-1, 1.5, 1024, NaN]) {
    assertEquals(assertThrows(() => setCpuAffinity([core]), KernelError, "from 0 to 1023").code, "EINVAL");
  }
  assertEquals(await allowedCores("self"), before);
});

Deno.test("lockFile() gives the lock to one, and to the next after unlock", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/lock`;
  const first = lockFile(path);
  assert(first !== null);
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  assertEquals(lockFile(path), null);
  first.unlock();
  first.unlock();
  const second = lockFile(path);
  assert(second !== null);
  second.unlock();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("lockFile() names the errno of what it cannot open, and follows no symlink", async () => {
  const directory = await Deno.makeTempDir();
  assertEquals(assertThrows(() => lockFile(`${directory}/none/lock`), KernelError).code, "ENOENT");
  assertEquals(assertThrows(() => lockFile(directory), KernelError).code, "EISDIR");
  await Deno.symlink(`${directory}/elsewhere`, `${directory}/lock`);
  assertEquals(assertThrows(() => lockFile(`${directory}/lock`), KernelError).code, "ELOOP");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("sendUnixDatagram() names the errno when nobody listens, and refuses a long name", () => {
  const text = new TextEncoder().encode("READY=1");
  assertEquals(
    assertThrows(() => sendUnixDatagram("/nowhere/notify", text), KernelError, "/nowhere/notify").code,
    "ENOENT",
  );
  assertEquals(
    assertThrows(() => sendUnixDatagram("@nobody-listens-here", text), KernelError).code,
    "ECONNREFUSED",
  );
  assertEquals(assertThrows(() => sendUnixDatagram(`/${"x".repeat(108)}`, text), KernelError).code, "EINVAL");
});

Deno.test("waitReadable() waits until it is woken, and says by which", async () => {
  const [one, two] = [openWakeup(), openWakeup()];
  const waiting = waitReadable([one, two]);
  wake(two);
  assertEquals(await waiting, [false, true]);
  closeDescriptor(one);
  closeDescriptor(two);
});
