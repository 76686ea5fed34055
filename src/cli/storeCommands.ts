/**
 * The commands about jobs that are kept in a file, and the one that checks a program's determinism: flags and help.
 *
 * Boundary: definitions. The work of each command is in a file of its own, loaded when the command is called.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { attributeFlag } from "./attributes.ts"
import * as flags from "./flags.ts"
import { define } from "./definition.ts"
import { lazily } from "./lazily.ts"

const readingCodes = `Exit code: 0, or 3 if a journal was changed, 64 if there is no such job or file.`

/** A job's id, perhaps after a module. */
const job = Argument.String("job").pipe(
  Argument.variadic(),
  Argument.withDescription("The job's id, and before it, if you like, the path of its module")
)

const cycleFlag = (name: string, description: string) =>
  flags.optional(
    Flag.Int(name).pipe(Flag.withMetavar("cycle"), Flag.withDescription(description), Flag.withSchema(flags.Count))
  )

export const prune = define(
  "prune",
  {
    store: flags.store,
    olderThanMs: flags.duration("older-than", "Delete jobs that ended longer ago than this, such as 7d or 12h"),
    json: flags.json
  },
  {
    short: "Delete the journals of old jobs",
    long: `Delete the journals of jobs that ended some time ago. Unfinished jobs stay.

The file reuses the space, but does not shrink. A server may use the file meanwhile.

Exit code: 0, or 64 if there is no such file.`,
    examples: [{ command: "converge prune --store jobs.db --older-than 7d", description: "All that ended a week ago" }]
  },
  (host, options) =>
    lazily(
      () => import("./prune.ts"),
      ({ prune }) => prune(host, options)
    )
)

