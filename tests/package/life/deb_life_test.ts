/** The life of the Debian package in a Debian of its own: it comes, is replaced by newer and older ones, and goes. */
import { assert, assertEquals } from "../../assert.ts";
import { packageDirectory } from "../package_files.ts";
import type { DebianRoot } from "./debian_root.ts";
import { makePackages, rootsWith } from "./made_packages.ts";
import {
  makePredecessorDeb,
  predecessorSettings,
  predecessorUnit,
  predecessorVersion,
} from "./predecessor_package.ts";

const settings = "etc/discovery-client/discovery-client.yaml";
const oldUnit = "etc/systemd/system/discovery-client.service";
const wants = "etc/systemd/system/multi-user.target.wants/discovery-client.service";
const ours = "/lib/systemd/system/discovery-client.service";
const defaults = await Deno.readTextFile(`${packageDirectory}/discovery-client.yaml`);
const entry = "-t tcp -a 10.0.0.1 -s 8009 -q nqn.2014-08.org.example:h -n nqn.2014-08.org.example:s\n";

/** What an agent that ran has left, and what others wrote. */
async function writeState(root: DebianRoot): Promise<void> {
  await root.write("etc/discovery-client/internal/internal.json", "{}\n", 0o600);
  await root.write("etc/discovery-client/discovery.d/csi", entry);
  await root.write("etc/discovery-client/discovery.d/detected-io-controllers", entry);
  await root.write("etc/systemd/system/discovery-client.service.d/site.conf", "[Service]\nNice=-5\n");
  await root.write("etc/nvme/hostid", "0b51d9f0-0000-4000-8000-000000000001\n");
  await root.write("var/log/discovery-client.log", "line\n");
}

const stateFiles = [
  "etc/discovery-client/internal/internal.json",
  "etc/discovery-client/discovery.d/csi",
  "etc/discovery-client/discovery.d/detected-io-controllers",
  "etc/systemd/system/discovery-client.service.d/site.conf",
  "etc/nvme/hostid",
  "var/log/discovery-client.log",
];

async function assertState(root: DebianRoot): Promise<void> {
  for (const file of stateFiles) assert(await root.has(file), file);
}

const packages = await makePackages("deb");
const predecessor = makePredecessorDeb(packages.directory);
addEventListener("unload", () => Deno.removeSync(packages.directory, { recursive: true }));

const withRoot = rootsWith(packages);

/** Files that came and are no others'; deb-systemd-helper keeps its directory, and the links' was not there before. */
async function leftBehind(root: DebianRoot, others: readonly string[] = []): Promise<string[]> {
  const helpers = /^(var\/lib\/systemd(\/.*)?|etc\/systemd\/system\/multi-user\.target\.wants)$/;
  return (await root.left()).filter((file) =>
    !helpers.test(file) && !others.some((other) => `${other}/`.startsWith(`${file}/`))
  );
}

const restarted = ["systemctl daemon-reload", "systemctl try-restart discovery-client.service"];

Deno.test("deb: install, upgrade, downgrade, remove, install again and purge leave state and settings alone, then nothing", async () => {
  await withRoot(async (root, { versions: [before, release, after] }) => {
    await root.dpkg("--install", before.deb);
    assertEquals(await root.asked(), ["systemctl daemon-reload", "systemctl start discovery-client.service"]);
    assertEquals(await root.link(), ours);
    assertEquals(await root.read(settings), defaults);
    assertEquals(await root.run("dpkg", "--verify", "discovery-client"), "");
    assert((await root.run("dpkg-query", "-W", "-f", "${Conffiles}", "discovery-client")).includes(settings));

    await writeState(root);
    await root.write(settings, "kato: 20\n");
    for (const { deb, version } of [release, after, release]) {
      await root.dpkg("--install", deb);
      assertEquals(await root.asked(), restarted, version);
      assertEquals(
        await root.run("dpkg-query", "-W", "-f", "${Status} ${Version}", "discovery-client"),
        `install ok installed 1:${version}`,
      );
      assertEquals(await root.read(settings), "kato: 20\n");
      assertEquals(await root.link(), ours);
      await assertState(root);
    }

    await root.run("dpkg", "--remove", "discovery-client");
    assertEquals(await root.asked(), ["systemctl stop discovery-client.service", "systemctl daemon-reload"]);
    assert(!await root.has("usr/bin/discovery-client"));
    assertEquals(await root.read(settings), "kato: 20\n");
    await assertState(root);

    await root.dpkg("--install", release.deb);
    assertEquals(await root.asked(), ["systemctl daemon-reload", "systemctl start discovery-client.service"]);
    assertEquals(await root.read(settings), "kato: 20\n");

    await root.run("dpkg", "--purge", "discovery-client");
    assertEquals((await root.asked())[0], "systemctl stop discovery-client.service");
    const others = [
      "etc/discovery-client/discovery.d/csi",
      "etc/systemd/system/discovery-client.service.d/site.conf",
      "etc/nvme/hostid",
    ];
    assertEquals(await leftBehind(root, others), []);
    for (const file of others) assert(await root.has(file), file);
  });
});

