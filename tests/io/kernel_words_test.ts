import { errorText, KernelError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { explainConnect, wordsAboutConnect } from "../../src/io/kernel_words.ts";
import type { KernelLog, KernelMessage } from "../../src/model/world.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

const nqn = "nqn.2024-01.io.example:a";
const other = "nqn.2024-01.io.example:b";
const hostnqn = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const secret = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const options = `nqn=${nqn},transport=tcp,traddr=10.0.0.1,trsvcid=4420,hostnqn=${hostnqn}`;

const error = (text: string): KernelMessage => ({ severity: 3, text });
const words = (messages: KernelMessage[], more = "", before: string[] = []) =>
  wordsAboutConnect(messages, { options: `${options}${more}`, before: new Set(before) });

Deno.test("wordsAboutConnect() takes what names this connect, and what the same controller says beside it", () => {
  assertEquals(
    words([
      error(`nvme nvme4: Connect Invalid Data Parameter, subsysnqn "${other}"`),
      error("nvme nvme4: failed to connect queue: 0 ret=16770"),
      error(`nvme nvme3: Connect Invalid Data Parameter, subsysnqn "${nqn}"`),
      error("nvme nvme3: failed to connect queue: 0 ret=16770"),
    ]),
    [
      `Connect Invalid Data Parameter, subsysnqn "${nqn}"`,
      "failed to connect queue: 0 ret=16770",
    ],
  );
});

Deno.test("wordsAboutConnect() follows a controller's number from one connect to the next", () => {
  assertEquals(
    words([
      error(`nvme nvme3: Connect rejected, subsysnqn "${other}"`),
      error("nvme nvme3: their end"),
      error(`nvme nvme3: Connect rejected, subsysnqn "${nqn}"`),
      error("nvme nvme3: our end"),
    ]),
    [`Connect rejected, subsysnqn "${nqn}"`, "our end"],
  );
});

Deno.test("wordsAboutConnect() leaves out what is said of controllers that were there before", () => {
  const messages = [
    error("nvme nvme0: starting error recovery"),
    error("nvme nvme1: failed nobody knows how."),
  ];
  assertEquals(words(messages, "", ["nvme0"]), ["failed nobody knows how"]);
});

Deno.test("wordsAboutConnect() leaves the same subsystem at another address out", () => {
  const messages = [
    error(`nvme nvme0: new ctrl: NQN "${nqn}", addr 10.0.0.2:4420, hostnqn: ${hostnqn}`),
    error("nvme nvme0: something of it"),
    error(`nvme nvme1: cannot make ctrl: NQN "${nqn}", addr 10.0.0.1:4420, hostnqn: ${hostnqn}`),
  ];
  assertEquals(words(messages), [messages[2]?.text.replace("nvme nvme1: ", "")]);
});

Deno.test("wordsAboutConnect() takes what nvme-fabrics says of options and hosts", () => {
  const told = [
    error("nvme_fabrics: unknown parameter or missing value 'tls' in ctrl creation request"),
    error(`nvme_fabrics: found same hostid but different hostnqn ${hostnqn}`),
  ];
  assertEquals(words(told), told.map(({ text }) => text));
  assertEquals(words([error(`nvme_fabrics: found same hostid but different hostnqn ${other}`)]), []);
});

Deno.test("wordsAboutConnect() leaves out what is no warning, what the errno says already, and repetitions", () => {
  assertEquals(
    words([
      { severity: 6, text: "nvme nvme1: creating 2 I/O queues." },
      error("nvme nvme1: failed to connect socket: -111"),
      { severity: 4, text: "nvme_fabrics: ctrl_loss_tmo < 0 will reconnect forever" },
      error("nvme nvme1: twice"),
      error("nvme nvme1: twice"),
    ]),
    ["twice"],
  );
});

Deno.test("wordsAboutConnect() shows no secret, whether the kernel repeats it whole or in part", () => {
  const bad = "not-the-form-of-one";
  const found = words(
    [
      error(`nvme_fabrics: Invalid DH-CHAP secret ${secret}`),
      error(`nvme_fabrics: Invalid DH-CHAP secret ${bad}`),
      error(
        `nvme_fabrics: unknown parameter or missing value 'dhchap_ctrl_secret=${bad}' in ctrl creation request`,
      ),
      error(`nvme_fabrics: ${bad} it is`),
    ],
    `,dhchap_secret=${secret},dhchap_ctrl_secret=${bad}`,
  ).join("\n");
  assert(!found.includes(bad) && !found.includes("ia6zGod") && !/DHHC/.test(found), found);
  assert(found.includes("unknown parameter or missing value 'dhchap_ctrl_secret=[secret]'"), found);
});

Deno.test("wordsAboutConnect() bounds lines and characters; the last ones count most", () => {
  const many = Array.from({ length: 50 }, (_, at) => error(`nvme nvme1: line ${at}`));
  assertEquals(words(many), [46, 47, 48, 49].map((at) => `line ${at}`));
  const long = error(`nvme nvme1: ${"x".repeat(2_000)}`);
  assertEquals(words([long, error("nvme nvme1: end")]), ["end"]);
  assertEquals(words([long])[0]?.length, limits.kernelWordsCharsMax + 1);
});

/** A kernel's log that says this of a connect. */
function logOf(...texts: string[]): KernelLog & { closed: number } {
  return {
    closed: 0,
    listen() {
      return { take: () => texts.map(error), close: () => void this.closed++ };
    },
  };
}

function failing(code: string, kernelLog: KernelLog): Promise<KernelError> {
  const connect = () => Promise.reject(new KernelError(code, `Cannot connect: ${code}`));
  const namesKnown = () => [];
  return assertRejects(() => explainConnect(connect, { options, kernelLog, namesKnown }), KernelError);
}

Deno.test("explainConnect() has the error say what the kernel says, and keeps its code", async () => {
  const log = logOf("nvme nvme1: no.", "nvme nvme1: really no");
  const found = await failing("EIO", log);
  assertEquals(
    [found.code, errorText(found)],
    ["EIO", "Cannot connect: EIO; the kernel says: no; really no"],
  );
  assertEquals(log.closed, 1);
});

Deno.test("explainConnect() names dmesg where a bare errno has no words, and is silent otherwise", async () => {
  const silent: KernelLog = { listen: () => null };
  for (const log of [silent, logOf()]) {
    assertEquals(
      (await failing("EINVAL", log)).message,
      "Cannot connect: EINVAL; the kernel's log, dmesg, may say why",
    );
    assertEquals((await failing("ECONNREFUSED", log)).message, "Cannot connect: ECONNREFUSED");
  }
});

Deno.test("explainConnect() adds nothing to what is no failure of the kernel's", async () => {
  for (const code of ["EALREADY", "ENOENT", "EACCES"]) {
    assertEquals((await failing(code, logOf("nvme nvme1: chatter"))).message, `Cannot connect: ${code}`);
  }
});

Deno.test("explainConnect() passes success on, and listens before it connects", async () => {
  const log = logOf("nvme nvme1: fine");
  const steps: string[] = [];
  const kernelLog: KernelLog = { listen: () => steps.push("listen") > 0 ? log.listen() : null };
  const namesKnown = () => steps.push("names") > 0 ? [] : [];
  const connect = () => Promise.resolve(steps.push("connect"));
  const connecting = explainConnect(connect, { options, kernelLog, namesKnown });
  assertEquals(steps, ["listen", "names", "connect"]);
  assertEquals(await connecting, 3);
  assertEquals(log.closed, 1);
});
