/** `doctor --bundle`: what is in the archive, who may read it, and that no byte of it is a secret. */
import "../io/loaded_libc.ts";
import { assert, assertEquals } from "../assert.ts";
import { cluster, host, runIn, withDirectory } from "./memory_environment.ts";

/** Each in a place of its own, so that one that gets through says where it came from. */
const places = [
  "settings",
  "settings-ctrl",
  "cluster",
  "file",
  "environment",
  "entry",
  "entry-ctrl",
  "bad-entry",
  "stray",
  "comment",
  "log",
  "log-typed",
  "kernel",
  "sysfs",
  "memory",
  "event",
  "name",
] as const;
type Place = typeof places[number];

function base64Of(place: Place): string {
  return btoa(place.padEnd(36, "!")).slice(0, 48);
}

function key(place: Place): string {
  return `DHHC-1:00:${base64Of(place)}:`;
}

/** A word that is no key, where somebody took one for a secret. */
function word(place: Place): string {
  return `hunter-${place}-2`;
}

async function writeHost(root: string): Promise<string> {
  const write = async (path: string, text: string) => {
    await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text, { mode: 0o600 });
  };
  await write("secret", `${key("file")}\n`);
  await write(
    "settings.yaml",
    [
      `clientConfigDir: ${root}/entries`,
      `internalDir: ${root}/internal`,
      `nvmeHostIDPath: ${root}/hostid`,
      `control: {socket: ${root}/control.sock}`,
      `logging: {filename: ${root}/agent.log}`,
      `dhChapSecret: "${key("settings")}"`,
      `dhChapCtrlSecret: "${key("settings-ctrl")}"`,
      `clusterSecrets: {"${cluster}": {"${host}": {dhChapSecret: "${key("cluster")}"}}, ` +
      `"nqn.other": {"${host}": {dhChapSecretFile: ${root}/secret}}}`,
    ].join("\n"),
  );
  const closed = `-a 127.0.0.1 -s 1 -q ${host} -n ${cluster}`;
  await write(
    `entries/one-${word("name").replace("hunter", "DHHC-1")}`,
    [
      `${closed} -S ${key("entry")} --dhchap-ctrl-secret=${key("entry-ctrl")}`,
      `${closed} -S ${word("bad-entry")}`,
      `${word("stray")} ${closed}`,
      `# ${closed} -S ${key("comment")} -C ${word("comment")}`,
      "",
    ].join("\n"),
  );
  await write(
    "agent.log",
    `piece of ${key("log")}\nwrote nqn=a,dhchap_secret=${word("log")},tls and ${base64Of("log")}\n` +
      `ran nvme connect -S ${word("log-typed")} --dhchap-ctrl-secret ${word("log-typed")}\n`,
  );
  await write("internal/internal.json", JSON.stringify({ dhchap_secret: key("memory") }));
  await write("dev/kmsg", `3,1,1,-;nvme: dhchap_secret=${word("kernel")} ${key("kernel")}\n`);
  await write("sys/class/nvme/nvme0/state", "live\n");
  await write("sys/class/nvme/nvme0/transport", "tcp\n");
  await write("sys/class/nvme/nvme0/subsysnqn", `nqn.2024-01.org.example:${key("sysfs")}\n`);
  await write("sys/class/nvme/nvme0/dhchap_secret", `${key("sysfs")}\n`);
  await write("proc/cmdline", `quiet nvme_core.multipath=Y password=${word("sysfs")}\n`);
  return `${root}/settings.yaml`;
}

/** Answers a request on the control socket as an agent does that says too much. */
function talkativeAgent(path: string): Deno.HttpServer {
  const event = {
    time: "2026-01-01T00:00:00.000Z",
    kind: "connect",
    message: `dhchap_secret=${word("event")} ${key("event")}`,
  };
  return Deno.serve({ transport: "unix", path, onListen: () => {} }, (request) => {
    const isRecent = new URL(request.url).pathname === "/v1/recent";
    const text = JSON.stringify(isRecent ? { events: [event] } : { error: key("event") });
    return new Response(text, {
      status: isRecent ? 200 : 503,
      headers: { "content-length": `${text.length}` },
    });
  });
}

