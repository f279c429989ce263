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
export function isSettled(picture: Picture): boolean {
  const isResolving = picture.notes.some((note) => note.endsWith("is being resolved"));
  return !isResolving && picture.endpoints.every(({ state }) => state !== "no answer yet") &&
    picture.paths.every(({ state }) => state !== "no answer yet");
}

/** There is something, and nothing of it is amiss. */
export function isWhole({ endpoints, paths, refused, notes }: Picture): boolean {
  return endpoints.length > 0 && refused.length === 0 && notes.length === 0 &&
    endpoints.every(({ state }) => state === "reachable" || state === "retired") &&
    paths.every(({ state }) => state === "would connect" || state === "connected");
}

export function formatPicture(picture: Picture): string {
  const { endpoints, paths, refused, notes } = picture;
  // Where there is but one, it stands above, and its column stays empty.
  const host = onlyOne(endpoints.map(({ hostnqn }) => hostnqn));
  const cluster = onlyOne(endpoints.map(({ subsysnqn }) => subsysnqn));
  const endpointRows = endpoints.map(
    ({ address, source, state, records, subsysnqn, hostnqn, reason = "" }) => {
      const count = records === undefined ? "" : String(records);
      return [address, source, state, count, cluster.cell(subsysnqn), host.cell(hostnqn), reason];
    },
  );
  const pathRows = paths.map(({ address, state, device, subsysnqn, hostnqn, reason = "" }) => {
    const stateText = device === undefined ? state : `${state} as ${device}`;
    return [address, stateText, subsysnqn, host.cell(hostnqn), reason];
  });
  const refusedRows = refused.map(({ address, endpoint, subsysnqn, reason }) => {
    return [address, endpoint, subsysnqn, reason];
  });
  return [
    host.heading("Host") + cluster.heading("Cluster"),
    section(["ENDPOINT", "SOURCE", "STATE", "RECORDS", "CLUSTER", "HOST", "REASON"], endpointRows),
    section(["PATH", "STATE", "SUBSYSTEM", "HOST", "REASON"], pathRows),
    section(["REFUSED", "NAMED BY", "SUBSYSTEM", "REASON"], refusedRows),
    notes.map((note) => `Note: ${printable(note)}\n`).join(""),
    `${summaryText(picture)}\n`,
  ].filter((part) => part !== "").join("\n");
}

function onlyOne(values: readonly string[]) {
  const one = new Set(values).size === 1 ? values[0] : undefined;
  return {
    heading: (label: string) => one === undefined ? "" : `${label.padEnd(8)} ${printable(one)}\n`,
    cell: (value: string) => one === undefined ? value : "",
  };
}

function section(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : formatTable(header, rows);
}

function summaryText({ endpoints, paths, refused }: Picture): string {
  if (endpoints.length === 0) return "Nothing would be connected: no entry names an endpoint";
  const count = (wanted: PicturePath["state"]) => paths.filter(({ state }) => state === wanted).length;
  const reached = endpoints.filter(({ state }) => state === "reachable").length;
  return [
    `${reached} of ${endpoints.length} endpoints reachable`,
    `${count("would connect")} of ${paths.length} paths would be connected`,
    `${count("connected")} connected already`,
    `${count("unreachable")} unreachable`,
    `${count("no answer yet")} without an answer yet`,
    `${refused.length} records refused`,
  ].filter((part) => !/^0 (?!of )/.test(part)).join(", ");
}
