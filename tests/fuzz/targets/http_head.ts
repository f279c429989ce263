/** Requests to the debug endpoint: a good head is read as it was meant; of a bad one, nothing gets into an answer. */
import { formatResponseHead, headEnd, parseRequestHead } from "../../../src/io/http_head.ts";
import { check, checkSame } from "../check.ts";
import type { Choices } from "../choices.ts";
import { drawPlainText } from "../draw_text.ts";
import type { FuzzTarget } from "../fuzz_target.ts";
import { mutateBytes, oddText } from "../mutate.ts";

const encoder = new TextEncoder();

function tryInput(choices: Choices): void {
  const method = choices.pick(["GET", "HEAD", "POST"]);
  const path = `/${drawPlainText(choices, 20).replace(/[^!-~]|[?#]/g, "a")}`;
  const fields: string[] = [];
  for (let left = choices.below(4); left > 0; left--) {
    fields.push(`X-${left}: ${drawPlainText(choices, 20).replace(/[^ -~]/g, "a").trim()}\r\n`);
  }
  const bytes = encoder.encode(`${method} ${path} HTTP/1.1\r\n${fields.join("")}\r\n`);
  choices.note("request", new TextDecoder().decode(bytes));
  checkSame(headEnd(bytes), bytes.length, "The end of a head");
  const head = parseRequestHead(bytes);
  checkSame([head?.method, head?.path, head?.headers.size], [method, path, fields.length], "A good head");

  const spoilt = mutateBytes(choices, bytes);
  choices.note("spoilt", new TextDecoder().decode(spoilt));
  const end = headEnd(spoilt);
  const read = end === null ? null : parseRequestHead(spoilt.subarray(0, end));
  check(end === null || (end >= 4 && end <= spoilt.length), "A head ends outside of its bytes");
  if (read !== null) {
    check(/^[A-Z]+$/.test(read.method) && /^[!-~]+$/.test(read.path), "A method or path of odd characters");
    for (const [name, value] of read.headers) {
      check(!/[\r\n\0]/.test(name + value) && name === name.toLowerCase(), "A field that is none");
    }
  }
  const answer = formatResponseHead(200, { "X-Echo": oddText(choices) + (read?.path ?? "") });
  checkSame(answer.split("\r\n").length, 4, "The lines of an answer");
}

export const httpHead: FuzzTarget = { name: "http_head", tryInput };
