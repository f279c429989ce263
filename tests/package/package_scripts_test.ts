/** What packages run as root when they come and go: shell that parses, and nothing that could touch a controller. */
import { assert, assertEquals } from "../assert.ts";
import { debianScripts, packageDirectory, rpmScripts } from "./package_files.ts";

const scripts = new Map([...debianScripts(), ...rpmScripts()]);

/** Without comments and without words that are only printed. */
function commandsOf(text: string): string {
  return text.replace(/<<'SETTINGS'[^]*?^SETTINGS$/m, "").replace(/^\s*#.*$/gm, "").replace(
    /\becho (?:[^\n]*\\\n)*[^\n]*/g,
    "echo",
  );
}

Deno.test("package scripts are all there, and a shell parses each", async () => {
  assertEquals([...scripts.keys()], [
    "preinst",
    "postinst",
    "prerm",
    "postrm",
    "%pre",
    "%post",
    "%preun",
    "%postun",
    "%posttrans",
  ]);
  for (const [name, text] of scripts) {
    const child = new Deno.Command("sh", { args: ["-n"], stdin: "piped", stderr: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const { success, stderr } = await child.output();
    assert(success, `${name}: ${new TextDecoder().decode(stderr)}`);
    assert(!text.includes("#TRANSITION#"), name);
  }
});

/** What disconnects a controller, or kills who holds one; and who could do so when called. */
const forbidden =
  /disconnect|delete_controller|nvme-fabrics|\/sys\/|\bnvme\b(?!-)|modprobe|rmmod|umount|\bkill|--force|isolate|remote-fs|\/usr\/bin\/discovery-client/;

Deno.test("package scripts hold no command that could touch a live controller", () => {
  for (const [name, text] of scripts) {
    assertEquals(forbidden.exec(commandsOf(text))?.[0], undefined, name);
  }
  for (
    const bad of [
      "nvme disconnect-all",
      "echo 1 >/sys/class/nvme/nvme0/delete_controller",
      "rmmod nvme_tcp",
      "/usr/bin/discovery-client disconnect-all",
    ]
  ) {
    assert(forbidden.test(commandsOf(`true\n  ${bad}\n`).replace("echo", bad)), `the check finds: ${bad}`);
  }
});

Deno.test("package scripts have systemd do no more than start, stop and replace the agent", () => {
  const verbs = new Set<string>();
  for (const text of scripts.values()) {
    for (
      const [, verb = ""] of commandsOf(text).matchAll(
        /(?:systemctl|deb-systemd-invoke)(?: --[\w-]+)* ([\w-]+)/g,
      )
    ) verbs.add(verb);
  }
  assertEquals([...verbs].sort(), ["daemon-reload", "disable", "preset", "start", "stop", "try-restart"]);
});

Deno.test("package's exceptions for lintian and rpmlint each stand below a reason", async () => {
  for (const file of ["deb/lintian-overrides", "rpm/rpmlint.toml"]) {
    const lines = (await Deno.readTextFile(`${packageDirectory}/${file}`)).split("\n");
    const exceptions = lines.flatMap((line, at) => /^(discovery-client: |\s+")/.test(line) ? [at] : []);
    assert(exceptions.length > 3, file);
    for (const at of exceptions) {
      let above = at - 1;
      while (exceptions.includes(above)) above--;
      assert(/^\s*# \w/.test(lines[above] ?? ""), `${file}:${at + 1}`);
    }
  }
});
