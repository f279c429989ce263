/**
 * Makes the image's root directory of the executable named, dist/discovery-client without, and runs image_test.ts on it
 * in a network with nothing but loopback. Needs root.
 */
const binary = Deno.args[0] ?? new URL("../../dist/discovery-client", import.meta.url).pathname;
const directory = await Deno.makeTempDir({ prefix: "image-" });

async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<number> {
  return (await new Deno.Command(command, { args, env }).spawn().status).code;
}

let status = 1;
try {
  const root = `${directory}/root`;
  const build = new URL("../../scripts/container/build-root", import.meta.url).pathname;
  status = await run(build, ["--binary", binary, root]);
  if (status === 0) {
    const test = new URL("image_test.ts", import.meta.url).pathname;
    const words = [Deno.execPath(), "test", "--allow-all", "--quiet", test];
    const script = 'ip link set lo up && exec "$@"';
    status = await run("unshare", ["--net", "sh", "-c", script, "sh", ...words], {
      IMAGE_ROOT: root,
      PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin`,
    });
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(status);