export const resume = define(
  "resume",
  {
    modules: Argument.String("module").pipe(
      Argument.variadic({ min: 1 }),
      Argument.withDescription("The modules that export the jobs' programs")
    ),
    store: flags.store,
    id: flags.optional(Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("Resume this job only"))),
    program: flags.program,
    workers: flags.workers,
    durability: flags.durability,
    json: flags.json,
    facts: flags.facts,
    strict: flags.strict,
    quiet: flags.quiet
  },
  {
    short: "Resume unfinished jobs",
    long: `Resume all unfinished jobs of the modules' programs, and print how each ended.

It skips jobs that another process runs. With --json each result is one line. Ctrl-C leaves the
jobs in the store. The exit code is that of the job with the worst end.

${flags.exitCodes}`,
    examples: [
      { command: "converge resume ./audit.ts --store jobs.db", description: "All unfinished jobs of the module" },
      { command: "converge resume ./audit.ts --store jobs.db --id audit-42", description: "One job" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./resume.ts"),
      ({ resume }) => resume(host, options)
    )
)

export const jobs = define(
  "jobs",
  {
    store: flags.store,
    status: flags.optional(
      Flag.Literals("status", ["unfinished", "converged", "budget-exhausted", "failed", "cancelled"]).pipe(
        Flag.withDescription("Only this status")
      )
    ),
    program: flags.optional(
      Flag.String("program").pipe(
        Flag.withAlias("p"),
        Flag.withMetavar("name"),
        Flag.withDescription("Only jobs of this program")
      )
    ),
    limit: flags.optional(
      Flag.Int("limit").pipe(
        Flag.withAlias("n"),
        Flag.withMetavar("n"),
        Flag.withDescription("Jobs to list, up to 1000 (default: 100)")
      )
    ),
    cursor: flags.optional(
      Flag.String("cursor").pipe(
        Flag.withMetavar("text"),
        Flag.withDescription("Continue a list, with the cursor that it gave")
      )
    ),
    before: flags.optional(
      Flag.String("before").pipe(
        Flag.withMetavar("text"),
        Flag.withDescription("Go back in a list, with the place that it gave")
      )
    ),
    attribute: attributeFlag("Only jobs with this attribute"),
    json: flags.json
  },
  {
    short: "List the jobs in a store",
    long: `List the jobs in a store, newest first.\n\n${readingCodes}`,
    examples: [
      { command: "converge jobs --store jobs.db", description: "The newest 100" },
      {
        command: "converge jobs --store jobs.db --status unfinished --json",
        description: "The jobs that can be resumed"
      },
      { command: "converge jobs --store jobs.db --attribute customer=Ada", description: "The jobs of one customer" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./jobs.ts"),
      ({ jobs }) => jobs(host, options)
    )
)

export const show = define(
  "show",
  {
    args: job,
    id: flags.id,
    store: flags.optional(flags.store),
    server: flags.server,
    json: flags.json,
    facts: flags.facts
  },
  {
    short: "Show one job of a store, or of a server",
    long: `Show one job of a store: why it stands where it does, its usage, the number of its facts, and its last
hash in full. With --server, show a job of a running server: why it stands where it does, and the
tasks that run and wait at this moment. CONVERGE_TOKEN has the server's token.

${readingCodes}`,
    examples: [
      { command: "converge show audit-42 --store jobs.db", description: "One job" },
      { command: "converge show audit-42 --server http://localhost:8080", description: "What runs now" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./show.ts"),
      ({ show }) => show(host, options)
    )
)

export const cancel = define(
  "cancel",
  {
    args: job,
    id: flags.id,
    store: flags.store,
    timeoutMs: flags
      .duration("timeout", "The longest wait for a process that runs the job; a number: seconds (default: 30s)", 1_000)
      .pipe(Flag.withDefault(30_000)),
    json: flags.json
  },
  {
    short: "End a job of a store for good",
    long: `End a job of a store for good, as cancelled.

A job that no process runs ends at once. If a process runs the job, this command asks it to
cancel the job, and waits.

Exit code: 0 if the job has ended, 3 if it did not end in time, 64 if there is no such job or file.`,
    examples: [{ command: "converge cancel audit-42 --store jobs.db", description: "Cancel one job" }]
  },
  (host, options) =>
    lazily(
      () => import("./cancel.ts"),
      ({ cancel }) => cancel(host, options)
    )
)

export const replay = define(
  "replay",
  { args: job, id: flags.id, store: flags.store, at: flags.at, facts: flags.facts, json: flags.json },
  {
    short: "Show the context of a job after any cycle",
    long: `Show the context of a stored job after any cycle, from its journal. Nothing is executed.\n\n${readingCodes}`,
    examples: [
      { command: "converge replay audit-42 --at 7 --facts --store jobs.db", description: "All facts after cycle 7" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./replay.ts"),
      ({ replay }) => replay(host, options)
    )
)

export const diff = define(
  "diff",
  {
    args: Argument.String("job-and-cycles").pipe(
      Argument.variadic(),
      Argument.withDescription("The job's id and two cycles")
    ),
    id: flags.id,
    from: cycleFlag("from", "The earlier cycle, instead of the argument"),
    to: cycleFlag("to", "The later cycle, instead of the argument"),
    store: flags.store,
    json: flags.json
  },
  {
    short: "Show the changes of some cycles of a job",
    long: `Show how a stored job's context changed from one cycle to another: the facts that were added,
revised and removed, and the evaluations.\n\n${readingCodes}`,
    examples: [
      { command: "converge diff audit-42 7 8 --store jobs.db", description: "The changes of cycle 8" },
      { command: "converge diff audit-42 0 8 --store jobs.db --json", description: "The changes of all cycles up to 8" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./replay.ts"),
      ({ diff }) => diff(host, options)
    )
)

export const explain = define(
  "explain",
  {
    args: Argument.String("job-and-fact").pipe(
      Argument.variadic(),
      Argument.withDescription("The job's id and a fact, as kind/id")
    ),
    id: flags.id,
    store: flags.store,
    at: flags.at,
    json: flags.json
  },
  {
    short: "Show where a fact of a job comes from",
    long: `Show where a fact of a stored job comes from: which agents, cycles and facts.\n\n${readingCodes}`,
    examples: [
      { command: "converge explain audit-42 Import/src/a.ts --store jobs.db", description: "Where one fact comes from" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./replay.ts"),
      ({ explain }) => explain(host, options)
    )
)

export const lineage = define(
  "lineage",
  {
    args: Argument.String("job-and-fact").pipe(
      Argument.variadic(),
      Argument.withDescription("The job's id and a fact, as kind/id")
    ),
    id: flags.id,
    store: flags.store,
    at: flags.at,
    without: Flag.Boolean("without").pipe(
      Flag.withDescription("Only the facts that would go without it"),
      Flag.withDefault(false)
    ),
    json: flags.json
  },
  {
    short: "Show what follows from a fact of a job",
    long: `Show the facts of a stored job that come, however indirectly, from a fact. With --without: only
those that would go without it, as far as the recorded derivations tell.\n\n${readingCodes}`,
    examples: [
      { command: "converge lineage audit-42 File/src/a.ts --store jobs.db", description: "All that follows" },
      {
        command: "converge lineage audit-42 File/src/a.ts --without --store jobs.db",
        description: "What would not be there without it"
      }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./lineage.ts"),
      ({ lineage }) => lineage(host, options)
    )
)

export const events = define(
  "events",
  {
    args: job,
    id: flags.id,
    store: flags.store,
    after: flags.optional(
      Flag.Int("after").pipe(
        Flag.withMetavar("seq"),
        Flag.withDescription("Only events after this number"),
        Flag.withSchema(flags.Count)
      )
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print a line of JSON for each event"),
      Flag.withDefault(false)
    )
  },
  {
    short: "Print the event log of a job",
    long: `Print the event log of a stored job, from its journal.\n\n${readingCodes}`,
    examples: [
      { command: "converge events audit-42 --store jobs.db", description: "One line for each event" },
      { command: "converge events audit-42 --store jobs.db --json --after 100", description: "As JSON, from 101 on" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./replay.ts"),
      ({ events }) => events(host, options)
    )
)

export const fork = define(
  "fork",
  {
    module: Argument.String("module").pipe(Argument.withDescription("The module that exports the job's program")),
    job: Argument.String("job").pipe(Argument.withDescription("The id of the job that is forked")),
    program: flags.program,
    store: flags.store,
    at: flags.at,
    fact: Flag.String("fact").pipe(
      Flag.atLeast(0),
      Flag.withMetavar("kind=json"),
      Flag.withDescription("A fact that the new job begins with; it replaces one of the same id; may be repeated")
    ),
    id: flags.optional(
      Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("The new job's id (default: a random one)"))
    ),
    input: flags.optional(
      Flag.String("input").pipe(
        Flag.withAlias("i"),
        Flag.withMetavar("json"),
        Flag.withDescription("Another input, whose seeds are added (default: that of the job)")
      )
    ),
    inputFile: flags.inputFile,
    workers: flags.workers,
    durability: flags.durability,
    json: flags.json,
    facts: flags.facts,
    quiet: flags.quiet
  },
  {
    short: "Run a new job from a past cycle of another",
    long: `Run a new job from a past cycle of a stored one, with other facts, and print its result. The
stored job does not change; the new one is kept in the same store.

${flags.exitCodes}`,
    examples: [
      {
        command: 'converge fork ./audit.ts audit-42 --at 7 --fact \'File={"path": "a.ts"}\' --store jobs.db',
        description: "What if there had been another file?"
      }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./fork.ts"),
      ({ fork }) => fork(host, options)
    )
)

export const verify = define(
  "verify",
  {
    args: Argument.String("module").pipe(
      Argument.variadic(),
      Argument.withDescription("The module of the program to run; with --store, ids of jobs")
    ),
    program: flags.program,
    input: flags.input,
    inputFile: flags.inputFile,
    workers: Flag.String("workers").pipe(
      Flag.withAlias("w"),
      Flag.withMetavar("n,n,..."),
      Flag.withDescription("The numbers of workers to run it with (default: 0,1,2,4)"),
      Flag.withDefault("0,1,2,4")
    ),
    shuffles: Flag.Int("shuffles").pipe(
      Flag.withMetavar("n"),
      Flag.withDescription("The number of runs with another order of tasks (default: 4)"),
      Flag.withSchema(flags.Count),
      Flag.withDefault(4)
    ),
    arrivals: Flag.Boolean("arrivals").pipe(
      Flag.withDescription("Also check that the facts do not depend on when the seeds arrive"),
      Flag.withDefault(false)
    ),
    signals: flags.optional(
      Flag.String("signals").pipe(
        Flag.withMetavar("file"),
        Flag.withDescription("With --arrivals: facts that arrive beside the seeds, a JSON array of {kind, value}")
      )
    ),
    store: flags.optional(
      Flag.String("store").pipe(
        Flag.withAlias("s"),
        Flag.withMetavar("file"),
        Flag.withDescription("Check the journals in this file instead: the named jobs, or all")
      )
    ),
    id: flags.optional(
      Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("With --store: a job to check"))
    ),
    json: flags.json,
    quiet: flags.quiet
  },
  {
    short: "Check that a program is deterministic, or that journals are intact",
    long: `Check that a program is deterministic. It is run with several numbers of workers, and with tasks
that end in other orders. All runs must agree on every cycle, the hash, the context and the event
log. If they differ, the first cycle and task that differ are named. Diagnostics are printed, and a
discarded defect (an agent that threw, or gave what is no effect) fails the check.

With --arrivals it is also run with its seeds in parts, which arrive in several orders. The facts
at the end must be the same. The first fact that is missing is named, and the agent that adds it.
The facts of --signals arrive in the same way; their kinds must be among the program's signals.

With --store: check every hash of the journals' chains, and the structure of the file. The file
does not change.

Exit code: 0, or 3 if something differs or is damaged or a defect was discarded, 64 usage.`,
    examples: [
      { command: "converge verify ./audit.ts --workers 0,8 --shuffles 20", description: "A program" },
      { command: "converge verify ./audit.ts --arrivals", description: "A program, and orders of arrival" },
      { command: "converge verify --store jobs.db", description: "All journals of a store" },
      { command: "converge verify --store jobs.db audit-42", description: "One of them" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./verify.ts"),
      ({ verify }) => verify(host, options)
    )
)

const force = Flag.Boolean("force").pipe(
  Flag.withDescription("Replace the store that is there"),
  Flag.withDefault(false)
)

export const backup = define(
  "backup",
  {
    to: Argument.String("to").pipe(Argument.withDescription("The file to make")),
    store: flags.store,
    json: flags.json
  },
  {
    short: "Copy a store to a new file",
    long: `Copy a store to a new file, as it is at this moment. Processes may use the store meanwhile.

Exit code: 0, 3 if the store is damaged, 64 if there is no such store, or if the file exists.`,
    examples: [{ command: "converge backup jobs-2026-11-29.db --store jobs.db", description: "One copy" }]
  },
  (host, options) =>
    lazily(
      () => import("./backup.ts"),
      ({ backup }) => backup(host, options)
    )
)

export const restore = define(
  "restore",
  {
    from: Argument.String("from").pipe(Argument.withDescription("The backup")),
    store: flags.store,
    force,
    json: flags.json
  },
  {
    short: "Replace a store by a backup",
    long: `Replace a store by a copy of a backup. The backup is checked first, and does not change. Stop all
processes that use the store: a store that is open is not replaced. Do not copy the file by
hand: the write-ahead log beside it (-wal) belongs to the old file, and would damage a new one.

Exit code: 0, 3 if the backup is damaged, 64 if there is no backup, or a store without --force.`,
    examples: [{ command: "converge restore jobs-2026-11-29.db --store jobs.db --force", description: "Go back" }]
  },
  (host, options) =>
    lazily(
      () => import("./backup.ts"),
      ({ restore }) => restore(host, options)
    )
)

export const rehearse = define(
  "rehearse",
  {
    module: Argument.String("module").pipe(Argument.withDescription("The module with the new code")),
    program: flags.program,
    store: flags.store,
    job: Flag.String("job").pipe(
      Flag.withMetavar("id"),
      Flag.withDescription("Rehearse this job; may be repeated (default: all jobs of the program)"),
      Flag.atLeast(0)
    ),
    json: flags.json
  },
  {
    short: "Run new code over stored jobs, and show what comes out otherwise",
    long: `Run new code over stored jobs, and show what comes out otherwise.

Each job runs again from its input, and a fork from the context that it began with. Fiber agents
and intents answer what they answered in the store, so nothing is asked, sent or paid; CPU agents,
joins and folds run the new code. Child jobs are rehearsed, too, if the module has their programs.
A job that has not ended, or was cancelled, is compared up to its last cycle. A job that cannot be
rehearsed is named, and jobs of other programs are counted. The store is left as it is.

Exit code: 0, or 3 if a fact, an intent or an end comes out otherwise, or a task has no stored
answer.`,
    examples: [
      { command: "converge rehearse ./audit.ts --store jobs.db", description: "All jobs of the program" },
      { command: "converge rehearse ./audit.ts --store jobs.db --job audit-42", description: "One job" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./rehearse.ts"),
      ({ rehearse }) => rehearse(host, options)
    )
)

export const exportJob = define(
  "export",
  {
    args: job,
    id: flags.id,
    store: flags.store,
    program: flags.program,
    minimize: Flag.Boolean("minimize").pipe(
      Flag.withDescription("Leave out seeds and signals while the failure stays; needs the module"),
      Flag.withDefault(false)
    ),
    out: Flag.String("out").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("file"),
      Flag.withDescription("The file to write (default: case.json)"),
      Flag.withDefault("case.json")
    ),
    json: flags.json
  },
  {
    short: "Write a job as a case that ends the same way on any machine",
    long: `Write a job as a case that ends the same way on any machine.

The file has the job's input, the answers of its agents and of its intents, its signals, its
end and its hash. With a module, it names the module, too. "converge run" runs it.

Exit code: 0, or 3 if the module does not end the job as it ended, 64 if there is no such job.`,
    examples: [
      {
        command: "converge export ./audit.ts audit-42 --store jobs.db --minimize --out case.json",
        description: "The smallest case that fails in the same way"
      },
      { command: "converge run case.json", description: "Run it, here or elsewhere" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./case.ts"),
      ({ exportCase }) => exportCase(host, options)
    )
)
