/** Entry lines, drawn: what consumers write, in every spelling of the options, with good values and bad ones. */
import type { Choices } from "./choices.ts";
import { drawAddress, drawNqn, drawPlainText, drawPort, drawUuid } from "./draw_text.ts";
import { mutateText } from "./mutate.ts";

/** A key as it may stand in a line; no message may show any piece of it. */
export const secretKey = `DHHC-1:01:${"S3cr3t".repeat(8)}:`;

type DrawValue = (choices: Choices) => string;

const number = (choices: Choices) => String(choices.edgy(2 ** 32) - choices.pick([0, 1, 2]));
const name = (choices: Choices) => drawPlainText(choices, 20);
const secret = () => secretKey;

/** Names of an option, and its value; null for a flag. */
const options: readonly [names: readonly string[], drawValue: DrawValue | null][] = [
  [["--transport", "-t"], (choices) => choices.pick(["tcp", "rdma"])],
  [["--traddr", "-a"], drawAddress],
  [["--trsvcid", "-s"], drawPort],
  [["--hostnqn", "-q"], drawNqn],
  [["--subsysnqn", "--nqn", "-n"], drawNqn],
  [["--hostid", "-I"], drawUuid],
  [["--persistent", "-p"], null],
  [["--host-traddr", "--host_traddr", "-w"], drawAddress],
  [["--host-iface", "-f"], name],
  [["--ctrl-loss-tmo", "-l"], number],
  [["--keep-alive-tmo", "-k"], number],
  [["--reconnect-delay", "-c"], number],
  [["--nr-io-queues", "-i"], number],
  [["--nr-write-queues", "-W"], number],
  [["--nr_poll_queues", "-P"], number],
  [["--fast-io-fail-tmo", "-F"], number],
  [["--tos", "-T"], (choices) => String(choices.between(0, 300))],
  [["--disable-sqflow", "-d"], null],
  [["--duplicate-connect", "-D"], null],
  [["--concat"], null],
  [["--queue-size", "-Q"], (choices) => String(choices.between(16, 1024))],
  [["--dhchap-secret", "-S"], secret],
  [["--dhchap-ctrl-secret", "-C"], secret],
  [["--hdr-digest", "-g"], null],
  [["--data_digest", "-G"], null],
  [["--tls"], null],
  [["--tls-key"], (choices) => `0x${choices.uint32().toString(16)}`],
  [["--keyring"], (choices) => choices.pick([".nvme", `${choices.uint32()}`, name(choices)])],
];

/** The options that every entry needs, which let a line go deeper than the first check. */
const needed = [1, 3, 4] as const;

export function drawLine(choices: Choices): string {
  const words: string[] = [];
  for (const index of needed) if (!choices.once(12)) words.push(drawOption(choices, index));
  for (let left = choices.below(6); left > 0; left--) {
    words.push(drawOption(choices, choices.below(options.length)));
  }
  const line = words.join(choices.pick([" ", "\t", "  "]));
  if (choices.once(10)) return `${line} # ${drawPlainText(choices, 20)}`;
  return choices.once(4) ? mutateText(choices, line) : line;
}

function drawOption(choices: Choices, index: number): string {
  const [names, drawValue] = options[index]!;
  const word = choices.pick(names);
  if (drawValue === null) return choices.once(4) ? `${word}=${choices.pick(["true", "off", "maybe"])}` : word;
  const value = quoted(choices, drawValue(choices));
  return `${word}${choices.pick([" ", "=", word.startsWith("--") ? " " : ""])}${value}`;
}

function quoted(choices: Choices, value: string): string {
  const way = choices.below(8);
  return way === 6 ? `"${value}"` : way === 7 ? `'${value}'` : value;
}

export function drawFile(choices: Choices): string {
  const newline = choices.pick(["\n", "\r\n", "\n\n"]);
  const lines = Array.from({ length: choices.below(5) + 1 }, () => drawLine(choices));
  // Many bad lines: what is told of them stays short.
  if (choices.once(30)) lines.push(...new Array<string>(choices.below(100)).fill("--oops"));
  return lines.join(newline);
}
