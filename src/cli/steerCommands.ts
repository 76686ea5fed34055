/**
 * The commands that change jobs of a file or of a server: flags and help.
 *
 * Boundary: definitions. The work of each command is in a file of its own, loaded when the command is called.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { attributeFlag } from "./attributes.ts"
import { define } from "./definition.ts"
import * as flags from "./flags.ts"
import { from } from "./lazily.ts"

/** The help of the commands that a file takes, too. */
const codes = `${flags.places}

Exit code: 0, 3 if it was refused, 64 if there is no such job or the call is wrong, 70 if the server
cannot be reached.`

/** The help of the commands that only a server takes. */
const serverCodes = `Only the engine that runs a job can do this, so a file (--store) does not take it. The server is
--server, or CONVERGE_SERVER; the token is CONVERGE_TOKEN.

Exit code: 0, 3 if the server refused it, 64 if there is no such job or the call is wrong, 70 if the
server cannot be reached.`

const job = Argument.String("job").pipe(Argument.withDescription("The job's id"))

export const resume = define(
  "resume",
  {
    args: Argument.String("module-or-job").pipe(
      Argument.variadic(),
      Argument.withDescription("The modules that export the jobs' programs; with a server, ids of jobs")
    ),
    ...flags.place,
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

With a server, name jobs by their ids: paused and suspended ones go on there, and are followed to
their ends.

${flags.places}

${flags.exitCodes}`,
    examples: [
      { command: "converge resume ./audit.ts --store jobs.db", description: "All unfinished jobs of the module" },
      { command: "converge resume ./audit.ts --store jobs.db --id audit-42", description: "One job" },
      { command: "converge resume audit-42 --server http://localhost:8080", description: "One job of a server" }
    ]
  },
  from(
    () => import("./resume.ts"),
    ({ resume }) => resume
  )
)

export const cancel = define(
  "cancel",
  {
    args: flags.job,
    id: flags.id,
    ...flags.place,
    timeoutMs: flags
      .duration("timeout", "The longest wait for a process that runs the job; a number: seconds (default: 30s)", 1_000)
      .pipe(Flag.withDefault(30_000)),
    json: flags.json
  },
  {
    short: "End a job for good",
    long: `End a job for good, as cancelled.

A job that no process runs ends at once. If a process runs the job, this command asks it to
cancel the job, and waits.

${flags.places}

Exit code: 0 if the job has ended, 3 if it did not end in time, 64 if there is no such job or file,
70 if the server cannot be reached.`,
    examples: [
      { command: "converge cancel audit-42 --store jobs.db", description: "Cancel one job" },
      { command: "converge cancel audit-42 --server http://localhost:8080", description: "One of a server" }
    ]
  },
  from(
    () => import("./cancel.ts"),
    ({ cancel }) => cancel
  )
)

export const approve = define(
  "approve",
  {
    job,
    approval: Argument.String("approval").pipe(Argument.withDescription("The approval's id")),
    ...flags.place,
    reject: Flag.Boolean("reject").pipe(Flag.withDescription("Reject it instead"), Flag.withDefault(false)),
    by: flags.optional(
      Flag.String("by").pipe(
        Flag.withMetavar("name"),
        Flag.withDescription("Who decides (default: the name of the token)")
      )
    ),
    note: flags.optional(
      Flag.String("note").pipe(Flag.withMetavar("text"), Flag.withDescription("The reason, for the record"))
    ),
    json: flags.json
  },
  {
    short: "Decide an approval of a job",
    long: `Decide an approval of a job that a server runs. It answers when the decision is committed.

An id may be a string of JSON, such as '"\\ud800"': so it can hold what no argument can. Put -- before
ids that begin with a hyphen, and the flags before it.

${serverCodes}`,
    examples: [
      { command: "converge approve audit-42 release --by Ada --server http://localhost:8080", description: "Say yes" }
    ]
  },
  from(
    () => import("./steer.ts"),
    ({ approve }) => approve
  )
)

export const signal = define(
  "signal",
  {
    job,
    ...flags.place,
    fact: flags.newFacts("A fact to add, of a kind among the program's signals; may be repeated").pipe(Flag.atLeast(1)),
    json: flags.json
  },
  {
    short: "Add facts to a job from outside",
    long: `Add facts to a job that a server runs, all or none. It answers when they are committed.\n\n${serverCodes}`,
    examples: [
      {
        command: 'converge signal audit-42 --fact \'Note={"text": "stop"}\' --server http://localhost:8080',
        description: "One fact"
      }
    ]
  },
  from(
    () => import("./steer.ts"),
    ({ signal }) => signal
  )
)

export const pause = define(
  "pause",
  { job, ...flags.place, json: flags.json },
  {
    short: "Pause a job between two cycles",
    long: `Pause a job that a server runs: the cycle under way ends and is committed.\n\n${serverCodes}`,
    examples: [{ command: "converge pause audit-42 --server http://localhost:8080", description: "Pause one job" }]
  },
  from(
    () => import("./steer.ts"),
    ({ pause }) => pause
  )
)

export const fork = define(
  "fork",
  {
    args: Argument.String("module-and-job").pipe(
      Argument.variadic(),
      Argument.withDescription("The job's module and its id; with a server, the id alone")
    ),
    program: flags.program,
    ...flags.place,
    at: flags.at,
    fact: flags
      .newFacts("A fact that the new job begins with; it replaces one of the same id; may be repeated")
      .pipe(Flag.atLeast(0)),
    id: flags.optional(
      Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("The new job's id (default: a random one)"))
    ),
    attribute: attributeFlag("An attribute of the new job, instead of those of the other"),
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
    long: `Run a new job from a past cycle of another, with other facts, and print its result. The other job
does not change; the new one is kept in the same store. A server runs the new job with its own
program, and the command follows it.

${flags.places}

${flags.exitCodes}`,
    examples: [
      {
        command: 'converge fork ./audit.ts audit-42 --at 7 --fact \'File={"path": "a.ts"}\' --store jobs.db',
        description: "What if there had been another file?"
      },
      { command: "converge fork audit-42 --at 7 --server http://localhost:8080", description: "By a server" }
    ]
  },
  from(
    () => import("./fork.ts"),
    ({ fork }) => fork
  )
)

export const prune = define(
  "prune",
  {
    ...flags.place,
    olderThanMs: flags.duration("older-than", "Delete jobs that ended longer ago than this, such as 7d or 12h"),
    json: flags.json
  },
  {
    short: "Delete the journals of old jobs",
    long: `Delete the journals of jobs that ended some time ago. Unfinished jobs stay.

The file reuses the space, but does not shrink. A server may use the file meanwhile.

${codes}`,
    examples: [{ command: "converge prune --store jobs.db --older-than 7d", description: "All that ended a week ago" }]
  },
  from(
    () => import("./prune.ts"),
    ({ prune }) => prune
  )
)
