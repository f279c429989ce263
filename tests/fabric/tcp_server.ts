/**
 * Serves a fabric on real sockets: one listener for each address of each listening node, one machine a connection.
 * Follows nodes that go and come. A port 0 is replaced by the one the system gave, in the fabric's own address, and
 * kept from then on. It can swallow a node: connections open, and nobody ever answers.
 */
import { ControllerMachine } from "./controller_machine.ts";
import { type Fabric, type FabricAddress, type FabricNode, isListening } from "./fabric.ts";
import type { PortRole } from "./target_connect.ts";

const readBytes = 16 * 1024;

export class FabricServer {
  readonly #fabric: Fabric;
  readonly #ports = new Map<FabricNode, Deno.TcpListener[]>();
  readonly #connections = new Map<ServedConnection, FabricNode>();
  /** Nodes swallowed now, with the connections they took meanwhile. */
  readonly #swallowed = new Map<FabricNode, Deno.TcpConn[]>();
  readonly #loops = new Set<Promise<void>>();
  readonly #acceptedMs = new Map<FabricNode, number[]>();
  readonly #unwatch: () => void;

  /** Listens before it returns. Throws what Deno.listen throws. */
  constructor(fabric: Fabric) {
    this.#fabric = fabric;
    this.#unwatch = fabric.watchNodes((node) => this.#follow(node));
    try {
      for (const node of fabric.nodes.values()) this.#follow(node);
    } catch (error) {
      for (const node of fabric.nodes.values()) this.#closePorts(node);
      this.#unwatch();
      throw error;
    }
  }

