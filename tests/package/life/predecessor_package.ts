/**
 * Packages with the layout of the predecessor's: its unit and its settings in /etc, no scripts. The contents are ours,
 * and its program is one that does nothing.
 */
import { run } from "./command.ts";

export const predecessorVersion = "3.11.1-1";

/** Its keys and values, as its documentation has them. */
export const predecessorSettings = `# settings of the predecessor
clientConfigDir: /etc/discovery-client/discovery.d/
internalDir: /etc/discovery-client/internal/
reconnectInterval: 5s
maxIOQueues: 0
kato: 10
logging:
  filename: "/var/log/discovery-client.log"
  maxAge: 96h
  level: info
debug:
  metrics: true
  endpoint: "[::]:6060"
`;

export const predecessorUnit = `[Unit]
Description=NVMe/TCP Discovery Client
[Service]
Type=notify
ExecStart=/usr/bin/discovery-client serve
KillMode=process
[Install]
WantedBy=multi-user.target
`;

const files: Readonly<Record<string, readonly [text: string, mode: number]>> = {
  "usr/bin/discovery-client": ["#!/bin/sh\nexit 0\n", 0o755],
  "etc/systemd/system/discovery-client.service": [predecessorUnit, 0o644],
  "etc/discovery-client/discovery-client.yaml": [predecessorSettings, 0o644],
  "var/lib/discovery-client/docs/README.md": ["The predecessor\n", 0o644],
};

async function stage(path: string): Promise<void> {
  for (const [file, [text, mode]] of Object.entries(files)) {
    const to = `${path}/${file}`;
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(to, text);
    await Deno.chmod(to, mode);
  }
}

/** As alien and debhelper make it of the RPM: what is in /etc is a conffile. */
export async function makePredecessorDeb(directory: string): Promise<string> {
  const path = `${directory}/predecessor-deb`;
  await stage(path);
  await Deno.mkdir(`${path}/DEBIAN`);
  const conffiles = Object.keys(files).filter((file) => file.startsWith("etc/")).map((file) => `/${file}\n`);
  await Deno.writeTextFile(`${path}/DEBIAN/conffiles`, conffiles.join(""));
  await Deno.writeTextFile(
    `${path}/DEBIAN/control`,
    `Package: discovery-client\nVersion: ${predecessorVersion}\nArchitecture: amd64\nSection: alien\nPriority: extra\n` +
      "Maintainer: tester <tester@example.com>\nDescription: NVMe/TCP Discovery Client\n",
  );
  const file = `${directory}/predecessor.deb`;
  await run("dpkg-deb", ["--root-owner-group", "-Zgzip", "--build", path, file]);
  return file;
}

export async function makePredecessorRpm(directory: string): Promise<string> {
  const path = `${directory}/predecessor-rpm`;
  await stage(path);
  const [version, release] = predecessorVersion.split("-");
  const spec = `${directory}/predecessor.spec`;
  await Deno.writeTextFile(
    spec,
    `Name: discovery-client\nVersion: ${version}\nRelease: ${release}\nSummary: NVMe/TCP Discovery Client\n` +
      "License: none\nAutoReqProv: no\n%description\nDiscovery client for NVMe/TCP initiators.\n" +
      `%install\ncp -a ${path}/. %{buildroot}/\n%files\n%defattr(-,root,root,-)\n/var/lib/discovery-client/docs\n` +
      "/usr/bin/discovery-client\n/etc/systemd/system/discovery-client.service\n" +
      "%config(noreplace) /etc/discovery-client\n",
  );
  const rpms = `${directory}/predecessor-rpms`;
  await run("rpmbuild", [
    "-bb",
    "--target",
    "x86_64",
    "--define",
    `_topdir ${directory}/predecessor-build`,
    "--define",
    `_rpmdir ${rpms}`,
    spec,
  ]);
  return `${rpms}/x86_64/discovery-client-${predecessorVersion}.x86_64.rpm`;
}
