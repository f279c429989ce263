/**
 * Every bound of the program, with its unit and its reason. Reaching one is reported where it is applied.
 */
export const limits = {
  // --- protocol ---
  /** Bytes of one PDU we accept: twice the largest chunk we ask for, its header, digests and padding. */
  pduBytesMax: 128 * 1024 + 4096,
  /** Bytes of one Get Log Page, also when the controller allows more or states no limit (MDTS 0). */
  logChunkBytesMax: 64 * 1024,
  /** Bytes of one Get Log Page that every controller must serve (smallest memory page). */
  logChunkBytesMin: 4096,
  /** Records of one discovery log: 16,384 KiB-records are 16 MiB in memory while reading. */
  logRecordsMax: 16_384,
  /** Generation changes during one log read before it pauses; libnvme's figure. */
  logRestartsMax: 6,
  /** Pause after that many restarts, ms. */
  logRestartPauseMs: 1_000,
  /** No more than two log reads within this, ms, however fast a controller raises events. */
  logReadGapMs: 100,
  /** The log is read again without an event after this, ms: an event may be lost in a target's restart. */
  logRefreshMs: 300_000,
  /** The same when the controller takes no event request, ms. */
  logPollMs: 15_000,
  /** Commands outstanding on the admin queue: AER, Keep Alive, one more, and room. SQSIZE is this minus one. */
  adminQueueEntries: 32,
  /** Answer to one admin command, ms: far below the 60 s of the Linux host, above any healthy target. */
  commandTimeoutMs: 10_000,
  /** ICResp after ICReq, ms. */
  icrespTimeoutMs: 5_000,
  /** CSTS.RDY and CSTS.SHST are read again after this, ms; growing to ten times it. */
  statusPollMs: 10,
  /** Upper end of the CAP.TO deadline, ms, whatever the controller claims (255 × 500 ms would be two minutes). */
  readyTimeoutMsMax: 30_000,
  /** Keep Alives of all sessions are sent on multiples of this, ms. */
  keepAliveBeatMs: 500,
  /** Controller shutdown, ms: best effort on the way out. */
  shutdownTimeoutMs: 1_000,
  /** The peer's close after our TermReq, ms; then we close (NVMe/TCP 1.0 §3.4.1 allows 30 s). */
  termReqLingerMs: 1_000,

  // --- network ---
  /** TCP connect, ms: two SYN retransmissions (1 s + 2 s) and a little. */
  dialTimeoutMs: 4_000,
  /** Sessions being opened at once; dials are cheap, descriptors are not endless. */
  sessionsOpeningMax: 256,
  /** Of these, for endpoints that failed before: the dead never fill the room of the new. */
  sessionsReopeningMax: 192,
  /** Longest pause between two attempts at one endpoint, ms. */
  sessionRetryMsMax: 30_000,
  /** The pause after a refusal with Do Not Retry is at least this, ms: access lists change, but not often. */
  refusedRetryMsMin: 15_000,
  /** Bytes read from a socket at once; a thousand idle sessions hold as many of these. */
  socketReadBytes: 8 * 1024,
  /** A host name is resolved again after this, ms. */
  resolveIntervalMs: 60_000,
  /** A look-up of a host name that takes longer counts as failed, ms: the system's resolver itself gives up sooner. */
  resolveTimeoutMs: 30_000,
  /** Addresses taken from one host name. */
  addressesPerNameMax: 16,
  /** Names being resolved at once; each holds a thread, for seconds when DNS is dead. */
  lookupsInFlightMax: 8,

  // --- plan ---
  /** Endpoints of one cluster; more referrals than this are reported and left out. */
  endpointsPerClusterMax: 1_024,
  /** Referral depth from a configured endpoint. */
  referralDepthMax: 8,
  /** Paths wanted at once on one host; the kernel gives up long before. */
  pathsMax: 65_536,
  /** Refused records told in the log at once; a hostile log may hold thousands, status shows them. */
  refusedToldMax: 50,
  /** Failed attempts before the others' word removes a configured endpoint: one blip is not enough. */
  retireAfterFailures: 2,
  /** A retired endpoint is asked again this long after it last failed, ms: seldom, since most are gone for good. */
  retiredRetryMs: 60_000,
  /** A cluster with no live session for this long tries its retired configured endpoints again, ms. */
  strandedAfterMs: 10_000,

  // --- kernel connects ---
  /** Connect writes in the kernel at once: it runs them one by one, a few keep it from idling. */
  connectsInFlightMax: 4,
  /** Of these, for one address: while one is at work the next waits, and no more are lost to a target that hangs. */
  connectsPerAddressMax: 2,
  /** Lost controllers given other secrets at once: reads and writes of sysfs that wait for an authentication to end. */
  renewalsInFlightMax: 8,
  /** An operator's disconnects at once: one whose controller does not answer waits for its shutdown. */
  disconnectsInFlightMax: 8,
  /** Reachability probes at once. */
  probesInFlightMax: 64,
  /** Connects tried from user space at once: each takes a controller of its target for a moment. */
  asksInFlightMax: 16,
  /** Pause between two such at one address that are only to tell why paths are refused, ms. */
  askGapMs: 250,
  /** An address that a connect could not reach is asked again after this, ms. */
  reproofGapMs: 500,
  /** A reason learnt so is asked for anew after this, ms: it may have become another one. */
  refusalFreshMs: 300_000,
  /** A connect that held the kernel in vain makes its address wait for so many times as long: others come first. */
  heldPauseFactor: 4,
  /** The longest such pause, ms. */
  heldPauseMsMax: 300_000,
  /** A proof of reachability, or of a Connect taken, is good for this long, ms. */
  probeValidMs: 5_000,
  /** A log read proves its host reachable for this long, ms: for the connects that this very read brings. */
  proofByUseMs: 500,
  /** First pause after a failed connect or probe, ms; doubled each time. */
  connectRetryMsBase: 1_000,
  /** Longest pause between two attempts at one path, ms. */
  connectRetryMsMax: 30_000,
  /** Characters of one write to /dev/nvme-fabrics; the kernel refuses 4096 and more. */
  connectStringCharsMax: 4_095,
  /** Bytes asked of /proc/kallsyms at once; the kernel gives a page or less. */
  kernelSymbolsReadBytes: 65_536,
  /** Bytes of one answer of /dev/nvme-fabrics; the list of options is below 1 KiB on today's kernels. */
  connectAnswerBytesMax: 8 * 1024,
  /** Bytes of one record of /dev/kmsg (CONSOLE_EXT_LOG_MAX); a shorter buffer makes the read fail. */
  kmsgRecordBytesMax: 8 * 1024,
  /** Records of /dev/kmsg read after a failed connect: more than any kernel's log holds. */
  kmsgRecordsMax: 20_000,
  /** Of these, the last ones are looked at. */
  kmsgRecordsKept: 500,
  /** Messages of the kernel that go into the error of a connect, and their characters. */
  kernelWordsLinesMax: 4,
  kernelWordsCharsMax: 800,
  /** CPU numbers from 0 below this; the affinity mask has a bit for each, as cpu_set_t has. */
  coresMax: 1_024,
  /** /dev/nvme-fabrics is looked for again after this when it is missing, ms. */
  kernelMissingRetryMs: 2_000,

  // --- files ---
  /** Bytes of one entry file; some 8,000 lines. */
  entryFileBytesMax: 1024 * 1024,
  /** Entry files in the directory. */
  entryFilesMax: 10_000,
  /** Entries of all files together. */
  entriesMax: 20_000,
  /** Bad lines reported for one file; the rest is a count. */
  lineErrorsPerFileMax: 20,
  /** Bytes of the settings file. */
  settingsBytesMax: 1024 * 1024,
  /** Unusable settings told at once, and unknown ones likewise; nobody reads more. */
  settingsProblemsMax: 20,
  /** Values of the settings file, and how deep they nest: a YAML alias makes a few bytes unfold into gigabytes. */
  settingsNodesMax: 20_000,
  settingsDepthMax: 32,
  /** Bytes of the file with the host identifier; its first line counts. */
  hostIdFileBytesMax: 64 * 1024,
  /** Characters of one line of an entry file: the kernel takes no longer connect string either. */
  entryLineCharsMax: 4_096,
  /** Endpoints remembered as having named one referral. */
  namedByMax: 64,
  /** Bytes of internal.json that we load: 20,000 entries are some 10 MB. */
  stateBytesMax: 16 * 1024 * 1024,
  /** Rescan after a watch hint, ms: a burst of writes becomes one scan. */
  rescanDelayMs: 25,
  /** A file that changed or vanished counts once it has stayed so for this, ms: writing it anew takes moments. */
  fileSettleMs: 250,
  /** The same when its last line has no end, ms: the rest may be on its way, and half a line means something else. */
  unfinishedFileSettleMs: 1_000,
  /** Rescan without any hint, ms: hints get lost. */
  rescanIntervalMs: 1_000,
  /** Bytes of one uevent; the kernel's own bound is 2 KiB of variables and a path (UEVENT_BUFFER_SIZE). */
  ueventBytesMax: 8 * 1024,
  /** Uevents taken in one go; the rest of a storm gives the next hint. */
  ueventsPerHintMax: 256,
  /** Waits for uevents in a row that told nothing: signals do that, a broken descriptor does it without end. */
  ueventEmptyWaitsMax: 100,
  /** Sysfs is read this long after a uevent, ms: a connect brings several. */
  sysfsHintMs: 20,
  /** Sysfs is compared without any uevent, ms. */
  sysfsIntervalMs: 5_000,
  /** Watch events that follow each other within this become one hint, ms. */
  watchSettleMs: 10,
  /** Files or sysfs directories read at once: enough to keep the disk busy, few enough for the threads. */
  readsInFlightMax: 16,
  /** Bytes of a file that holds one secret; a key of 64 bytes is a line of about 110. */
  secretFileBytesMax: 4 * 1024,
  /** A file changed this recently is read again though it looks the same, ms: time stamps have coarse ticks. */
  freshFileMs: 3_000,
  /** Unreadable internal.json files kept beside it; the oldest gives way. */
  corruptFilesKeptMax: 5,
  /** What hardly changes of a live controller (its source address) is read again after this, ms. */
  sysfsDetailsMs: 30_000,
  /** Characters of one log line; the rest is cut. */
  logLineCharsMax: 8_192,
  /** Bytes of log lines that wait for their file; those beyond are lost, and counted. */
  logQueueBytesMax: 1024 * 1024,
  /** Bytes of one write to the log file. */
  logWriteBytes: 64 * 1024,
  /** The log file is tried again this long after a failure, ms. */
  logRetryMs: 5_000,
  /** A write to the log file that takes longer is told, and an exit no longer waits for the file, ms. */
  logSlowMs: 5_000,
  /** The end waits for the log file no longer than this, ms. */
  logCloseMs: 2_000,
  /** Rotated log files are looked through for old ones this often, ms. */
  logTidyMs: 3_600_000,
  /** Rotated log files kept, however young; compressed, 100 of 100 MB take about 1 GB. */
  logFilesKeptMax: 100,
  /** Saving the state is tried again after a failure, ms. */
  saveRetryMs: 5_000,

  // --- doctor ---
  /** Endpoints and ports that doctor asks at once: quick, and no burden for a target. */
  doctorAtOnce: 16,
  /** One endpoint, from its name to its log, ms: the dial, ICResp and one slow command. */
  doctorEndpointMs: 20_000,
  /** Nothing new is asked after this, ms; what was not asked is named. */
  doctorMs: 120_000,
  /** Endpoints that doctor goes to, those of referrals included. */
  doctorEndpointsMax: 1_000,
  /** Paths that doctor looks at. */
  doctorPathsMax: 20_000,
  /** Addresses to which doctor looks at the way. */
  doctorWaysMax: 1_000,
  /** An echo's answer, and a connection to look at, ms. */
  doctorEchoMs: 1_000,
  /** The small echo, bytes of the packet: every way bears it. */
  doctorEchoBytesMin: 128,
  /** The large one at most, bytes: the largest frames that switches have. */
  doctorEchoBytesMax: 9_216,
  /** One part of a bundle, ms: what takes longer is left out, and said to be. */
  bundlePartMs: 10_000,
  /** Bytes of the log file's end in a bundle: some thousand lines. */
  bundleLogBytes: 1024 * 1024,
  /** Bytes of entry files in a bundle, all together. */
  bundleEntryBytesMax: 16 * 1024 * 1024,
  /** Directories of sysfs in a bundle: controllers, subsystems, and the paths below them. */
  bundleSysfsMax: 20_000,
  /** Records of the kernel's log that are looked through: more than its buffer holds. */
  kernelRecordsMax: 1_000_000,
  /** Lines of the kernel's log in a bundle, the last ones. */
  kernelLinesKept: 2_000,
  /** Processes whose names doctor reads. */
  doctorProcessesMax: 100_000,

  // --- trace ---
  /** Megabytes of a trace when nothing is said, and at most. */
  traceMegabytes: 100,
  traceMegabytesMax: 1_000_000,
  /** Bytes of a segment in a trace: with its headers below the 64 KiB of an IPv4 packet; a multiple of 4. */
  traceSegmentBytesMax: 32_768,
  /** Bytes of a trace that wait to be taken; packets beyond are left out and counted, its last block is not. */
  traceQueueBytesMax: 4 * 1024 * 1024,
  /** Bytes of one write to a trace. */
  traceWriteBytes: 256 * 1024,
  /** The end of a trace waits for its file no longer than this, ms. */
  traceCloseMs: 2_000,
  /** A trace's pipe waits for its reader no longer than this, and looks for it so often, ms. */
  tracePipeWaitMs: 10_000,
  tracePipePollMs: 50,
  /** A full pipe that does not make us wait is tried again after so long, ms. */
  traceFullPipeMs: 5,
  /** Longest time that a trace can be asked for, ms: a timer can wait no longer than 2^31. */
  traceDurationMsMax: 24 * 3_600_000,
  /** Endpoints chosen for a trace. */
  traceEndpointsMax: 1_000,
  /** The wall clock was set when it and the monotonic one differ by this, ms. */
  traceClockLeapMs: 1_000,

  // --- agent ---
  /** Two passes are at least this far apart, ms: a storm of events becomes one pass. */
  passGapMs: 10,
  /** Orderly stop, ms, below systemd's default of 90 s by far. */
  stopTimeoutMs: 5_000,
  /** A failure that lasts is told again after this, ms, with the number of attempts. */
  failureToldAgainMs: 3_600_000,
  /** Different failures told of one endpoint or path until it is well: a cause may show at a later attempt only. */
  failureKindsToldMax: 4,
  /** Different warnings told once each (identities, options left out); the next says that there are more. */
  toldOnceMax: 1_000,

  // --- debug endpoint ---
  /** Connections to the debug endpoint; each takes a descriptor. The oldest gives way to a new one. */
  httpConnectionsMax: 64,
  /** Bytes of a request: there are only heads. */
  httpHeadBytesMax: 8 * 1024,
  /** From the connection to the end of its request, ms. */
  httpRequestTimeoutMs: 5_000,
  /** From the request to its answer, ms; profiles are the longest. */
  httpHandlerTimeoutMs: 180_000,
  /** The other side takes nothing of the answer for this long, ms. */
  httpWriteTimeoutMs: 10_000,
  /** Bytes of an answer sent at once. */
  httpWriteBytes: 1024 * 1024,
  /** The other side's close after our answer, ms. */
  httpLingerMs: 1_000,
  /** Failures to accept in a row before the debug endpoint is opened anew, and the pause after each, ms. */
  httpAcceptFailuresMax: 100,
  httpAcceptPauseMs: 100,
  /** First and longest pause before the debug endpoint is tried again, ms. */
  debugRetryMsBase: 1_000,
  debugRetryMsMax: 30_000,
  /** What the debug endpoint has worked out is good for this long, ms: ten thousand scrapes a minute cost as sixty. */
  debugCacheMs: 1_000,
  /** Different codes of failures that a metric tells apart; the rest are counted together. */
  metricCodesMax: 64,
  /** Longest profile, seconds; its answer comes at the end, and must come within `httpHandlerTimeoutMs`. */
  profileSecondsMax: 120,

  // --- control socket ---
  /** Bytes of a request's body on the control socket. */
  controlBodyBytesMax: 4 * 1024,
  /** Bytes of an answer that a command takes: 65,536 paths are some 40 MB. */
  controlAnswerBytesMax: 128 * 1024 * 1024,
  /** From a command's request to its answer, ms. */
  controlAnswerTimeoutMs: 10_000,
  /** Somebody who answers on a socket that is in the way does so within this, ms. */
  controlProbeMs: 1_000,
  /** Bytes of a socket's path (unix(7): 108 with the zero at the end). */
  socketPathBytesMax: 107,
  /** The socket's file is looked for each so many ms: somebody may have cleaned its directory. */
  controlFileCheckMs: 5_000,
  /** Bytes of /etc/group that we look through. */
  groupFileBytesMax: 4 * 1024 * 1024,
  /** Events kept for whoever comes later. */
  eventsKeptMax: 500,
  /** Those who watch events at once. */
  eventReadersMax: 16,
  /** Events that wait for one of them; then it is let go. */
  eventsWaitingMax: 2_000,
  /** After so long without an event a reader is shown that there was none, ms: that finds those that have gone. */
  eventsQuietMs: 15_000,
  /** Of those kept, the ones that a page begins with. */
  eventsShownMax: 200,
  /** A page whose stream of events ended comes again after this, ms. */
  eventStreamRetryMs: 2_000,
  /** Records named for each of what came, went and changed in a log. */
  recordsToldMax: 5,
  /** Controllers named after one look at sysfs, and entry files after one scan. */
  controllersToldMax: 50,
  entryFilesToldMax: 50,
} as const;
