/** Secrets of a controller that is being brought back, into a tree as sysfs shows it. */
import { KernelError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { renewSecrets } from "../../src/io/controller_secrets.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { HostTree } from "../cli/host_tree.ts";

const subsysnqn = "nqn.2016-01.com.example:volumes";
const controller = { name: "nvme1", subsysnqn };
const secretOf = (letter: string) => new Secret(`DHHC-1:00:${btoa(letter.repeat(36))}:`);
const [before, after, other] = [secretOf("b"), secretOf("a"), secretOf("o")];

interface Attributes {
  readonly state?: string;
  readonly host?: string;
  readonly ctrl?: string;
  readonly nqn?: string;
}

/** A tree with such a controller; `found` answers its two secrets. */
async function withController(
  { state = "connecting", host = before.reveal(), ctrl = "none", nqn = subsysnqn }: Attributes,
  action: (root: string, found: () => Promise<string[]>) => Promise<void>,
): Promise<void> {
  await using tree = await HostTree.make();
  await tree.addController({ name: "nvme1", subsysnqn: nqn });
  const root = `${tree.root}/sys/class/nvme`;
  const write = (name: string, text: string) => Deno.writeTextFile(`${root}/nvme1/${name}`, `${text}\n`);
  await write("state", state);
  await write("dhchap_secret", host);
  await write("dhchap_ctrl_secret", ctrl);
  const read = async (name: string) => (await Deno.readTextFile(`${root}/nvme1/${name}`)).trim();
  await action(root, () => Promise.all(["dhchap_secret", "dhchap_ctrl_secret"].map(read)));
}

Deno.test("renewSecrets() writes what differs, and nothing else", async () => {
  await withController({ ctrl: other.reveal() }, async (root, found) => {
    assertEquals(await renewSecrets(controller, { dhchapSecret: after }, root), "renewed");
    assertEquals(await found(), [after.reveal(), other.reveal()]);
    const both = { dhchapSecret: after, dhchapCtrlSecret: before };
    assertEquals(await renewSecrets(controller, both, root), "renewed");
    assertEquals(await found(), [after.reveal(), before.reveal()]);
    assertEquals(await renewSecrets(controller, both, root), "same");
  });
});

Deno.test("renewSecrets() leaves alone whatever is not being brought back, is another's, or has no secret", async () => {
  const rows: readonly (readonly [Attributes, string])[] = [
    [{ state: "live" }, "not-connecting"],
    [{ state: "deleting" }, "not-connecting"],
    [{ host: "none" }, "without"],
    [{ nqn: "nqn.2016-01.com.example:other" }, "gone"],
  ];
  for (const [attributes, expected] of rows) {
    await withController(attributes, async (root, found) => {
      const unchanged = await found();
      assertEquals(await renewSecrets(controller, { dhchapSecret: after }, root), expected);
      assertEquals(await found(), unchanged, expected);
    });
  }
});

Deno.test("renewSecrets() is content without the controller, or a kernel that knows no secrets", async () => {
  await withController({}, async (root) => {
    const gone = { name: "nvme7", subsysnqn };
    assertEquals(await renewSecrets(gone, { dhchapSecret: after }, root), "gone");
    await Deno.remove(`${root}/nvme1/dhchap_secret`);
    assertEquals(await renewSecrets(controller, { dhchapSecret: after }, root), "gone");
  });
});

Deno.test("renewSecrets() tells what went wrong without a secret", async () => {
  await withController({}, async (root) => {
    await Deno.remove(`${root}/nvme1/dhchap_secret`);
    await Deno.mkdir(`${root}/nvme1/dhchap_secret`);
    const error = await assertRejects(
      () => renewSecrets(controller, { dhchapSecret: after }, root),
      KernelError,
      "Cannot renew the DH-CHAP secrets of nvme1",
    );
    assert(!error.message.includes("DHHC-1:"), error.message);
  });
});
