/** A unix datagram socket that tests receive on: what systemd's end of NOTIFY_SOCKET is. */
import { receiveNow } from "../../src/io/libc.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
});

/** Binds a socket to a path, or to an abstract name written `@name`; answers its descriptor. */
export function bindDatagramSocket(name: string): number {
  const path = new TextEncoder().encode(name.startsWith("@") ? `\0${name.slice(1)}` : `${name}\0`);
  const address = new Uint8Array([1, 0, ...path]);
  const fd = libc.symbols.socket(1, 2 | 0o2000000, 0);
  if (fd < 0 || libc.symbols.bind(fd, address, address.length) !== 0) throw new Error(`Cannot bind ${name}`);
  return fd;
}

/** Everything that has arrived, as texts. */
export function receiveTexts(fd: number): string[] {
  const texts: string[] = [];
  const buffer = new Uint8Array(4096);
  for (let length; (length = receiveNow(fd, buffer)) !== null;) {
    texts.push(new TextDecoder().decode(buffer.slice(0, length)));
  }
  return texts;
}