  /** Connections open now, of one node or all. */
  connectionCount(nodeId?: string): number {
    const node = nodeId === undefined ? undefined : this.#fabric.node(nodeId);
    return [...this.#connections.values()].filter((one) => node === undefined || one === node).length;
  }

  /** When each connection to a node's discovery ports was accepted, `performance.now()`. */
  acceptedMs(nodeId: string): readonly number[] {
    return this.#acceptedMs.get(this.#fabric.node(nodeId)) ?? [];
  }

  /**
   * While swallowed, a node neither reads nor answers; connects succeed, since the system completes them. Afterwards
   * the old connections go on, and those made meanwhile are closed.
   */
  setSwallowed(nodeId: string, swallowed: boolean): void {
    const node = this.#fabric.node(nodeId);
    if (swallowed === this.#swallowed.has(node)) return;
    if (swallowed) {
      this.#swallowed.set(node, []);
    } else {
      for (const socket of this.#swallowed.get(node) ?? []) closeQuietly(socket);
      this.#swallowed.delete(node);
    }
    for (const [connection, owner] of this.#connections) {
      if (owner === node) connection.setFrozen(swallowed);
    }
  }

  /** Closes everything, and waits until nothing is left. */
  async close(): Promise<void> {
    this.#unwatch();
    for (const node of this.#fabric.nodes.values()) {
      this.setSwallowed(node.id, false);
      this.#closePorts(node);
    }
    for (const connection of this.#connections.keys()) connection.end();
    while (this.#loops.size > 0) await Promise.all(this.#loops);
  }

  #follow(node: FabricNode): void {
    if (!isListening(node)) return this.#closePorts(node);
    this.#ports.set(node, []);
    for (const { address, role } of portsOf(node)) this.#listen(node, address, role);
  }

  #listen(node: FabricNode, address: FabricAddress, role: PortRole): void {
    const listener = Deno.listen({ hostname: address.traddr, port: address.trsvcid, transport: "tcp" });
    address.trsvcid = listener.addr.port;
    this.#ports.get(node)!.push(listener);
    this.#run(this.#acceptAll(listener, node, role));
  }

  #closePorts(node: FabricNode): void {
    for (const listener of this.#ports.get(node) ?? []) listener.close();
    this.#ports.delete(node);
  }

  async #acceptAll(listener: Deno.TcpListener, node: FabricNode, role: PortRole): Promise<void> {
    for (let socket; (socket = await accept(listener)) !== null;) {
      if (role === "discovery") {
        this.#acceptedMs.set(node, [...this.#acceptedMs.get(node) ?? [], performance.now()]);
      }
      const swallowed = this.#swallowed.get(node);
      if (swallowed !== undefined) {
        swallowed.push(socket);
        continue;
      }
      const machine = new ControllerMachine({ fabric: this.#fabric, nodeId: node.id, role });
      const connection = new ServedConnection(socket, machine);
      this.#connections.set(connection, node);
      this.#run(connection.run().finally(() => this.#connections.delete(connection)));
    }
  }

  #run(loop: Promise<void>): void {
    const tracked = loop.finally(() => this.#loops.delete(tracked));
    this.#loops.add(tracked);
  }
}

/** An address that is both is a discovery port: it refuses I/O connects just as well. */
function portsOf(node: FabricNode): { address: FabricAddress; role: PortRole }[] {
  const taken = new Set<string>();
  const ports: { address: FabricAddress; role: PortRole }[] = [
    ...node.discovery.map((address) => ({ address, role: "discovery" as const })),
    ...node.io.map((address) => ({ address, role: "io" as const })),
  ];
  return ports.filter(({ address: { traddr, trsvcid } }) => {
    const key = `${traddr} ${trsvcid}`;
    const isNew = trsvcid === 0 || !taken.has(key);
    taken.add(key);
    return isNew;
  });
}

/** One socket and its machine: reads, writes, keeps the machine's timer. */
class ServedConnection {
  readonly #socket: Deno.TcpConn;
  readonly #machine: ControllerMachine;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frozen: { promise: Promise<void>; resolve: () => void } | null = null;
  #writing = Promise.resolve();
  #busy = false;
  #ended = false;

  constructor(socket: Deno.TcpConn, machine: ControllerMachine) {
    this.#socket = socket;
    this.#machine = machine;
    machine.onWake = () => this.#pump();
  }

  /** Until the connection is over, whoever ended it. */
  async run(): Promise<void> {
    const buffer = new Uint8Array(readBytes);
    try {
      this.#socket.setNoDelay(true);
      while (!this.#ended) {
        const count = await this.#socket.read(buffer);
        if (this.#frozen !== null) await this.#frozen.promise;
        if (count === null) break;
        this.#machine.handleBytes(performance.now(), buffer.subarray(0, count));
        this.#pump();
      }
    } catch (error) {
      if (!isSocketError(error)) throw error;
    } finally {
      this.end();
      await this.#writing;
    }
  }

  setFrozen(frozen: boolean): void {
    if (frozen) {
      this.#frozen = Promise.withResolvers<void>();
      clearTimeout(this.#timer);
    } else {
      this.#frozen?.resolve();
      this.#frozen = null;
      this.#pump();
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#frozen?.resolve();
    clearTimeout(this.#timer);
    this.#machine.handleClose();
    closeQuietly(this.#socket);
  }

  /** Starts writing what there is, and sets the timer anew. */
  #pump(): void {
    if (this.#ended || this.#frozen !== null) return;
    if (!this.#busy) this.#writing = this.#writeAll();
    clearTimeout(this.#timer);
    const atMs = this.#machine.nextTimeoutMs();
    if (atMs === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#machine.handleTimeout(performance.now());
      this.#pump();
    }, Math.max(0, Math.ceil(atMs - performance.now())));
  }

  /** One at a time; it also takes what comes up while it waits for the socket. */
  async #writeAll(): Promise<void> {
    this.#busy = true;
    try {
      for (let bytes = this.#machine.takeBytes(); bytes !== null; bytes = this.#machine.takeBytes()) {
        for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
        if (this.#frozen !== null) await this.#frozen.promise;
      }
      if (this.#machine.closed) this.end();
    } catch (error) {
      if (!isSocketError(error)) throw error;
      this.end();
    } finally {
      this.#busy = false;
    }
  }
}

/** The next connection; null when the listener is closed. One that is reset before it is taken is nobody's. */
async function accept(listener: Deno.TcpListener): Promise<Deno.TcpConn | null> {
  while (true) {
    try {
      return await listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return null;
      if (!isSocketError(error)) throw error;
    }
  }
}

function closeQuietly(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}

/** The peer went, or we closed it under a pending read; anything else is a bug of this fabric. */
function isSocketError(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource;
}
