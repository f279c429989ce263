/** What an agent holds at one moment, counted inside its process. */
export interface AgentHolds {
  /** Timers of its clock that wait. */
  readonly timers: number;
  readonly sessions: number;
  /** Sessions that are live and have read the log. */
  readonly liveSessions: number;
  readonly entries: number;
  readonly clusters: number;
  /** Members of all clusters that are not retired. */
  readonly endpoints: number;
  readonly resolutions: number;
  readonly probes: number;
  readonly connects: number;
  /** Probes and connects under way. */
  readonly busy: number;
  /** Controllers that it saw in the kernel. */
  readonly controllers: number;
  /** Used bytes of the JavaScript heap, after a garbage collection where it can be forced. */
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** What malloc has given out: the runtime's own memory, V8's helpers included, without fragments that lie between. */
  readonly nativeBytes: number;
}
