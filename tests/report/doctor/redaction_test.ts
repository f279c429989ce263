import { redactEntryFile, redactLog, redactText } from "../../../src/report/doctor/redaction.ts";
import { assert, assertEquals } from "../../assert.ts";

const key = `DHHC-1:00:${btoa("s".repeat(36))}:`;
const base64 = key.slice(10, -1);

Deno.test("redactText() hides values that are known, and keys by their form", () => {
  assertEquals(redactText("a hunter2 b hunter22", ["hunter2", "hunter22"]), "a [secret] b [secret]");
  assertEquals(redactText(`"x": "${key}", y`, []), '"x": "[secret]", y');
  assertEquals(redactText("NVMeTLSkey-1:01:abcd: and dhhc-1:00:x", []), "[secret] and [secret]");
  assertEquals(redactText("expected DHHC-1:hh:Base64: of a key", []), "expected DHHC-1:hh:Base64: of a key");
});

Deno.test("redactText() hides what stands where a secret belongs, whatever it looks like", () => {
  assertEquals(
    redactText("nqn=a,dhchap_secret=hunter2,dhchap_ctrl_secret=hunter3,tls", []),
    "nqn=a,dhchap_secret=[secret],dhchap_ctrl_secret=[secret],tls",
  );
  assertEquals(
    redactText("dhChapSecret: hunter2\ndhChapCtrlSecret: 'hunter3'", []),
    "dhChapSecret: [secret]\ndhChapCtrlSecret: '[secret]'",
  );
  assertEquals(redactText('--dhchap-secret "hunter2" -p', []), '--dhchap-secret "[secret]" -p');
});

Deno.test("redactText() leaves words about secrets, and JSON, as they are", () => {
  const text =
    '{"dhChapSecret": {"value": "set"}, "advice": "dhChapSecret in the settings, -S in the entry"}';
  assertEquals(redactText(text, []), text);
});

Deno.test("redactLog() hides what people typed and keys out of their form, and no names", () => {
  assertEquals(
    redactLog("nvme connect -S hunter2 -C=hunter3 -q nqn", []),
    "nvme connect -S [secret] -C=[secret] -q nqn",
  );
  assertEquals(redactLog(`key ${base64} end`, []), "key [secret] end");
  const nqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff at 10.0.0.1:8009";
  assertEquals(redactLog(nqn, []), nqn);
});

Deno.test("redactEntryFile() keeps lines in their places, and of each what is harmless", () => {
  const lines: readonly [line: string, shown: string][] = [
    ["# one cluster", "# one cluster"],
    ["", ""],
    ["-t tcp  -a 10.0.0.1 -s 8009 -q nqn.h -n nqn.s -p", "-t tcp -a 10.0.0.1 -s 8009 -q nqn.h -n nqn.s -p"],
    [`-a 10.0.0.1 -S ${key} -C ${key}`, "-a 10.0.0.1 -S [secret] -C [secret]"],
    ["-S hunter2 --dhchap_ctrl_secret=hunter2 -p", "-S [secret] --dhchap_ctrl_secret=[secret] -p"],
    ["-Shunter2 -S=hunter2 -pgShunter2 -pC hunter2", "-S[secret] -S=[secret] -pgS[secret] -pC [secret]"],
    ["-S -hunter2 -S --hunter2", "-S [secret] -S [secret]"],
    ["-S -p -a 10.0.0.1", "-S -p -a 10.0.0.1"],
    ["hunter2 -a 10.0.0.1 hunter2", "[not shown] -a 10.0.0.1 [not shown]"],
    ["--secret hunter2 --pass=hunter2 -Xhunter2", "--secret [not shown] --pass=[not shown] -[not shown]"],
    [`-n ${key} --hostid="${key}"`, "-n [secret] --hostid=[secret]"],
    ['-S "hunter2', "[a line of 11 characters with a quote that nobody closes]"],
    [`-a 10.0.0.1 # -S ${key}`, "-a 10.0.0.1"],
    [`# -a 10.0.0.1 -S hunter2 ${key} ${base64}`, "# -a 10.0.0.1 -S [secret] [secret] [secret]"],
    ["--tls --tls-key 0x1234", "--tls --tls-key [secret]"],
  ];
  const shown = redactEntryFile(lines.map(([line]) => line).join("\n"), []);
  assertEquals(shown.split("\n"), lines.map(([, line]) => line));
  assert(!shown.includes("unter2"));
});
