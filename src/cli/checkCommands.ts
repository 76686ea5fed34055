/**
 * The commands that check programs and journals, and those that write files of jobs: flags and help.
 *
 * Boundary: definitions. The work of each command is in a file of its own, loaded when the command is called.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { define } from "./definition.ts"
import * as flags from "./flags.ts"
import { from } from "./lazily.ts"

export const verify = define(
  "verify",
  {
    args: Argument.String("module").pipe(
      Argument.variadic(),
      Argument.withDescription("The module of the program to run, or ids of jobs")
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
    ...flags.place,
    id: flags.optional(
      Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("A job to check, whatever its id looks like"))
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

With --store or --server, or ids of jobs: check every hash of the journals' chains, and the structure
of the file. The file does not change. CONVERGE_STORE or CONVERGE_SERVER names the place, too, if the
argument is no module: no path, and no name of a file or of a package.

Exit code: 0, or 3 if something differs or is damaged or a defect was discarded, 64 usage.`,
    examples: [
      { command: "converge verify ./audit.ts --workers 0,8 --shuffles 20", description: "A program" },
      { command: "converge verify ./audit.ts --arrivals", description: "A program, and orders of arrival" },
      { command: "converge verify --store jobs.db", description: "All journals of a store" },
      { command: "converge verify --store jobs.db audit-42", description: "One of them" }
    ]
  },
  from(
    () => import("./verify.ts"),
    ({ verify }) => verify
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
    ...flags.place,
    json: flags.json
  },
  {
    short: "Copy a store to a new file",
    long: `Copy a store to a new file, as it is at this moment. Processes may use the store meanwhile. A server
sends a copy of its store, which needs a token that may steer jobs of all programs.

${flags.places}

Exit code: 0, 3 if the store is damaged or the server keeps none, 64 if there is no such store, or if
the file exists, 70 if the server cannot be reached.`,
    examples: [
      { command: "converge backup jobs-2026-11-29.db --store jobs.db", description: "One copy" },
      { command: "converge backup jobs.db --server http://localhost:8080", description: "Of a server's store" }
    ]
  },
  from(
    () => import("./backup.ts"),
    ({ backup }) => backup
  )
)

export const restore = define(
  "restore",
  {
    from: Argument.String("from").pipe(Argument.withDescription("The backup")),
    ...flags.place,
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
  from(
    () => import("./backup.ts"),
    ({ restore }) => restore
  )
)

export const rehearse = define(
  "rehearse",
  {
    module: Argument.String("module").pipe(Argument.withDescription("The module with the new code")),
    program: flags.program,
    ...flags.place,
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
  from(
    () => import("./rehearse.ts"),
    ({ rehearse }) => rehearse
  )
)

export const exportJob = define(
  "export",
  {
    args: flags.job,
    id: flags.id,
    ...flags.place,
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
  from(
    () => import("./case.ts"),
    ({ exportCase }) => exportCase
  )
)

export const inspect = define(
  "inspect",
  {
    args: flags.job,
    id: flags.id,
    ...flags.place,
    out: Flag.String("out").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("file"),
      Flag.withDescription("The page to write, such as report.html")
    ),
    force: Flag.Boolean("force").pipe(Flag.withDescription("Replace the file if it is there"), Flag.withDefault(false)),
    json: flags.json
  },
  {
    short: "Write a job to a page that anybody can open",
    long: `Write a stored job to one file, to attach to a report of a bug. A browser opens it from the disk: it
shows the job as the inspector does, and asks no server. The facts of every cycle are in it.

The page has the input, the facts and the output of the job: look whether you may share them. A very
large job is not whole in it, and the page says what it leaves out.

A journal has no graph of the program. With --server the page has it by itself, if the server serves
the program. Give the job's module for a job of a file, and for one whose program the server does not
serve.

Exit code: 0, or 3 if the journal was changed (the page shows what comes before that), 64 if there is
no such job or file.`,
    examples: [
      { command: "converge inspect audit-42 --store jobs.db --out report.html", description: "A page of one job" },
      {
        command: "converge inspect ./audit.ts audit-42 --store jobs.db --out report.html",
        description: "With the graph of its program"
      },
      {
        command: "converge inspect audit-42 --server http://localhost:8080 --out report.html",
        description: "As the server that serves its program tells it, with the graph"
      }
    ]
  },
  from(
    () => import("./inspect.ts"),
    ({ inspect }) => inspect
  )
)