Deno.test("deb: what the operator has disabled stays so, and what is stopped is not started", async () => {
  await withRoot(async (root, { versions: [before, release] }) => {
    await root.dpkg("--install", before.deb);
    await Deno.remove(`${root.path}/${wants}`);
    await Deno.remove(`${root.path}/run/agent-runs`);
    await root.asked();
    await root.dpkg("--install", release.deb);
    assertEquals(await root.link(), null);
    assert(!await root.has("run/agent-runs"));
  });
});

Deno.test("deb: replaces the predecessor, whose settings, state, drop-ins and links stay in force, and gives way to it again", async () => {
  await withRoot(async (root, { versions: [before, release] }) => {
    await root.dpkg("--install", await predecessor);
    await Deno.mkdir(`${root.path}/etc/systemd/system/multi-user.target.wants`, { recursive: true });
    await Deno.symlink(`/${oldUnit}`, `${root.path}/${wants}`);
    await root.write("run/agent-runs", "");
    await writeState(root);
    assertEquals(await root.asked(), []);

    for (let round = 0; round < 2; round++) {
      const text = await root.dpkg("--install", before.deb);
      assert(!text.includes("Configuration file"), text);
      assertEquals(await root.asked(), restarted);
      assertEquals(await root.read(settings), predecessorSettings);
      assertEquals([await root.has(oldUnit), await root.has(`${oldUnit}.dpkg-bak`)], [false, false]);
      assert(!await root.has("var/lib/discovery-client"));
      assertEquals(await root.link(), ours);
      await assertState(root);
      assert(!await root.has("etc/systemd/system/discovery-client.service.d/predecessor-directories.conf"));
      assertEquals((await root.left()).filter((file) => /\.(dpkg-\w+|kept)$/.test(file)), []);

      await root.dpkg("--install", release.deb);
      assertEquals(await root.read(settings), predecessorSettings, "the next upgrade");
      await root.asked();
      await root.dpkg("--install", await predecessor);
      assertEquals(await root.read(oldUnit), predecessorUnit);
      assertEquals(await root.link(), `/${oldUnit}`);
      assertEquals(await root.read(settings), predecessorSettings);
      await assertState(root);
      await root.asked();
    }
  });
});

