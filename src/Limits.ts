/**
 * Every limit of the runtime, in one place: nothing here is unbounded (G14).
 *
 * A limit that a user may want to move is an option of the layer or function that it belongs to; the value here is its
 * default. The others are fixed. Boundary: numbers only.
 */
export const Limits = {
  /** Levels of nesting in one value; a deeper or circular value is refused as not encodable. */
  valueDepth: 256,
  /** Budget default: cycles that may execute before a job is exhausted. */
  maxCycles: 1_000,
  /** Budget default: facts that a job may commit, seeds included. */
  maxFacts: 1_000_000,
  /** Jobs that one engine runs at a time; further ones wait in its queue. */
  runningJobs: 1_000,
  /** Jobs that wait for a place on one engine; a further one is refused with `AdmissionRejected`. */
  queuedJobs: 10_000,
  /** Child jobs that one engine has under way at a time, of those equally far below the jobs that were started; more wait. */
  childJobs: 1_000,
  /** Fiber tasks of one job that are under way at a time. */
  fiberConcurrency: 256,
  /** Characters of what such jobs begin with, inputs and seeds, from which on a further one is refused: both can be large. */
  queuedLength: 134_217_728,
  /**
   * Signals that wait in one job's mailbox, and characters of their facts; a further one is refused with `AdmissionRejected`.
   * A server's usual body has room four times; one that is larger than all of it is taken when nothing else waits.
   */
  mailboxSignals: 1_024,
  mailboxLength: 16_777_216,
  /** Handlers of one job's intents that are under way at a time; approvals and child jobs do not count. */
  handlersUnderWay: 64,
  /** Handler default: milliseconds before the first further attempt, at most before any, and how many there are. */
  handlerRetryMs: 100,
  handlerRetryLongestMs: 60_000,
  handlerRetries: 10,
  /** Proposals in one signal. */
  signalProposals: 100_000,
  /**
   * Committed cycles whose events a job keeps for readers that come late or fall behind, and characters of canonical text in
   * them; the oldest go first. Up to twice as much is kept before it is cut down, and the last cycle however long it is.
   */
  retainedCycles: 100_000,
  retainedLength: 33_554_432,
  /** Telemetry items that a slow reader may have waiting before it loses the oldest. */
  telemetryBuffer: 1_024,
  /** Discarded effects that a result lists; `usage` goes on counting past it. */
  diagnostics: 10_000,
  /** Context hashes that a job remembers to report an oscillation. */
  oscillationWindow: 1_024,
  /** Nodes of one derivation tree that `Provenance.explain` spells out. */
  explainNodes: 10_000,
  /** Levels of a derivation tree that `Provenance.format` draws. */
  explainDepth: 50,
  /** Layers of earlier results' contexts that a context stands on before it is flattened. */
  contextLayers: 8,
  /** Milliseconds for which a command that met a stray error lets its job end before it cancels it. */
  drainTimeoutMs: 5_000,
  /** Milliseconds of work on the main thread after which a job lets others have a turn. A turn costs some 10 us. */
  sliceMs: 2,
  /** Milliseconds that a task may take on the main thread to be run there for being cheaper there than on a worker. */
  inlineTaskMs: 4,
  /** Milliseconds of the main thread that a batch may take there beyond what was expected before the rest goes to the workers. */
  inlinePatienceMs: 5,
  /** Milliseconds that a new worker may take to load before its spawn counts as failed. */
  workerStartTimeoutMs: 30_000,
  /** Milliseconds for which a thread that was terminated is waited for: a native call cannot be interrupted. */
  workerEndTimeoutMs: 3_000,
  /** Programs that one worker keeps loaded. */
  programsPerWorker: 256,
  /** Milliseconds between two looks of the watchdog at the running tasks. */
  watchdogIntervalMs: 10,
  /** Times in a row that a worker may fail to start before the pool gives its tasks up. */
  workerStartAttempts: 3,
  /** Milliseconds that a worker may leave a task that was handed to it unclaimed, because of what an agent left behind. */
  workerClaimTimeoutMs: 2_000,
  /** Times that a task is handed to another worker because the one that it waited on was lost through no fault of its own. */
  taskReissues: 3,
  /** Tasks that are offered to the workers at a time, of one job; claims and messages are sized by it. */
  roundTasks: 2_048,
  /** Milliseconds that a worker stays with one job while another waits for a worker: what a turn is. */
  turnMs: 4,
  /** Microseconds for which a thread stays awake for a message that is likely to come at once (stayAwake.ts). */
  vigilUs: 200,
  /** How often a thread that stayed awake in vain doubles the number of times that it does not. */
  vigilDoublings: 10,
  /** Milliseconds for which a worker that goes on with the next task keeps finished outcomes to itself. */
  flushMs: 2,
  /** Threads that one pool may have. */
  poolThreads: 1_024,
  /** The least heap and stack of a thread, in MiB: with less, V8 ends the process instead of the thread. */
  leastHeapMb: 16,
  leastStackMb: 1,
  /** Pool default: milliseconds for which a thread is kept without anything to do. */
  workerIdleTimeoutMs: 60_000,
  /** Pool defaults: crashes in a row after which an agent is quarantined, within which time, and for how long. */
  quarantineCrashes: 5,
  quarantineWindowMs: 60_000,
  quarantineCooldownMs: 10_000,
  /** Agents of whose crashes one pool keeps account. */
  quarantineAgents: 4_096,
  /** The least and the usual milliseconds between two looks of the pool at what is not urgent: idle threads, metrics, starvation. */
  houseKeepingLeastMs: 50,
  houseKeepingMs: 1_000,
  /** Milliseconds for which tasks wait while a thread is free before the pool warns that they starve. */
  starvationMs: 1_000,
  /** Milliseconds between two looks of a worker at its own memory. */
  memoryLookMs: 1_000,
  /** Characters of canonical text, and facts, that one message between threads carries. A larger fact goes alone. */
  packetLength: 65_536,
  packetFacts: 256,
  /** Bytes from which on a typed array in a committed value lies in shared memory and is copied to no worker. */
  sharedBytes: 65_536,
  /** Reports of `view.progress` that may be under way from one worker; what is reported meanwhile is lost. */
  progressInFlight: 64,
  /** Characters of JSON that one report of `view.progress` carries; a longer value is reported as its type's name. */
  progressTextLength: 65_536,
  /** Milliseconds between two looks for jobs that somebody asked the store to cancel. */
  cancelPollMs: 1_000,
  /** Milliseconds between two looks for unfinished jobs of the programs that an engine was given. */
  resumeScanMs: 5_000,
  /** Characters of a message or stack that an error carries from an agent. */
  errorTextLength: 8_192,
  /** Prepared statements that one connection to SQLite keeps. */
  sqliteStatements: 64,
  /** Store default: milliseconds for which it waits while another connection holds the file. */
  storeBusyTimeoutMs: 5_000,
  /** The longest that any interval of a store may be: what a timer takes, in milliseconds. */
  storeIntervalMostMs: 2_147_483_647,
  /** Milliseconds between two attempts of the main thread on a busy file. */
  storeBusyRetryMs: 10,
  /** Store default, and the least: milliseconds for which a job stays held if whoever holds it is not heard of. */
  storeLeaseMs: 10_000,
  storeLeaseLeastMs: 100,
  /** Store default: milliseconds between two times that old journals are pruned, where retention is asked for. */
  storeRetentionMs: 3_600_000,
  /** Rows, and bytes of text, that a store reads in one go on the main thread. A larger row goes alone. */
  storePageRows: 256,
  storePageBytes: 524_288,
  /** Jobs in one page of a list. */
  storeListJobs: 1_000,
  /** Writes, and characters of them, that the writer of a store commits together. */
  storeGroupWrites: 1_024,
  storeGroupLength: 4_194_304,
  /** Writes, and characters of them, that may be handed over and not yet written before one more waits for its turn. */
  storeQueuedWrites: 4_096,
  storeQueuedLength: 16_777_216,
  /** Characters of a base, and pieces, that go to the writer in one message. A larger piece goes alone. */
  storePieceLength: 262_144,
  storePieces: 4_096,
  /** Journals that are forgotten, and rows of forgotten ones that are deleted, before the writer turns to other writes. */
  storePruneJobs: 128,
  storePruneRows: 512,
  /** Pages of the write-ahead log after which they are copied to the file: more are cheaper, and slower to open again. */
  storeLogPages: 8_192,
  /** Bytes of the write-ahead log that are kept on disk when it has been emptied. */
  storeLogBytes: 67_108_864,
  /** Milliseconds beyond the busy timeout for which a store that is closed waits for its writer. */
  storeCloseTimeoutMs: 10_000,
  /** Jobs that have ended, and about how many bytes of memory, that a server keeps so that their results can be fetched. */
  serverEndedJobs: 1_000,
  serverEndedBytes: 268_435_456,
  /** Bytes that a fact, or a record of a log, is taken to cost beside its text; measured: 350, and for a cycle of one fact 1,200. */
  serverThingBytes: 512,
  /** Server default: bytes in a body. */
  serverBodyBytes: 4_194_304,
  /** Server default: JSON values in a body, those within others included. */
  serverBodyValues: 100_000,
  /** Server default: facts in one signal. */
  serverSignalFacts: 10_000,
  /** Server default: event streams that are open at a time. */
  serverStreams: 10_000,
  /** Server default, and the least: milliseconds of silence after which a viewer of events is sent a comment. */
  serverHeartbeatMs: 15_000,
  serverHeartbeatLeastMs: 10,
  /** Server default: milliseconds that jobs may go on when the server shuts down. */
  serverDrainMs: 5_000,
  /** Milliseconds beyond that for which jobs that are cancelled, and answers that are being written, are waited for. */
  serverCloseMs: 2_000,
  /** Milliseconds beyond the draining after which a server's process ends, whatever it waits for. */
  serverEndMs: 10_000,
  /** Milliseconds in which whoever asks for readiness is answered, whatever the store does. */
  serverProbeMs: 1_000,
  /** Milliseconds for which a write waits before a server says that its store does not take any: one is done in a few. */
  serverWriteMs: 2_000,
  /**
   * The newest events of a job that are kept as they are sent to its viewers, and their characters in total. A longer event
   * than the last of these is written anew for each viewer.
   */
  serverWrittenEvents: 256,
  serverWrittenLength: 1_048_576,
  serverWrittenEventLength: 65_536,
  /** Characters of a path's parameter, such as a fact's id. */
  serverParamLength: 8_192,
  /** JSON values of which a client is told all that is wrong with them, and not the first thing alone. */
  serverToldValues: 1_000,
  /** Things that are wrong which a problem lists; characters of its detail, and of the name of a property in it. */
  serverToldIssues: 20,
  serverDetailLength: 2_048,
  serverToldKey: 128,
  /** Seconds after which a client that was turned away may ask again. */
  serverRetryAfterS: 1,
  /** Jobs, or facts, in one page. */
  serverPage: 100,
  /** Messages that wait for a slow relay before the oldest are dropped; default of `queueCapacity` of `Stately.connect`. */
  inspectorQueueCapacity: 1_024,
  /** Live actors that are registered again after a reconnect; beyond it, the oldest are forgotten. */
  inspectorRegisteredActors: 2_048,
  /** Characters of one message to an inspector; a longer one goes out without its context, output or payload. */
  inspectorMessageLength: 65_536,
  /** Levels, and values in total, of something that is not JSON before the rest of it is left out. */
  inspectorPlainDepth: 10,
  inspectorPlainValues: 10_000,
  /** Milliseconds of the main thread that the publisher takes in one go, and messages that it encodes in it at most. */
  inspectorSliceMs: 1,
  inspectorSliceMessages: 64,
  /** Milliseconds for which `Stately.connect` waits for the first attempt, so that a short job is seen from its start. */
  inspectorFirstAttemptMs: 1_000,
  /** Milliseconds that the relay has for the WebSocket handshake. */
  inspectorHandshakeMs: 5_000,
  /** Milliseconds before another attempt to connect: the first delay, which doubles up to the second. */
  inspectorReconnectLeastMs: 100,
  inspectorReconnectMostMs: 5_000,
  /** Milliseconds for which closing the scope waits until queued messages are sent and the relay has said goodbye. */
  inspectorFlushMs: 500
} as const
