/** What a dry run has found at one moment, from a snapshot; as data and as tables. Pure. */
import type { EndpointSnapshot, PathSnapshot, Snapshot } from "../report/snapshot.ts";
import { formatTable, printable } from "./table.ts";

export interface Picture {
  readonly endpoints: readonly PictureEndpoint[];
  readonly paths: readonly PicturePath[];
  /** Records that are not connected. */
  readonly refused: readonly { endpoint: string; subsysnqn: string; address: string; reason: string }[];
  readonly notes: readonly string[];
}

export interface PictureEndpoint {
  readonly address: string;
  readonly subsysnqn: string;
  readonly hostnqn: string;
  readonly source: "user" | "referral";
  readonly state: "reachable" | "unreachable" | "no answer yet" | "retired";
  readonly records?: number;
  readonly reason?: string;
}

export interface PicturePath {
  readonly subsysnqn: string;
  readonly address: string;
  readonly hostnqn: string;
  readonly state: "would connect" | "connected" | "unreachable" | "no answer yet";
  readonly device?: string;
  readonly reason?: string;
}

export function takePicture({ clusters, paths, refused }: Snapshot): Picture {
  return {
    endpoints: clusters.flatMap(({ subsysnqn, hostnqn, endpoints }) =>
      endpoints.map((endpoint) => pictureEndpoint(endpoint, subsysnqn, hostnqn))
    ),
    paths: paths.map(picturePath),
    refused: refused.map(({ endpoint, subnqn, traddr, reason }) => {
      return { endpoint, subsysnqn: subnqn, address: traddr, reason };
    }),
    notes: clusters.flatMap(({ notes }) => notes),
  };
}

function pictureEndpoint(endpoint: EndpointSnapshot, subsysnqn: string, hostnqn: string): PictureEndpoint {
  const { address, source, retired, error, reason, records } = endpoint;
  const common = { address, subsysnqn, hostnqn, source };
  if (retired) return { ...common, state: "retired", reason };
  if (isReached(endpoint)) return { ...common, state: "reachable", records };
  return error === undefined
    ? { ...common, state: "no answer yet" }
    : { ...common, state: "unreachable", reason: error };
}

function isReached({ state, records }: EndpointSnapshot): boolean {
  return state === "live" && records !== undefined;
}

function picturePath({ subsysnqn, address, hostnqn, state, reason, device }: PathSnapshot): PicturePath {
  const common = { subsysnqn, address, hostnqn };
  switch (state) {
    case "would-connect":
      return { ...common, state: "would connect" };
    case "unreachable":
    case "failed":
      return { ...common, state: "unreachable", reason };
    case "probing":
    case "waiting":
      return { ...common, state: "no answer yet", reason };
    default:
      return { ...common, state: "connected", device };
  }
}

/** Everything was tried at least once. */
export function isSettled(snapshot: Snapshot): boolean {
  const picture = takePicture(snapshot);
  const isResolving = picture.notes.some((note) => note.endsWith("is being resolved"));
  return !isResolving && picture.endpoints.every(({ state }) => state !== "no answer yet") &&
    picture.paths.every(({ state }) => state !== "no answer yet");
}

/** There is something, and nothing of it is amiss. */
export function isWhole({ endpoints, paths, refused, notes }: Picture): boolean {
  return endpoints.length > 0 && refused.length === 0 && notes.length === 0 &&
    endpoints.every(({ state }) => state === "reachable") &&
    paths.every(({ state }) => state === "would connect" || state === "connected");
}

export function formatPicture(picture: Picture): string {
  const { endpoints, paths, refused, notes } = picture;
  return [
    formatTable(
      ["ENDPOINT", "SOURCE", "STATE", "RECORDS", "CLUSTER", "HOST", "REASON"],
      endpoints.map(({ address, source, state, records, subsysnqn, hostnqn, reason }) => [
        address,
        source,
        state,
        records === undefined ? "" : String(records),
        subsysnqn,
        hostnqn,
        reason ?? "",
      ]),
    ),
    formatTable(
      ["PATH", "STATE", "SUBSYSTEM", "HOST", "REASON"],
      paths.map(({ address, state, device, subsysnqn, hostnqn, reason }) => [
        address,
        device === undefined ? state : `${state} as ${device}`,
        subsysnqn,
        hostnqn,
        reason ?? "",
      ]),
    ),
    ...refused.length === 0 ? [] : [formatTable(
      ["REFUSED", "NAMED BY", "SUBSYSTEM", "REASON"],
      refused.map(({ address, endpoint, subsysnqn, reason }) => [address, endpoint, subsysnqn, reason]),
    )],
    ...notes.length === 0 ? [] : [notes.map((note) => `Note: ${printable(note)}\n`).join("")],
    `${summaryText(picture)}\n`,
  ].join("\n");
}

function summaryText({ endpoints, paths, refused }: Picture): string {
  if (endpoints.length === 0) return "Nothing would be connected: no entry names an endpoint";
  const count = (wanted: PicturePath["state"]) => paths.filter(({ state }) => state === wanted).length;
  const parts = [
    `${count("connected")} connected already`,
    `${count("unreachable")} unreachable`,
    `${count("no answer yet")} without an answer yet`,
    `${refused.length} records refused`,
  ].filter((part) => !part.startsWith("0 "));
  const reached = endpoints.filter(({ state }) => state === "reachable").length;
  const head = `Would connect ${count("would connect")} of ${paths.length} paths`;
  return [`${reached} of ${endpoints.length} endpoints reachable`, head, ...parts].join(", ");
}
