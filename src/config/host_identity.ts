/**
 * The host's identifier as its file tells it, read like nvme-cli reads it: the first line counts. Reads no file itself.
 */
import { formatHostId, parseHostId } from "../nvme/nqn.ts";

/** A value, or words why there is none. */
export type IdentityText =
  | { readonly value: string; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: string };

/** Content of /etc/nvme/hostid: a UUID, answered in lower case. */
export function parseHostIdFile(text: string): IdentityText {
  const line = firstLine(text);
  if (line === "") return { problem: "the first line is empty" };
  const bytes = parseHostId(line);
  return bytes === null
    ? { problem: "the first line is no UUID, or all zero" }
    : { value: formatHostId(bytes) };
}

function firstLine(text: string): string {
  return (text.replace(/^\ufeff/, "").split("\n", 1)[0] ?? "").trim();
}
