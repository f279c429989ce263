/**
 * Controllers as sysfs spells them. Any text makes a controller; what the kernel writes is read back; endpoints that
 * are deduced from controllers can be written into an entry file and read again.
 */
import { isIpAddress, parsePort } from "../../../src/base/address.ts";
import { detectEntries } from "../../../src/config/detected_entries.ts";
import { parseEntryFile } from "../../../src/config/entry_file.ts";
import { formatEntryFile } from "../../../src/config/entry_line.ts";
import { parseController, parseControllerAddress, parseControllerState } from "../../../src/io/sysfs.ts";
import type { ControllerAddress } from "../../../src/model/controller.ts";
import { isSamePath } from "../../../src/model/path.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawAddress, drawNqn, drawPort, drawUuid } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateText } from "../mutate.ts";

const tokens: readonly [token: string, key: keyof ControllerAddress][] = [
  ["traddr", "traddr"],
  ["trsvcid", "trsvcid"],
  ["host_traddr", "hostTraddr"],
  ["host_iface", "hostIface"],
  ["src_addr", "srcAddr"],
];
const stateWords = [
  "live",
  "new",
  "connecting",
  "resetting",
  "deleting",
  "deleting (no IO)",
  "dead",
  "toString",
];
const options = { subsystemMatch: [""], discoveryServicePort: 8009 };

function tryInput(choices: Choices): void {
  const address: Record<string, string> = { traddr: drawAddress(choices), trsvcid: drawPort(choices).trim() };
  for (const [, key] of tokens.slice(2)) if (choices.once(2)) address[key] = drawAddress(choices) || "x";
  const text = tokens.flatMap(([token, key]) => address[key] === undefined ? [] : `${token}=${address[key]}`)
    .join();
  // A value with a comma is none that the kernel takes.
  if (!Object.values(address).some((value) => /[,\s=]/.test(value))) {
    checkSame(parseControllerAddress(text), address as unknown as ControllerAddress, "Written and read");
  }
  const spoil = (valid: string) => choices.once(3) ? mutateText(choices, valid).trim() : valid;
  const optional = (valid: string) => choices.once(8) ? undefined : spoil(valid);
  const texts = {
    transport: choices.once(6) ? spoil("rdma") : "tcp",
    subsysnqn: choices.once(8) ? "(null)" : spoil(drawNqn(choices)),
    address: optional(text),
    hostnqn: optional(drawNqn(choices)),
    hostid: optional(drawUuid(choices)),
    cntlid: optional(String(choices.edgy(0x10000))),
    cntrltype: optional(choices.pick(["io", "discovery", "admin"])),
  };
  choices.note("attributes", texts);
  const state = parseControllerState(spoil(choices.pick(stateWords)));
  check(/^(new|live|resetting|connecting|deleting|dead|unknown)$/.test(state), () => `State ${state}`);
  const controller = parseController("nvme7", state, texts);
  check(!["(null)", "(efault)"].includes(controller.subsysnqn), "Subsystem without name");
  check(
    controller.instance === 7 && (controller.cntlid ?? 0) < 100_000,
    () => `Numbers ${controller.cntlid}`,
  );
  checkDetected(controller);
}

function checkDetected(controller: ReturnType<typeof parseController>): void {
  const { entries, skipped } = detectEntries([controller], options);
  check(entries.length + skipped.length <= 1, "One controller, several endpoints");
  for (const { reason } of skipped) {
    check(/^[\x20-\x7e]{5,200}$/.test(reason), () => `In odd words: ${reason}`);
  }
  if (entries.length === 0) return;
  const again = parseEntryFile("f", new TextEncoder().encode(formatEntryFile(entries)));
  checkSame(again.errors, [], "A detected endpoint is written as a bad line");
  checkSame(again.entries.map(({ origin: _origin, ...entry }) => entry), [...entries], "Written and read");
  // A path made of the controller's own words is the controller's path.
  const { traddr, trsvcid } = controller.address;
  const port = parsePort(trsvcid);
  if (port === undefined || !isIpAddress(traddr)) return;
  const { hostnqn = "", subsysnqn } = controller;
  const path = { transport: "tcp" as const, hostnqn, subsysnqn, traddr, trsvcid: port, options: {} };
  check(isSamePath(controller, path as never), "A controller is not on its own path");
}

export const sysfs: FuzzTarget = { name: "sysfs", tryInput };