async function unpacked(file: string, to: string): Promise<Map<string, string>> {
  await Deno.mkdir(to);
  const { success, stderr } = await new Deno.Command("tar", { args: ["-xzf", file, "-C", to] }).output();
  assert(success, new TextDecoder().decode(stderr));
  const found = new Map<string, string>();
  const walk = async (directory: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(directory)) {
      const path = `${directory}/${name}`;
      if (isDirectory) await walk(path);
      else found.set(path.slice(to.length + 1).replace(/^[^/]*\//, ""), await Deno.readTextFile(path));
    }
  };
  await walk(to);
  return found;
}

Deno.test("doctor --bundle packs what a ticket needs, for its owner alone, and not one secret", async () => {
  await withDirectory(async (root) => {
    const config = await writeHost(root);
    const agent = talkativeAgent(`${root}/control.sock`);
    const file = `${root}/ticket.tar.gz`;
    const env = { DC_DHCHAPSECRET: key("environment") };
    const { stdout, stderr } = await runIn(["doctor", "--config", config, "--bundle", file], env, {
      hostRoot: root,
    })
      .finally(() => agent.shutdown());
    assert(/^discovery-client: Wrote .*ticket\.tar\.gz: \d+ files, \d+ bytes\n$/.test(stderr), stderr);
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    const left = [...Deno.readDirSync(root)].filter(({ name }) =>
      name.startsWith(".discovery-client-bundle")
    );
    assertEquals(left, [], "nothing temporary is left");

    const files = await unpacked(file, `${root}/unpacked`);
    const names = [...files.keys()].filter((name) => !name.startsWith("entries/0")).sort();
    assertEquals(names, [
      "contents.txt",
      "discovery-client.log",
      "doctor.json",
      "doctor.txt",
      "entries/names.txt",
      "events.jsonl",
      "internal.json",
      "kernel.log",
      "network.txt",
      "settings.json",
      "sysfs.txt",
      "versions.txt",
    ]);
    const stream = (await Deno.open(file)).readable.pipeThrough(new DecompressionStream("gzip"));
    const bytes = new TextDecoder().decode(await new Response(stream).arrayBuffer());
    for (const place of places) {
      for (
        const secret of [base64Of(place).slice(0, 12), word(place), word(place).replace("hunter", "DHHC-1")]
      ) {
        const where = [...files].find(([name, text]) => name.includes(secret) || text.includes(secret))?.[0];
        assert(
          !bytes.includes(secret) && !stdout.includes(secret),
          `the secret of ${place} is in ${where ?? "the head"}`,
        );
      }
    }
    // What is left of it still tells.
    const text = (name: string) => files.get(name) ?? "";
    assertEquals(JSON.parse(text("settings.json")).settings.dhChapSecret.value, "set");
    assert(text("events.jsonl").includes("[secret]") && text("kernel.log").includes("[secret]"));
    assert(/^\/sys\/class\/nvme\/nvme0\/state: live$/m.test(text("sysfs.txt")), text("sysfs.txt"));
    assert(
      text("contents.txt").includes("journalctl") && /status\.json: .*refused/.test(text("contents.txt")),
    );
    assert(
      text("versions.txt").includes("nvme_core.multipath=Y") && !text("versions.txt").includes("password"),
    );
    const entry = [...files].find(([name]) => name.startsWith("entries/001-"))?.[1] ?? "";
    assertEquals(entry.split("\n").map((line) => line.replace(/^.* -n \S+ ?/, "")), [
      "-S [secret] --dhchap-ctrl-secret=[secret]",
      "-S [secret]",
      "",
      "-S [secret] -C [secret]",
      "",
    ]);
    assertEquals(JSON.parse(text("doctor.json")).findings.length > 5, true);
  });
});

Deno.test("doctor --bundle replaces no file, and says so before it looks at anything", async () => {
  await withDirectory(async (root) => {
    await Deno.writeTextFile(`${root}/there`, "mine");
    const cases = [[`${root}/there`, "there is such a file"], [`${root}/no/such`, "there is no directory"], [
      "",
      "names no file",
    ]];
    for (const [file = "", words = ""] of cases) {
      const { status, stdout, stderr } = await runIn(["doctor", "--bundle", file], {}, { hostRoot: root });
      assertEquals([status, stdout], [2, ""], stderr);
      assert(stderr.includes(words), stderr);
    }
    assertEquals(await Deno.readTextFile(`${root}/there`), "mine");
  });
});

Deno.test("doctor --bundle packs what there is where the settings are of no use", async () => {
  await withDirectory(async (root) => {
    await Deno.writeTextFile(`${root}/settings.yaml`, `kato: many\ndhChapSecret: ${word("settings")}\n`);
    const file = `${root}/ticket.tar.gz`;
    const { status } = await runIn(["doctor", "--config", `${root}/settings.yaml`, "--bundle", file], {}, {
      hostRoot: root,
    });
    assertEquals(status, 1);
    const files = await unpacked(file, `${root}/unpacked`);
    assert(files.get("doctor.txt")!.includes("kato"), "the reason");
    assert(![...files.values()].some((text) => text.includes(word("settings"))), "a secret");
    assert(!files.has("settings.json"));
  });
});
