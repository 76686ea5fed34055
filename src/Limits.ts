/**
 * Every limit of the runtime, in one place: nothing here is unbounded (G14).
 *
 * A limit that a user may want to move is an option of the layer or function to which it belongs; the value here is its
 * default. The others are fixed. Units stand last in a name; a length is in characters. Boundary: numbers only.
 */
export const Limits = {
  /** Characters of the id that a job is given. */
  jobIdLength: 200,
  /** Attributes of a job, and characters of the name and of the value of one. */
  jobAttributes: 16,
  jobAttributeNameLength: 64,
  jobAttributeValueLength: 256,
  /** Levels of nesting in one value. A deeper or circular value is refused, since it cannot be encoded. */
  valueDepth: 256,
  /** Issues of one value that an error names; it counts the others. Of a value of more parts, only the first is looked for. */
  valueIssues: 16,
  valueSearched: 1_000,
  /** Budget default: cycles that may execute before a job is exhausted. */
  maxCycles: 1_000,
  /** Budget default: facts that a job may commit, seeds included. */
  maxFacts: 1_000_000,
  /** Jobs that one engine runs at a time. Further ones wait in its queue. */
  runningJobs: 1_000,
  /** Jobs that wait for a place on one engine. A further one is refused with `AdmissionRejected`. */
  queuedJobs: 10_000,
  /** Characters of the inputs and seeds of jobs that wait, from which on a further job is refused: both can be large. */
  queuedLength: 134_217_728,
  /** Child jobs of the same depth that one engine has under way at a time. Further ones wait. */
  childJobs: 1_000,
  /** Depth of the tree of child jobs: a job that a caller started has depth 0. An intent that asks for a deeper one fails. */
  childDepth: 100,
  /** Jobs that a tree of child jobs has below its first job, until that job has the answers of its children. More fail. */
  descendants: 10_000,
  /** Characters of a child job's id that is its parent's id and its intent's key. A longer one is shortened, with a hash. */
  childIdLength: 200,
  /** Characters of its parent's id that such a shortened id begins with. */
  childIdPrefixLength: 64,
  /** Errors of child jobs within each other that the error of the topmost one keeps. Others are counted. */
  childErrors: 8,
  /** Fiber tasks of one job that are under way at a time. */
  fiberConcurrency: 256,
  /** Keys of one agent's `concurrency` from which on the engine forgets those that hold nobody up. */
  gatesSwept: 1_024,
  /**
   * Signals that wait in one job's mailbox, and characters of their facts. A further one is refused with `AdmissionRejected`.
   * There is room for four server bodies of the default size; a signal that is larger than the whole mailbox is taken when
   * nothing else waits.
   */
  mailboxSignals: 1_024,
  mailboxLength: 16_777_216,
  /** Handlers of one job's intents that run at a time. Approvals and child jobs do not count. */
  handlersUnderWay: 64,
  /** Handler defaults: milliseconds before the first retry, at most before any retry, and the number of retries. */
  handlerRetryMs: 100,
  handlerRetryLongestMs: 60_000,
  handlerRetries: 10,
  /** Proposals in one signal. */
  signalProposals: 100_000,
  /**
   * Committed cycles whose events a job keeps for readers that come late or fall behind, and characters of canonical text in
   * them. The oldest go first. Up to twice as much is kept before it is cut down; the last cycle is kept whatever its length.
   */
  retainedCycles: 100_000,
  retainedLength: 33_554_432,
  /** Tasks of a cycle whose times are recorded in its row; of more, the longest. */
  recordedTasks: 10_000,
  /** Discarded tasks of a cycle that a timeline names although their times are not recorded. */
  untimedTasks: 100,
  /** Telemetry items that wait for a slow reader before it loses the oldest. */
  telemetryBuffer: 1_024,
  /**
   * A diagnosis: the newest events of a live job that it reads, the last cycles that it looks back on, the facts and failures
   * that it follows meanwhile, the last values of a fact, the characters of each text, and the failures, facts and kinds that it
   * names.
   */
  diagnosedEvents: 50_000,
  diagnosedCycles: 50,
  diagnosedFacts: 10_000,
  diagnosedValues: 6,
  diagnosedTextLength: 2_048,
  diagnosedFailures: 10,
  diagnosedDecisions: 10,
  /**
   * A recorded job: the newest facts and revisions in it, the characters of their values and traces, characters of one value, the
   * newest events, and the newest cycles of its timeline. The record says what is left out.
   */
  recordedFacts: 100_000,
  recordedLength: 33_554_432,
  recordedValueLength: 1_048_576,
  /** Characters of an intent's payload, and of an error, in a record. Of a longer one, long texts and long lists are cut. */
  recordedPartLength: 16_384,
  /** Characters of a payload, and of a fact, where a record tells what became of an intent. */
  recordedStoryLength: 1_000,
  recordedEvents: 10_000,
  recordedCycles: 10_000,
  /** Tasks of a job that are named as running, as many as waiting, and as many that have ended in the cycle under way. */
  presentTasks: 100,
  /** Cycles that the error of a job without cycles left looks back on, and agents that it names. */
  busyCycles: 10,
  busyAgents: 5,
  /** Discarded effects that a result lists. `usage` counts further ones, too. */
  diagnostics: 10_000,
  /** Context hashes that a job remembers to report an oscillation. */
  oscillationWindow: 1_024,
  /** Nodes of one derivation tree that `Provenance.explain` spells out. */
  explainNodes: 10_000,
  /** Direct causes that a lineage names of one fact. */
  lineageCauses: 50,
  /** Levels of a derivation tree that `Provenance.format` draws. */
  explainDepth: 50,
  /** Layers of earlier results' contexts on which a context stands before it is flattened. */
  contextLayers: 8,
  /** Milliseconds that a command that met a stray error leaves its job to end before it cancels it. */
  drainTimeoutMs: 5_000,
  /** Milliseconds of work on the main thread after which a job gives up its turn. A turn of the event loop costs some 10 us. */
  sliceMs: 2,
  /** The longest task, in milliseconds, that may run on the main thread because that is cheaper than a worker. */
  inlineTaskMs: 4,
  /** Milliseconds that a batch may take on the main thread beyond the expected time before its rest goes to the workers. */
  inlinePatienceMs: 5,
  /** Milliseconds that a new worker may take to load before its start counts as failed. */
  workerStartTimeoutMs: 30_000,
  /** Milliseconds that the pool waits for the end of a terminated thread: a native call cannot be interrupted. */
  workerEndTimeoutMs: 3_000,
  /** Programs that one worker keeps loaded. */
  programsPerWorker: 256,
  /** Milliseconds between two checks of the running tasks by the watchdog. */
  watchdogIntervalMs: 10,
  /** Intervals of the watchdog that one late check charges at most, so that a stall of the process kills no healthy worker. */
  watchdogCreditIntervals: 5,
  /** Failed starts of a worker in a row after which the pool gives up its tasks. */
  workerStartAttempts: 3,
  /**
   * The same if the system was short of file descriptors, threads or memory, which may pass; and milliseconds before the next
   * start, which double up to the most.
   */
  workerStartShortageAttempts: 8,
  workerStartRetryMs: 100,
  workerStartRetryMostMs: 2_000,
  /** Milliseconds that a worker may leave its next task unclaimed, because work that an agent left behind keeps it busy. */
  workerClaimTimeoutMs: 2_000,
  /** Times that a task goes to another worker because its worker was lost through no fault of the task. */
  taskReissues: 3,
  /** Tasks of one job that are offered to the workers at a time. It sets the size of claims and messages. */
  roundTasks: 2_048,
  /** Milliseconds of a turn: a worker stays with one job for so long while another job waits for a worker. */
  turnMs: 4,
  /** Microseconds that a thread stays awake for a message that is likely to come at once (stayAwake.ts). */
  vigilUs: 200,
  /** Times that a thread that stayed awake in vain doubles the number of waits for which it does not. */
  vigilDoublings: 10,
  /** Characters of an effect's intents, evaluations and trace: a string must be able to hold them escaped. */
  effectRestLength: 67_108_864,
  /** Milliseconds that a worker that goes on with the next task holds back finished outcomes. */
  flushMs: 2,
  /** Threads that one pool may have. */
  poolThreads: 1_024,
  /** The least heap and stack of a thread, in MiB: with less, V8 ends the process instead of the thread. */
  leastHeapMb: 16,
  leastStackMb: 1,
  /** Pool default: milliseconds after which an idle thread is ended. */
  workerIdleTimeoutMs: 60_000,
  /** Pool defaults: crashes in a row after which an agent is quarantined, the time within which they happen, and its length. */
  quarantineCrashes: 5,
  quarantineWindowMs: 60_000,
  quarantineCooldownMs: 10_000,
  /** Agents whose crashes one pool counts. */
  quarantineAgents: 4_096,
  /** The least and the usual milliseconds between two checks of idle threads, metrics and starvation by the pool. */
  houseKeepingLeastMs: 50,
  houseKeepingMs: 1_000,
  /** Milliseconds that tasks wait while a thread is free before the pool warns that they starve. */
  starvationMs: 1_000,
  /** Milliseconds between two checks of its own memory by a worker. */
  memoryLookMs: 1_000,
  /** Characters of canonical text, and facts, that one message between threads carries. A larger fact goes alone. */
  packetLength: 65_536,
  packetFacts: 256,
  /** The least typed array in a committed value, in bytes, that lies in shared memory and is copied to no worker. */
  sharedBytes: 65_536,
  /** Reports of `view.progress` that may be under way from one worker. Further reports are lost meanwhile. */
  progressInFlight: 64,
  /** Characters of JSON in one report of `view.progress`. A longer value is reported as its type's name. */
  progressTextLength: 65_536,
  /** Milliseconds between two searches for jobs whose cancelling the store was asked for. */
  cancelPollMs: 1_000,
  /** Milliseconds between two searches for unfinished jobs of an engine's programs. */
  resumeScanMs: 5_000,
  /**
   * Times that a job is leased without progress before it is quarantined, and the number from which on such jobs are taken up
   * apart, after a pause that doubles with each further time.
   */
  attempts: 5,
  attemptsApart: 3,
  attemptPauseMs: 5_000,
  /** Milliseconds after which a job that was taken up apart, and has neither failed nor got further, holds up no others. */
  attemptTrialMs: 10_000,
  /** Characters of the message, of the stack, and of any other text, that is kept of an error of a program. */
  errorTextLength: 8_192,
  /** Errors in a chain of causes, and levels of nesting in a description; its values, and the characters of its texts. */
  errorDepth: 16,
  errorValues: 1_000,
  /** Values of a program's output that are searched for promises, which have no JSON. */
  outputSearched: 1_000,
  errorLength: 32_768,
  /** Prepared statements that one connection to SQLite keeps. */
  sqliteStatements: 64,
  /** Store default: milliseconds that it waits while another connection holds the file. */
  storeBusyTimeoutMs: 5_000,
  /** The longest interval of a store, in milliseconds: the most that a timer takes. */
  storeIntervalMostMs: 2_147_483_647,
  /** Milliseconds between two attempts of the main thread on a busy file. */
  storeBusyRetryMs: 10,
  /** Store default, and the least: milliseconds of a lease. A job whose holder does not renew it is free after that. */
  storeLeaseMs: 10_000,
  storeLeaseLeastMs: 100,
  /** Other stores whose renewals of leases one store remembers. */
  storeOwners: 1_024,
  /** Store default: milliseconds between two prunings of old journals, if retention is asked for. */
  storeRetentionMs: 3_600_000,
  /** Rows, and bytes of text, that a store reads at once on the main thread. A larger row is read alone. */
  storePageRows: 256,
  storePageBytes: 524_288,
  /** Jobs in one page of a list. */
  storeListJobs: 1_000,
  /** Damaged jobs that a store, and a server, remember. */
  damagedJobs: 1_000,
  /** Bytes of an end, and of a header, that a list of jobs reads for what a job has spent. */
  storeSpendingBytes: 262_144,
  /** Writes, and characters in them, that the writer of a store commits together. */
  storeGroupWrites: 1_024,
  storeGroupLength: 4_194_304,
  /** Writes, and characters in them, that wait for the writer. A further one waits before it is handed over. */
  storeQueuedWrites: 4_096,
  storeQueuedLength: 16_777_216,
  /** Characters of a base, and pieces, that go to the writer in one message. A larger piece goes alone. */
  storePieceLength: 262_144,
  storePieces: 4_096,
  /** Bytes of the largest file that a server checks at its start: a minute on a slow disk. */
  storeCheckBytes: 4_294_967_296,
  /** Bytes of the row with which a store finds out whether it can write. */
  storeProbeBytes: 65_536,
  /** Journals that a pruning forgets, and rows of forgotten ones that it deletes, before the writer turns to other writes. */
  storePruneJobs: 128,
  storePruneRows: 512,
  /** Pages of the write-ahead log after which it is copied to the file. More are cheaper, and slower to open again. */
  storeLogPages: 8_192,
  /** Bytes on disk that the write-ahead log keeps when it is emptied. */
  storeLogBytes: 67_108_864,
  /** Milliseconds beyond the busy timeout that a store waits for its writer when it is closed. */
  storeCloseTimeoutMs: 10_000,
  /** Problems of a file's structure that a check of it lists. */
  storeProblems: 100,
  /** Ended jobs that a server keeps so that clients can fetch their results, and about how many bytes of memory they take. */
  serverEndedJobs: 1_000,
  serverEndedBytes: 268_435_456,
  /**
   * Milliseconds without a question after which a server lets go of an ended job, or of a past context, that alone takes more
   * than all of them may. One of each stays at a time.
   */
  serverLargeStayMs: 60_000,
  /** Diagnoses that a server keeps of jobs that it does not hold. */
  serverDiagnoses: 32,
  /** The assumed bytes of a fact, or of a log's record, besides its text. Measured: 350, and 1,200 for a cycle of one fact. */
  serverThingBytes: 512,
  /** Server default: bytes in a body. */
  serverBodyBytes: 4_194_304,
  /** Server default: JSON values in a body, nested ones included. */
  serverBodyValues: 100_000,
  /** Server default: facts in one signal. */
  serverSignalFacts: 10_000,
  /** Server default: event streams that are open at a time. */
  serverStreams: 10_000,
  /** Server default, and the least: milliseconds of silence after which a viewer of events is sent a comment. */
  serverHeartbeatMs: 15_000,
  /** Milliseconds after which a stream of NDJSON shows that it is there, if no event does. */
  serverFirstBeatMs: 2_000,
  serverHeartbeatLeastMs: 10,
  /** Server default: milliseconds that jobs may go on while the server shuts down. */
  serverDrainMs: 5_000,
  /**
   * Milliseconds that a question about a job that has just halted waits for its result to be stored, and that a server which
   * closes stays for the viewers of such a job.
   */
  serverSettleMs: 1_000,
  /** Milliseconds beyond the draining that the server waits for cancelled jobs, and for answers that are being written. */
  serverCloseMs: 2_000,
  /** Milliseconds beyond the draining after which a server's process ends in any case. */
  serverEndMs: 10_000,
  /** Milliseconds within which a request for readiness is answered, whatever the store does. */
  serverProbeMs: 1_000,
  /** Milliseconds between two writes with which a server that is asked for its readiness tries a store that took none, or did. */
  serverStoreRetryMs: 1_000,
  serverStoreCheckMs: 30_000,
  /** Milliseconds that a write waits before a server says that its store takes none. Usually a write takes a few. */
  serverWriteMs: 2_000,
  /**
   * The newest events of a job whose texts are kept for its viewers, the characters of these texts in total, and those and the
   * facts of the longest one. A longer event is written anew for each viewer, with many facts in pieces.
   */
  serverWrittenEvents: 256,
  serverWrittenLength: 1_048_576,
  serverWrittenEventLength: 65_536,
  serverWrittenFacts: 128,
  /**
   * Telemetry that is kept for viewers that come back: characters of the items of one job (their number is `telemetryBuffer`),
   * and of all jobs; ended jobs whose items are kept; and characters that an item may have besides its value.
   */
  serverTelemetryJobLength: 1_048_576,
  serverTelemetryLength: 67_108_864,
  serverTelemetryEnded: 100,
  serverTelemetryNameLength: 16_384,
  /** Contexts of past cycles that a server keeps between two questions, and about how many bytes they take. */
  serverReplays: 4,
  serverReplayBytes: 134_217_728,
  /** Jobs whose recorded times and counts of tasks a server keeps between two questions. */
  serverWorks: 100,
  /**
   * An event in a list: characters up to which it stays as it is; the facts that are sent of an event with more than twice as
   * many; and of a longer event characters of the value of each fact and of every other text, and parts of other lists.
   */
  briefEventLength: 1_000,
  briefFacts: 2,
  briefValueLength: 100,
  briefTextLength: 400,
  briefParts: 50,
  /** Facts that one request for a text looks at. */
  serverSearchedFacts: 100_000,
  /** Jobs that one request for a text looks at. */
  serverSearchedJobs: 20_000,
  /** Journals that are read for one page of open approvals. */
  serverApprovalJournals: 16,
  /** Facts of the answer to an intent that a list of intents shows. */
  serverAnswerFacts: 20,
  /** Characters of rows, or of pieces of a context, in one answer about a journal. A larger row goes alone. */
  serverJournalLength: 2_097_152,
  /** Characters of a long answer, or of a long event, that are written at once. */
  serverPieceLength: 65_536,
  /** About how many bytes all clients hold that are being sent something long, before no more journals are read for them. */
  serverViewerBytes: 134_217_728,
  /** Milliseconds without reading after which a client is hung up on if there is no room, and between two looks for room. */
  serverViewerPatienceMs: 1_000,
  serverViewerRetryMs: 50,
  /** Milliseconds after which a client that reads nothing of its answer is hung up on. */
  serverWriteTimeoutMs: 30_000,
  /** Client: connections to a job's log that break in a row, without an event in between, before the stream fails. */
  clientReconnects: 10,
  /** Client: milliseconds before a broken connection is made again; twice as long each time, up to 64 times as long. */
  clientReconnectMs: 100,
  /**
   * Client: milliseconds of silence on a stream of events after which its connection counts as broken: four heartbeats of a
   * server. To one that has longer intervals (`heartbeatMs`), the connection is made again so often, and nothing is lost.
   */
  clientSilenceMs: 60_000,
  /** Client: milliseconds that a connection that is made again may take. Shorter than `clientNoteMs`: one note is enough. */
  clientAnswerMs: 9_000,
  /** Command line: milliseconds without an answer after which the user is told that a server does not answer. */
  clientNoteMs: 10_000,
  /** Characters of a path's parameter, such as a fact's id. */
  serverParamLength: 8_192,
  /** Server default: milliseconds that a connection may wait for its next request. Proxies keep theirs for up to a minute. */
  serverKeepAliveMs: 65_000,
  /** Bytes from which on an answer of JSON or a page is compressed. A smaller one fits a packet either way. */
  serverCompressedBytes: 1_400,
  /** The longest time that journals of ended jobs are kept by a setting: a hundred years. */
  retentionMostMs: 3_155_760_000_000,
  /** Characters of a header's list that are read. Browsers send a few hundred. */
  serverListLength: 4_096,
  /** Bodies with up to this many JSON values get all validation errors; larger ones, only the first. */
  serverToldValues: 1_000,
  /** Validation errors that a problem lists, characters of its detail, and characters of a property's name in it. */
  serverToldIssues: 20,
  serverDetailLength: 2_048,
  serverToldKey: 128,
  /** Seconds after which a client that was turned away may ask again. */
  serverRetryAfterS: 1,
  /** Jobs, or facts, in one page. */
  serverPage: 100,
  /** Messages that wait for a slow relay before the oldest are dropped; default of `queueCapacity` of `Stately.connect`. */
  inspectorQueueCapacity: 1_024,
  /** Live actors that are registered again after a reconnect. Of more, the oldest are forgotten. */
  inspectorRegisteredActors: 2_048,
  /** Characters of one message to an inspector. A longer one goes out without its context, output or payload. */
  inspectorMessageLength: 65_536,
  /** Levels, and values in total, of a value that is not JSON. The rest of it is left out. */
  inspectorPlainDepth: 10,
  inspectorPlainValues: 10_000,
  /** Milliseconds of the main thread that the publisher takes at once, and messages that it encodes in that time at most. */
  inspectorSliceMs: 1,
  inspectorSliceMessages: 64,
  /** Milliseconds that `Stately.connect` waits for the first attempt, so that a short job is seen from its start. */
  inspectorFirstAttemptMs: 1_000,
  /** Milliseconds that the relay has for the WebSocket handshake. */
  inspectorHandshakeMs: 5_000,
  /** Milliseconds before another attempt to connect: the first delay, which doubles up to the second. */
  inspectorReconnectLeastMs: 100,
  inspectorReconnectMostMs: 5_000,
  /** Milliseconds that closing the scope waits until queued messages are sent and the relay has said goodbye. */
  inspectorFlushMs: 500
} as const
