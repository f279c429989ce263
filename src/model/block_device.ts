/** Block devices of the kernel's namespaces, as far as it matters to whoever takes a controller away. */

/** One controller's way to one namespace. */
export interface NamespacePath {
  /** `nvme0`. */
  readonly controller: string;
  /** The block device that users see, `nvme0n1`: of all paths together where the kernel has multipath. */
  readonly device: string;
  /** The controller answers for it; false in an ANA state that takes no commands. */
  readonly usable: boolean;
}

export interface BlockDeviceUse {
  readonly paths: readonly NamespacePath[];
  /** Device → who holds it, in words such as `mounted at /mnt`; devices that nobody holds are left out. */
  readonly held: ReadonlyMap<string, readonly string[]>;
}
