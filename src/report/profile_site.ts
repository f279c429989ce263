/**
 * Profiles by HTTP, below /debug/pprof/. They show how the program is made and take its time: other hosts get none
 * unless the settings allow it, and there is one at a time.
 */
import { parseIpAddress } from "../base/address.ts";
import { limits } from "../base/limits.ts";
import { type HttpRequest, type HttpResponse, textResponse } from "../model/http.ts";
import type { Profiler } from "../model/profiler.ts";

export interface ProfileSiteOptions {
  readonly profiler: Profiler;
  readonly allowRemote: boolean;
}

interface Profile {
  readonly about: string;
  /** Of the file that it is saved as. */
  readonly extension: string;
  readonly take: (profiler: Profiler, durationMs: number, signal: AbortSignal) => Promise<string>;
}

/** `profile` and `heap` are what the predecessor called them. */
const profiles: Readonly<Record<string, Profile>> = {
  profile: {
    about: "CPU profile of ?seconds=30",
    extension: "cpuprofile",
    take: (profiler, durationMs, signal) => profiler.cpuProfile(durationMs, signal),
  },
  heap: {
    about: "who allocates what stays, over ?seconds=30",
    extension: "heapprofile",
    take: (profiler, durationMs, signal) => profiler.heapProfile(durationMs, signal),
  },
  heapsnapshot: {
    about: "every object, without texts; the agent stands still meanwhile",
    extension: "heapsnapshot",
    take: (profiler) => profiler.heapSnapshot(),
  },
};

export class ProfileSite {
  readonly #options: ProfileSiteOptions;
  #isBusy = false;

  constructor(options: ProfileSiteOptions) {
    this.#options = options;
  }

  async handle({ method, path, query, peer, signal }: HttpRequest): Promise<HttpResponse> {
    if (!this.#options.allowRemote && !isLoopback(peer)) {
      const text = "Profiles are for this host alone: debug.allowRemoteProfiling is false";
      return textResponse(403, text);
    }
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (name === "") return textResponse(200, indexText());
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    if (profile === undefined) {
      return textResponse(404, `There is no such profile; ${path.slice(0, -name.length)} lists them`);
    }
    const seconds = parseSeconds(query.get("seconds"));
    if (seconds === null) {
      return textResponse(400, `Cannot use seconds: expected a number from 1 to ${limits.profileSecondsMax}`);
    }
    const headers = { "Content-Disposition": `attachment; filename="discovery-client.${profile.extension}"` };
    const answer = { status: 200, type: "application/json", headers };
    if (method === "HEAD") return { ...answer, body: null };
    if (this.#isBusy) return textResponse(409, "Another profile is being taken: one at a time");
    this.#isBusy = true;
    try {
      return { ...answer, body: await profile.take(this.#options.profiler, seconds * 1_000, signal) };
    } finally {
      this.#isBusy = false;
    }
  }
}

function indexText(): string {
  return Object.entries(profiles).map(([name, { about, extension }]) => `${name}: ${about} (.${extension})`)
    .join("\n");
}

function parseSeconds(text: string | null): number | null {
  if (text === null) return 30;
  if (!/^\d{1,4}$/.test(text)) return null;
  const seconds = Number(text);
  return seconds >= 1 && seconds <= limits.profileSecondsMax ? seconds : null;
}

/** 127.0.0.0/8 (RFC 1122 §3.2.1.3), ::1 or localhost. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const address = parseIpAddress(host);
  if (address === null) return false;
  return address.family === 4
    ? address.bytes[0] === 127
    : address.bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
}