Deno.test("deb: of a predecessor that was changed by hand and not enabled, nothing is lost and nothing is enabled", async () => {
  await withRoot(async (root, { versions: [before] }) => {
    await root.dpkg("--install", await predecessor);
    const changed = predecessorSettings.replace(
      "/etc/discovery-client/internal/",
      "/var/lib/discovery/ # on a disk of its own",
    ).replace("/var/log/discovery-client.log", "/srv/log/dc.log");
    await root.write(settings, changed);
    await root.write(oldUnit, predecessorUnit.replace(" serve", " serve --kato 20"));
    await root.write("etc/systemd/system/multi-user.target.wants/other.service", "");
    await Deno.symlink("/lib/other", `${root.path}/etc/systemd/system/multi-user.target.wants/stacd.service`);
    const text = await root.dpkg("--install", before.deb);
    assertEquals(await root.read(settings), changed);
    assert((await root.read(`${oldUnit}.dpkg-bak`)).includes("--kato 20"));
    assert(
      /the unit had been changed here/.test(text) && /stacd \(nvme-stas\) is enabled too/.test(text),
      text,
    );
    assert(!/stafd \(/.test(text), text);
    assertEquals([await root.has(oldUnit), await root.link()], [false, null]);
    assertEquals(
      await root.read("etc/systemd/system/discovery-client.service.d/predecessor-directories.conf"),
      "# Written when the predecessor's package was replaced, from its settings.\n[Service]\n" +
        "ReadWritePaths=-/var/lib/discovery/\nReadWritePaths=-/srv/log\n",
    );
  });
});

Deno.test("deb: an upgrade that fails in the middle leaves the predecessor, or copied settings, as they were", async () => {
  await withRoot(async (root, { versions: [before] }) => {
    await root.dpkg("--install", await predecessor);
    await root.write(
      "blocker/DEBIAN/control",
      "Package: blocker\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: has a file of ours\n",
    );
    await root.write("blocker/usr/share/man/man5/discovery.d.5.gz", "");
    await root.run("dpkg-deb", "--build", "/blocker", "/blocker.deb");
    await root.run("dpkg", "--install", "/blocker.deb");
    await Deno.copyFile(before.deb, `${root.path}/package.deb`);
    await root.asked();
    const { code, text } = await root.attempt("dpkg", "--install", "/package.deb");
    assert(code !== 0 && text.includes("trying to overwrite"), text);
    assertEquals(await root.read(settings), predecessorSettings);
    assertEquals(await root.read(oldUnit), predecessorUnit);
    assertEquals(
      await root.run("dpkg-query", "-W", "-f", "${Status} ${Version}", "discovery-client"),
      `install ok installed ${predecessorVersion}`,
    );
    assertEquals((await root.left()).filter((file) => /\.(dpkg-\w+|kept)$/.test(file)), []);
    assertEquals((await root.asked()).filter((line) => /start|stop/.test(line)), []);

    await root.run("dpkg", "--purge", "discovery-client");
    await root.write(settings, "kato: 20\n");
    assert((await root.attempt("dpkg", "--install", "/package.deb")).code !== 0);
    assertEquals(await root.read(settings), "kato: 20\n");
  });
});

Deno.test("deb: takes the place of programs that were copied, and of settings that were removed, without a question", async () => {
  await withRoot(async (root, { versions: [before] }) => {
    // By hand: program, unit and settings are nobody's.
    await root.write("usr/bin/discovery-client", "#!/bin/sh\n", 0o755);
    await root.write(oldUnit, predecessorUnit);
    await root.write(settings, "internalDir: /srv/memory\n");
    const text = await root.dpkg("--install", before.deb);
    assert(!text.includes("Configuration file"), text);
    assert(text.includes(`/${oldUnit} hides the unit of this package`), text);
    assertEquals(await root.read(settings), "internalDir: /srv/memory\n");
    assert(
      (await root.read("etc/systemd/system/discovery-client.service.d/predecessor-directories.conf"))
        .endsWith("ReadWritePaths=-/srv/memory\n"),
    );
    assertEquals(await root.read(oldUnit), predecessorUnit);
    await root.run("dpkg", "--purge", "discovery-client");
    await Deno.remove(`${root.path}/${oldUnit}`);

    await root.dpkg("--install", await predecessor);
    await Deno.remove(`${root.path}/${settings}`);
    assert(!(await root.dpkg("--install", before.deb)).includes("Configuration file"));
    assertEquals(await root.read(settings), defaults);
  });
});

Deno.test("deb: comes and goes where there is no systemd", async () => {
  await withRoot(async (root, { versions: [before, release] }) => {
    await Deno.remove(`${root.path}/run/systemd`, { recursive: true });
    await Deno.remove(`${root.path}/usr/bin/systemctl`);
    await root.dpkg("--install", before.deb);
    assertEquals(await root.link(), ours);
    await root.dpkg("--install", release.deb);
    await root.run("dpkg", "--purge", "discovery-client");
    assertEquals([await root.asked(), await root.link()], [[], null]);
    assertEquals(await leftBehind(root), []);
  });
});
