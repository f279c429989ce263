import type { Verdict } from "../../../src/report/doctor/finding.ts";
import { checkRivals, kernelFindings, type KernelReading } from "../../../src/report/doctor/kernel_checks.ts";
import { assert, assertEquals } from "../../assert.ts";

const well: KernelReading = {
  release: "6.12.48",
  hasDevice: true,
  hasTcpModule: true,
  options: new Set(["traddr", "dhchap_secret", "tls", "host_iface", "fast_io_fail_tmo"]),
  multipath: "Y",
  clockInStep: true,
  wallMs: Date.UTC(2026, 10, 23),
};

interface Row {
  readonly name: string;
  readonly reading: Partial<KernelReading>;
  readonly check: string;
  readonly verdict: Verdict;
  readonly words: RegExp;
}

const rows: Row[] = [
  {
    name: "a module that is missing",
    reading: { hasTcpModule: false, hasDevice: false, options: null },
    check: "modules",
    verdict: "failure",
    words: /nvme_tcp is not loaded, \/dev\/nvme-fabrics is not there/,
  },
  {
    name: "a device that nobody made",
    reading: { hasDevice: false, options: null },
    check: "modules",
    verdict: "failure",
    words: /^No path can be connected: \/dev\/nvme-fabrics is not there$/,
  },
  {
    name: "that options are for root to ask",
    reading: { options: null, deviceCode: "EACCES" },
    check: "version and options",
    verdict: "skipped",
    words: /root/,
  },
  {
    name: "a device that cannot be opened",
    reading: { options: null, deviceCode: "EIO" },
    check: "version and options",
    verdict: "failure",
    words: /EIO/,
  },
  {
    name: "what an older kernel does without",
    reading: { options: new Set(["traddr", "host_iface", "fast_io_fail_tmo"]) },
    check: "version and options",
    verdict: "ok",
    words: /takes 3 options; without DH-CHAP, TLS$/,
  },
  {
    name: "a kernel that does not tell its options",
    reading: { options: null },
    check: "version and options",
    verdict: "ok",
    words: /before 5\.17/,
  },
  {
    name: "a kernel that takes secrets and ignores them",
    reading: { authenticates: false },
    check: "version and options",
    verdict: "warning",
    words: /CONFIG_NVME_HOST_AUTH/,
  },
  {
    name: "multipath that is off",
    reading: { multipath: "N" },
    check: "native multipath",
    verdict: "warning",
    words: /^Off/,
  },
  {
    name: "multipath that is unknown",
    reading: { multipath: null },
    check: "native multipath",
    verdict: "skipped",
    words: /nvme_core/,
  },
  {
    name: "a clock that is years behind",
    reading: { wallMs: Date.UTC(1970, 0, 2) },
    check: "clock",
    verdict: "warning",
    words: /1970-01-02T00:00:00Z, which is past/,
  },
  {
    name: "a clock that nobody keeps",
    reading: { clockInStep: false },
    check: "clock",
    verdict: "warning",
    words: /nothing keeps it/,
  },
  {
    name: "a clock of which nobody tells",
    reading: { clockInStep: null },
    check: "clock",
    verdict: "ok",
    words: /^It says 2026-/,
  },
];

Deno.test("kernelFindings() finds nothing wrong with a host that is well", () => {
  assertEquals(kernelFindings(well).map(({ verdict }) => verdict), ["ok", "ok", "ok", "ok"]);
});

for (const { name, reading, check, verdict, words } of rows) {
  Deno.test(`kernelFindings() tells ${name}`, () => {
    const found = kernelFindings({ ...well, ...reading }).find((finding) => finding.check === check);
    assertEquals(found?.verdict, verdict, JSON.stringify(found));
    assert(words.test(found!.message), found!.message);
    assertEquals(
      found!.advice !== undefined,
      verdict === "failure" || verdict === "warning",
      "advice where there is trouble",
    );
  });
}

Deno.test("checkRivals() tells who connects as well, and leaves rules alone that have nothing to act on", () => {
  const file = "/usr/lib/udev/rules.d/70-nvmf-autoconnect.rules";
  assertEquals(checkRivals([], []).verdict, "ok");
  const rules = checkRivals([{ name: "udev's rules", file }], []);
  assertEquals([rules.verdict, rules.message.includes(file)], ["ok", true]);
  const acting = checkRivals([{ name: "udev's rules", file }], ["nvme3"]);
  assertEquals(acting.verdict, "warning");
  assert(acting.message.includes("nvme3") && acting.message.includes(file), acting.message);
  const stas = checkRivals([{ name: "stacd", pid: 77 }], []);
  assertEquals(stas.verdict, "warning");
  assert(stas.message.startsWith("stacd (pid 77)"), stas.message);
});
