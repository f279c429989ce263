/** The life of the RPM, by rpm itself, in a root where its scripts run. */
import { assert, assertEquals } from "../../assert.ts";
import { packageDirectory } from "../package_files.ts";
import type { DebianRoot } from "./debian_root.ts";
import { makePackages, rootsWith } from "./made_packages.ts";
import { makePredecessorRpm, predecessorSettings, predecessorUnit } from "./predecessor_package.ts";

const settings = "etc/discovery-client/discovery-client.yaml";
const oldUnit = "etc/systemd/system/discovery-client.service";
const wants = "etc/systemd/system/multi-user.target.wants/discovery-client.service";
const ours = "/usr/lib/systemd/system/discovery-client.service";
const memory = "etc/discovery-client/internal/internal.json";
const entryFile = "etc/discovery-client/discovery.d/csi";
const dropin = "etc/systemd/system/discovery-client.service.d/site.conf";

const packages = await makePackages("rpm");
const predecessor = makePredecessorRpm(packages.directory);
addEventListener("unload", () => Deno.removeSync(packages.directory, { recursive: true }));

const withRoot = rootsWith(packages);

async function writeState(root: DebianRoot): Promise<void> {
  await root.write(memory, "{}\n", 0o600);
  await root.write(
    entryFile,
    "-t tcp -a 10.0.0.1 -q nqn.2014-08.org.example:h -n nqn.2014-08.org.example:s\n",
  );
  await root.write(dropin, "[Service]\nNice=-5\n");
}

async function assertState(root: DebianRoot): Promise<void> {
  for (const file of [memory, entryFile, dropin]) assert(await root.has(file), file);
}

/** What `rpm -V` says of changed files; nothing is said of what is as it came. */
async function changed(root: DebianRoot): Promise<string[]> {
  const { text } = await root.rpmVerify();
  return text.split("\n").filter((line) =>
    line !== "" && !line.startsWith("Unsatisfied") && !/ is needed by /.test(line)
  );
}

Deno.test("rpm: install, upgrade, downgrade and erase leave settings and state alone, and disturb no agent but their own", async () => {
  await withRoot(async (root, { versions: [before, release, after] }) => {
    await root.rpm("-i", before.rpm);
    assertEquals(await root.asked(), [
      "systemctl daemon-reload",
      "systemctl --no-reload preset discovery-client.service",
      "systemctl daemon-reload",
      "systemctl try-restart discovery-client.service",
    ]);
    assertEquals(
      await root.read(settings),
      await Deno.readTextFile(`${packageDirectory}/discovery-client.yaml`),
    );
    assertEquals(await changed(root), []);

    await writeState(root);
    await root.write(settings, "kato: 20\n");
    for (const { rpm, version } of [release, after, release]) {
      await root.rpm("-U", "--oldpackage", rpm);
      const asked = await root.asked();
      assertEquals(asked.filter((line) => !line.endsWith(" daemon-reload")), [
        "systemctl try-restart discovery-client.service",
      ], version);
      assertEquals(await root.rpm("-q", "--qf", "%{epoch}:%{version}", "discovery-client"), `1:${version}`);
      assertEquals(await root.read(settings), "kato: 20\n");
      assertEquals((await changed(root)).map((line) => line.replace(/^\S+ +/, "")), [`c /${settings}`]);
      await assertState(root);
    }

    await root.rpm("-e", "discovery-client");
    assertEquals(await root.asked(), [
      "systemctl --no-reload disable --now discovery-client.service",
      "systemctl daemon-reload",
    ]);
    assert(!await root.has("usr/bin/discovery-client"));
    assertEquals(await root.read(`${settings}.rpmsave`), "kato: 20\n");
    await assertState(root);
    // Directories of man pages and of systemd are other packages'.
    const kept = [
      memory,
      entryFile,
      dropin,
      `${settings}.rpmsave`,
      "usr/lib/modules-load.d",
      "usr/share/licenses",
      "usr/share/man/man5",
    ];
    assertEquals(
      (await root.left()).filter((file) =>
        !kept.some((other) => `${other}/`.startsWith(`${file}/`)) &&
        !/multi-user\.target\.wants$|share\/man\/man8$/.test(file)
      ),
      [],
    );
  });
});

Deno.test("rpm: replaces the predecessor, whose settings, state, drop-ins and links stay in force, and gives way to it again", async () => {
  for (const hand of ["", "cores: [0]\n"]) {
    await withRoot(async (root, { versions: [before, release] }) => {
      const inForce = predecessorSettings + hand;
      await root.rpm("-i", await predecessor);
      if (hand !== "") await root.write(settings, inForce);
      await Deno.mkdir(`${root.path}/etc/systemd/system/multi-user.target.wants`, { recursive: true });
      await Deno.symlink(`/${oldUnit}`, `${root.path}/${wants}`);
      await writeState(root);
      assertEquals(await root.asked(), []);

      await root.rpm("-U", before.rpm);
      const asked = await root.asked();
      assertEquals(asked.at(-2), "systemctl daemon-reload");
      assertEquals(asked.filter((line) => !line.endsWith(" daemon-reload")), [
        "systemctl try-restart discovery-client.service",
      ]);
      assertEquals(await root.read(settings), inForce);
      assertEquals(await root.read(`${oldUnit}.rpmsave`), predecessorUnit);
      assertEquals([await root.has(oldUnit), await root.link()], [false, ours]);
      assert(!await root.has("var/lib/discovery-client/docs"));
      await assertState(root);

      await root.rpm("-U", release.rpm);
      assertEquals([await root.read(settings), await root.link()], [inForce, ours]);
      await root.rpm("-U", "--oldpackage", await predecessor);
      assertEquals([await root.read(settings), await root.link()], [inForce, `/${oldUnit}`]);
      assertEquals(await root.read(oldUnit), predecessorUnit);
      await assertState(root);
    });
  }
});

Deno.test("rpm: lets the agent write where the predecessor's settings have it write, and warns of its rivals", async () => {
  await withRoot(async (root, { versions: [before] }) => {
    await root.rpm("-i", await predecessor);
    await root.write(
      settings,
      predecessorSettings.replace("/etc/discovery-client/internal/", '"/var/lib/dc"'),
    );
    await Deno.mkdir(`${root.path}/etc/systemd/system/multi-user.target.wants`, { recursive: true });
    await Deno.symlink("/x", `${root.path}/etc/systemd/system/multi-user.target.wants/stafd.service`);
    await Deno.symlink(
      "/x",
      `${root.path}/etc/systemd/system/multi-user.target.wants/nvme-discoverd.service`,
    );
    const text = await root.rpm("-U", before.rpm);
    for (const rival of ["stafd (nvme-stas)", "nvme-discoverd (nvme-cli)"]) {
      assert(text.includes(`${rival} is enabled too`), text);
    }
    assert(
      (await root.read("etc/systemd/system/discovery-client.service.d/predecessor-directories.conf"))
        .endsWith("[Service]\nReadWritePaths=-/var/lib/dc\n"),
    );
    assertEquals(await root.link(), null);
  });
});
