import { errorText, KernelError } from "../../src/base/errors.ts";
import { NvmeFabrics } from "../../src/io/nvme_fabrics.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

/** A kernel that does not tell its symbols. */
const noSymbols = "/nowhere/kallsyms";

/**
 * A FIFO in place of the device: what is written to it is what the next read gives, so the "options" of a test are
 * the kernel's answer.
 */
async function withFifo(action: (fabrics: NvmeFabrics, fifo: Deno.FsFile) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/nvme-fabrics`;
  const made = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert(made.success);
  const fifo = await Deno.open(path, { read: true, write: true });
  try {
    await action(new NvmeFabrics(path, noSymbols), fifo);
  } finally {
    fifo.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const write = (file: Deno.FsFile, text: string) => file.write(new TextEncoder().encode(text));
const secret = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";

Deno.test("connect() writes the options and reads the new controller", async () => {
  await withFifo(async (fabrics) => {
    assertEquals(await fabrics.connect("instance=12,cntlid=4097"), { instance: 12, cntlid: 4097 });
  });
});

Deno.test("connect() refuses an answer of another form, without repeating it", async () => {
  for (const answer of ["instance=-1,cntlid=-1", "instance=1", `dhchap_secret=${secret}`]) {
    await withFifo(async (fabrics) => {
      const error = await assertRejects(() => fabrics.connect(answer), KernelError);
      assertEquals(error.code, "EPROTO");
      assert(!errorText(error).includes(answer), errorText(error));
    });
  }
});

Deno.test("connect() names the errno of the write, and never the options", async () => {
  const error = await assertRejects(
    () => new NvmeFabrics("/dev/full", noSymbols).connect(`transport=tcp,dhchap_secret=${secret}`),
    KernelError,
  );
  assertEquals(error.code, "ENOSPC");
  assert(!errorText(error).includes(secret));
  assert(!(error.stack ?? "").includes(secret));
});

Deno.test("connect() takes no secret to a kernel that would ignore it, and says so", async () => {
  const directory = await Deno.makeTempDir();
  const symbols = `${directory}/kallsyms`;
  const connecting = (options: string) => new NvmeFabrics("/dev/full", symbols).connect(options);
  const without =
    "0000000000000000 T nvme_init_ctrl\t[nvme_core]\n0000000000000000 t nvme_auth_negotiate_not\n";
  try {
    await Deno.writeTextFile(symbols, without);
    for (const options of [`transport=tcp,dhchap_secret=${secret}`, `dhchap_ctrl_secret=${secret}`]) {
      const error = await assertRejects(() => connecting(options), KernelError, "CONFIG_NVME_HOST_AUTH");
      assertEquals(error.code, "EINVAL");
    }
    // Without a secret it is written, which this device answers so.
    assertEquals((await assertRejects(() => connecting("transport=tcp"), KernelError)).code, "ENOSPC");
    for (const symbol of ["nvme_auth_negotiate\t[nvme_core]", "nvme_auth_negotiate"]) {
      await Deno.writeTextFile(symbols, `${without}0000000000000000 T ${symbol}\n`);
      const error = await assertRejects(() => connecting(`dhchap_secret=${secret}`), KernelError);
      assertEquals(error.code, "ENOSPC");
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("connect() refuses options that would be more than they say, before any write", async () => {
  for (const options of ["", "a=b\nhostnqn=x", "a=\0", "a=é", "x".repeat(4096)]) {
    const connecting = () => new NvmeFabrics("/dev/null").connect(options);
    assertEquals((await assertRejects(connecting, KernelError, "Cannot connect")).code, "EINVAL");
  }
});

Deno.test("connect() and supportedOptions() name the module to load when there is no device", async () => {
  const fabrics = new NvmeFabrics("/nowhere/nvme-fabrics");
  for (const action of [() => fabrics.connect("transport=tcp"), () => fabrics.supportedOptions()]) {
    const error = await assertRejects(action, KernelError, "load the kernel module: modprobe nvme-tcp");
    assertEquals(error.code, "ENOENT");
  }
});

Deno.test("supportedOptions() reads the names, flags and values alike", async () => {
  await withFifo(async (fabrics, fifo) => {
    await write(
      fifo,
      "instance=-1,cntlid=-1,transport=%s,traddr=%s,queue_size=%d,hdr_digest,duplicate_connect,keyring=%d,tls\n",
    );
    assertEquals(
      await fabrics.supportedOptions(),
      new Set(["transport", "traddr", "queue_size", "hdr_digest", "duplicate_connect", "keyring", "tls"]),
    );
  });
});

Deno.test("supportedOptions() is null where the kernel does not tell", async () => {
  await withFifo(async (fabrics, fifo) => {
    await write(fifo, "instance=0,cntlid=1\n");
    assertEquals(await fabrics.supportedOptions(), null);
  });
  // Reading ahead of any write gives EINVAL on kernels before 5.17; so does this file to every read of a few bytes.
  assertEquals(await new NvmeFabrics("/dev/null").supportedOptions(), null);
});
