/**
 * /dev/nvme-fabrics: has the kernel connect one controller. One open, one write, one read; the write blocks a thread
 * of the runtime, never the event loop. Builds no option strings, and never shows one: they may hold secrets.
 *
 * Source: linux drivers/nvme/host/fabrics.c (nvmf_dev_write, nvmf_dev_show, __nvmf_concat_opt_tokens).
 */
import { AgentError, KernelError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { errnoOf, kernelError } from "./io_errors.ts";
import { hasKernelSymbol } from "./kernel_symbols.ts";

export class NvmeFabrics {
  readonly #path: string;
  readonly #symbolsPath: string;
  #authenticates: Promise<boolean | null> | null = null;

  constructor(path = "/dev/nvme-fabrics", symbolsPath = "/proc/kallsyms") {
    this.#path = path;
    this.#symbolsPath = symbolsPath;
  }

  /** Kernel.connect(). `ENOENT` means that the device is missing, `ENODEV` always comes from the connect itself. */
  async connect(options: string): Promise<{ instance: number; cntlid: number }> {
    const bytes = encodeOptions(options);
    const device = await this.#open();
    try {
      if (/(^|,)dhchap_/.test(options)) await this.#checkAuthentication();
      const written = await device.write(bytes);
      if (written !== bytes.length) {
        throw new KernelError(
          "EIO",
          `Cannot connect: ${this.#path} took ${written} of ${bytes.length} bytes`,
        );
      }
      return parseConnectAnswer(await readAnswer(device), this.#path);
    } catch (error) {
      throw connectError(error);
    } finally {
      device.close();
    }
  }

  /** Kernel.supportedOptions(). */
  async supportedOptions(): Promise<ReadonlySet<string> | null> {
    const device = await this.#open();
    try {
      return parseSupportedOptions(await readAnswer(device));
    } catch (error) {
      // Kernels before 5.17 answer a read without a controller so.
      if (errnoOf(error) === "EINVAL") return null;
      throw kernelError(`Cannot read ${this.#path}`, error);
    } finally {
      device.close();
    }
  }

  /**
   * A kernel built without CONFIG_NVME_HOST_AUTH (Debian 12's 6.1) lists the secrets among its options, takes them and
   * connects without authentication. It lacks the function that would authenticate (drivers/nvme/host/auth.c).
   */
  async #checkAuthentication(): Promise<void> {
    this.#authenticates ??= hasKernelSymbol("nvme_auth_negotiate", this.#symbolsPath);
    if (await this.#authenticates !== false) return;
    const message =
      "Cannot connect: this kernel takes DH-CHAP secrets and ignores them (it was built without " +
      "CONFIG_NVME_HOST_AUTH), so the path would not be secured";
    throw new KernelError("EINVAL", message);
  }

  async #open(): Promise<Deno.FsFile> {
    try {
      return await Deno.open(this.#path, { read: true, write: true });
    } catch (error) {
      const code = errnoOf(error);
      if (["EACCES", "EPERM"].includes(code)) {
        const message = `Cannot open ${this.#path}: ${code}; only root may have the kernel connect`;
        throw new KernelError(code, message, { cause: error });
      }
      if (!["ENOENT", "ENODEV", "ENXIO"].includes(code)) {
        throw kernelError(`Cannot open ${this.#path}`, error);
      }
      const message = `Cannot open ${this.#path}: ${code}; load the kernel module: modprobe nvme-tcp`;
      throw new KernelError("ENOENT", message, { cause: error });
    }
  }
}

/** What an errno means when it comes of a connect (nvmf_connect_admin_queue, nvme_tcp_alloc_admin_queue). */
const connectReasons: Readonly<Record<string, string>> = {
  // Whatever a controller objects to: the write tells no more.
  EIO: "the controller refused, or broke off",
  EKEYREJECTED: "authentication failed: host and target do not have the same DH-CHAP secrets",
  ESRCH: "nobody is there to shake hands for TLS: tlshd has to run on this host",
  ENOKEY: "authentication or TLS is demanded, and the kernel was given no secret or has no key for it",
};

function connectError(error: unknown): AgentError {
  const code = errnoOf(error);
  const reason = connectReasons[code];
  if (error instanceof AgentError || reason === undefined) return kernelError("Cannot connect", error);
  return new KernelError(code, `Cannot connect: ${code} (${reason})`, { cause: error });
}

/** The kernel takes commas and line breaks alike as separators: a line break here is somebody's extra option. */
function encodeOptions(options: string): Uint8Array {
  if (options === "" || /[^\x20-\x7e]/.test(options)) {
    throw new KernelError(
      "EINVAL",
      "Cannot connect: the options are empty or hold a character that is not ASCII",
    );
  }
  if (options.length > limits.connectStringCharsMax) {
    const length = `${options.length} characters, at most ${limits.connectStringCharsMax} fit`;
    throw new KernelError("EINVAL", `Cannot connect: the options have ${length}`);
  }
  return new TextEncoder().encode(options);
}

async function readAnswer(device: Deno.FsFile): Promise<string> {
  const buffer = new Uint8Array(limits.connectAnswerBytesMax);
  const count = await device.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0)).trim();
}

/** `instance=0,cntlid=1` */
function parseConnectAnswer(answer: string, path: string): { instance: number; cntlid: number } {
  const match = /^instance=(\d{1,9}),cntlid=(\d{1,9})$/.exec(answer);
  if (match !== null) return { instance: Number(match[1]), cntlid: Number(match[2]) };
  throw new KernelError(
    "EPROTO",
    `Cannot tell the new controller: ${path} gave ${answer.length} characters, ` +
      "expected instance=<number>,cntlid=<number>",
  );
}

/**
 * Names of `instance=-1,cntlid=-1,transport=%s,traddr=%s,…,hdr_digest,…`; null when it is nothing of the kind.
 * Some names carry the pattern of their value, others are flags.
 */
function parseSupportedOptions(answer: string): ReadonlySet<string> | null {
  const words = answer.split(",").map((word) => word.trim());
  if (words[0] !== "instance=-1" || words.length < 3) return null;
  const names = words.map((word) => word.split("=")[0] ?? "").filter((name) => /^\w+$/.test(name));
  return new Set(names.filter((name) => name !== "instance" && name !== "cntlid"));
}
