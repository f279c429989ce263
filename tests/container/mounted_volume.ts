/**
 * A ConfigMap or Secret as the kubelet mounts it: every file is a symlink through `..data` into a directory with the
 * time in its name, and a new content is one rename over `..data`. What is mounted never changes in place.
 */
export class MountedVolume {
  readonly path: string;
  #contents = 0;
  #names: readonly string[] = [];

  /** `path` is an empty directory. */
  constructor(path: string) {
    this.path = path;
  }

  /** All of the new content at once, by file name. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    const before = this.#contents === 0 ? null : this.#directory();
    this.#contents++;
    await Deno.mkdir(`${this.path}/${this.#directory()}`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${this.path}/${this.#directory()}/${name}`, text);
    }
    await Deno.symlink(this.#directory(), `${this.path}/..data_tmp`);
    await Deno.rename(`${this.path}/..data_tmp`, `${this.path}/..data`);
    const names = Object.keys(files);
    for (const name of names.filter((name) => !this.#names.includes(name))) {
      await Deno.symlink(`..data/${name}`, `${this.path}/${name}`);
    }
    for (const name of this.#names.filter((name) => !names.includes(name))) {
      await Deno.remove(`${this.path}/${name}`);
    }
    this.#names = names;
    if (before !== null) await Deno.remove(`${this.path}/${before}`, { recursive: true });
  }

  #directory(): string {
    return `..2026_01_01_00_00_00.${this.#contents}`;
  }
}
