/**
 * The kernel's end of one I/O controller's connection, over a real socket: TCP, ICReq, Connect, then a keep alive
 * now and then until either side is gone. Moves no data; fails as Linux does, with the same errno and patience.
 *
 * The targets of the fault runs hold no I/O queues: they tell a permitted Connect that no controller is free, and
 * that counts as success here.
 */
import { KernelError } from "../../src/base/errors.ts";
import { encodeConnect, encodeConnectData, encodeKeepAlive } from "../../src/nvme/command.ts";
import { type Completion, decodeCompletion } from "../../src/nvme/completion.ts";
import { Framer } from "../../src/nvme/framer.ts";
import { parseHostId } from "../../src/nvme/nqn.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/nvme/pdu.ts";
import type { FabricsOptions } from "../sim/fabrics_options.ts";

const noDigests = { header: false, data: false };
/** SYN and one retransmission (nvme_tcp_alloc_queue sets TCP_SYNCNT to 1). */
const dialMs = 3_000;
/** SO_RCVTIMEO while ICResp is awaited. */
const icRespMs = 10_000;
/** What these targets say to a permitted Connect. */
const statusBusy = 0x181;

export class IoConnection {
  readonly #socket: Deno.TcpConn;
  readonly #framer = new Framer("host", 16_384);
  readonly #buffer = new Uint8Array(4_096);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #unanswered = false;
  /** Once, when the connection is over and `close` was not called. */
  onLost: () => void = () => {};

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Throws KernelError with the errno that the write to the device would give. `connectMs`: patience with Connect. */
  static async open(options: FabricsOptions, connectMs: number): Promise<IoConnection> {
    const connection = new IoConnection(await dial(options));
    try {
      await connection.#within(icRespMs, "ETIMEDOUT", connection.#initialize());
      await connection.#within(connectMs, "EIO", connection.#connect(options));
    } catch (error) {
      connection.close();
      throw error instanceof KernelError ? error : kernelError(errnoOf(error), options.traddr);
    }
    connection.#keepAlive(options.keepAliveTmo * 1_000);
    connection.#readOn();
    return connection;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    try {
      this.#socket.close();
    } catch {
      // It is closed already.
    }
  }

  #lose(): void {
    if (this.#closed) return;
    this.close();
    this.onLost();
  }

  async #initialize(): Promise<void> {
    this.#socket.setNoDelay(true);
    await this.#send({ kind: "icReq", hpda: 0, digests: noDigests, maxr2t: 0 });
    const pdu = await this.#receive();
    if (pdu.kind !== "icResp") throw kernelError("EINVAL", `${pdu.kind} in place of ICResp`);
    this.#framer.setDigests(noDigests);
  }

  async #connect({ nqn, hostnqn, hostid, keepAliveTmo, traddr }: FabricsOptions): Promise<void> {
    const sqe = encodeConnect({ cid: 1, sqsize: 31, katoMs: keepAliveTmo * 1_000 });
    const data = encodeConnectData({ hostid: parseHostId(hostid)!, subnqn: nqn, hostnqn });
    await this.#send({ kind: "capsuleCmd", sqe, data });
    const { status } = await this.#receiveCompletion();
    if (status !== 0 && status !== statusBusy) {
      throw kernelError("EIO", `${traddr} refused with ${status.toString(16)}`);
    }
  }

  #keepAlive(intervalMs: number): void {
    if (intervalMs === 0 || this.#closed) return;
    this.#timer = setTimeout(() => {
      if (this.#unanswered) return this.#lose();
      this.#unanswered = true;
      // Refused, since it came before Connect succeeded, and thereby answered.
      this.#send({ kind: "capsuleCmd", sqe: encodeKeepAlive({ cid: 2 }), data: new Uint8Array(0) })
        .catch(() => this.#lose());
      this.#keepAlive(intervalMs);
    }, intervalMs);
  }

  async #readOn(): Promise<void> {
    try {
      while (!this.#closed) {
        await this.#receive();
        this.#unanswered = false;
      }
    } catch {
      this.#lose();
    }
  }

  async #send(pdu: Pdu): Promise<void> {
    const bytes = encodePdu(pdu, noDigests);
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
  }

  async #receiveCompletion(): Promise<Completion> {
    const pdu = await this.#receive();
    if (pdu.kind !== "capsuleResp") throw kernelError("EIO", `${pdu.kind} in place of a completion`);
    return decodeCompletion(pdu.cqe);
  }

  async #receive(): Promise<Pdu> {
    while (true) {
      const frame = this.#framer.next();
      if (frame !== null) return decodePdu(frame);
      const count = await this.#socket.read(this.#buffer);
      if (count === null) throw kernelError("ECONNRESET", "the target closed");
      this.#framer.push(this.#buffer.slice(0, count));
    }
  }

  async #within<T>(limitMs: number, errno: string, work: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(kernelError(errno, "no answer in time")), limitMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
      // Whoever came too late is nobody's business.
      work.catch(() => {});
    }
  }
}

async function dial({ traddr, trsvcid }: FabricsOptions): Promise<Deno.TcpConn> {
  const attempt = new AbortController();
  const timer = setTimeout(() => attempt.abort(), dialMs);
  try {
    return await Deno.connect({ hostname: traddr, port: Number(trsvcid), signal: attempt.signal });
  } catch (error) {
    throw kernelError(attempt.signal.aborted ? "ETIMEDOUT" : errnoOf(error), traddr);
  } finally {
    clearTimeout(timer);
  }
}

function errnoOf(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) return "ECONNREFUSED";
  if (error instanceof Deno.errors.ConnectionReset) return "ECONNRESET";
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && code.startsWith("E") ? code : "EIO";
}

export function kernelError(errno: string, what: string): KernelError {
  return new KernelError(errno, `Cannot connect in the kernel: ${what}: ${errno}`);
}
