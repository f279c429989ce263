/** Keys of the kernel, as nvme-cli or keyctl would put them there (add_key(2)). */

const addKeyNumber = 248n; // x86-64

/** The serial number of a keyring, by its name; throws when there is none. */
export async function keyringSerial(name: string): Promise<number> {
  const lines = (await Deno.readTextFile("/proc/keys")).split("\n");
  const found = lines.find((line) => line.includes(`keyring   ${name}:`));
  if (found === undefined) throw new Error(`The kernel has no keyring ${name}`);
  return parseInt(found.trim().split(" ")[0] ?? "", 16);
}

/**
 * Puts a TLS key of 32 bytes for a host and a subsystem (retained, SHA-256, TCP transport specification 3.6.1.3) into
 * a keyring; answers its serial number.
 */
export function addTlsKey(hostnqn: string, subnqn: string, keyring: number): number {
  const library = Deno.dlopen("libc.so.6", {
    syscall: { parameters: ["i64", "buffer", "buffer", "buffer", "usize", "i64"], result: "i64" },
  });
  try {
    const text = (value: string) => new TextEncoder().encode(`${value}\0`);
    const key = new Uint8Array(32).fill(7);
    const identity = text(`NVMe0R01 ${hostnqn} ${subnqn}`);
    const serial = library.symbols.syscall(
      addKeyNumber,
      text("psk"),
      identity,
      key,
      BigInt(key.length),
      BigInt(keyring),
    );
    if (serial <= 0n) throw new Error("Cannot add a TLS key to the keyring");
    return Number(serial);
  } finally {
    library.close();
  }
}
