/**
 * The commands that look at jobs of a file or of a server, and change nothing: flags and help.
 *
 * Boundary: definitions. The work of each command is in a file of its own, loaded when the command is called.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { attributeFlag } from "./attributes.ts"
import { define } from "./definition.ts"
import * as flags from "./flags.ts"
import { from } from "./lazily.ts"

const codes = `${flags.places}

Exit code: 0, or 3 if a journal was changed or a server keeps none, 64 if there is no such job or
file, 70 if the server cannot be reached.`

/** The help of the commands that take a fact. */
const factIds = `The id of the fact may be a string of JSON, as in 'File/"\\ud800"', if no fact has it as it is: so it
can hold what no argument can.`

const cycleFlag = (name: string, description: string) =>
  flags.optional(
    Flag.Int(name).pipe(Flag.withMetavar("cycle"), Flag.withDescription(description), Flag.withSchema(flags.Count))
  )

const momentFlag = (name: string, description: string) =>
  flags.optional(Flag.String(name).pipe(Flag.withMetavar("time"), Flag.withDescription(description)))

const ofFact = Argument.String("job-and-fact").pipe(
  Argument.variadic(),
  Argument.withDescription("The job's id and a fact, as kind/id")
)

export const jobs = define(
  "jobs",
  {
    ...flags.place,
    status: flags.optional(
      Flag.Literals("status", [
        ...(["unfinished", "awaiting", "paused", "quarantined"] as const),
        ...(["converged", "budget-exhausted", "failed", "cancelled"] as const)
      ]).pipe(Flag.withDescription("Only this status"))
    ),
    since: momentFlag("since", "Only jobs created at this time or later: a date, a time, or a duration such as 7d"),
    until: momentFlag("until", "Only jobs created at this time or earlier; a date: all of that day, in UTC"),
    query: flags.optional(
      Flag.String("query").pipe(
        Flag.withMetavar("text"),
        Flag.withDescription("Only jobs with this text in their id, program or error, in capitals or not")
      )
    ),
    program: flags.onlyProgram,
    limit: flags.optional(
      Flag.Int("limit").pipe(
        Flag.withAlias("n"),
        Flag.withMetavar("n"),
        Flag.withDescription("Jobs to list, up to 1000 (default: 100)")
      )
    ),
    cursor: flags.cursor,
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
    short: "List the jobs of a store, or of a server",
    long: `List jobs, newest first.\n\n${codes}`,
    examples: [
      { command: "converge jobs --store jobs.db", description: "The newest 100" },
      { command: "converge jobs --server http://localhost:8080", description: "Those of a server" },
      {
        command: "converge jobs --store jobs.db --status unfinished --json",
        description: "The jobs that can be resumed"
      },
      { command: "converge jobs --store jobs.db --since 7d --query audit", description: "Audits of the last week" },
      { command: "converge jobs --store jobs.db --attribute customer=Ada", description: "The jobs of one customer" }
    ]
  },
  from(
    () => import("./jobs.ts"),
    ({ jobs }) => jobs
  )
)

export const show = define(
  "show",
  { args: flags.job, id: flags.id, ...flags.place, json: flags.json, facts: flags.facts },
  {
    short: "Show one job of a store, or of a server",
    long: `Show one job: why it stands where it does, its usage, the number of its facts, and its last hash in
full. Of an unfinished job of a server it also shows the tasks that run and wait at this moment.

${codes}`,
    examples: [
      { command: "converge show audit-42 --store jobs.db", description: "One job" },
      { command: "converge show audit-42 --server http://localhost:8080", description: "Also what runs now" }
    ]
  },
  from(
    () => import("./show.ts"),
    ({ show }) => show
  )
)

export const watch = define(
  "watch",
  {
    args: flags.job,
    id: flags.id,
    ...flags.place,
    json: flags.json,
    facts: flags.facts,
    strict: flags.strict,
    quiet: flags.quiet
  },
  {
    short: "Follow a running job to its end",
    long: `Follow a job that another process runs: show its progress as "run" does, and print its result when it
ends. A job that has ended is printed at once. Ctrl-C leaves the job alone.

A server that is started again is followed on: when it is away, it is asked again for about 40 s, and
then the command ends with 70. A file is read again when it has changed.

${flags.places}

${flags.exitCodes}`,
    examples: [
      { command: "converge watch audit-42 --server http://localhost:8080", description: "A job of a server" },
      { command: "converge watch audit-42 --store jobs.db", description: "A job of another process" }
    ]
  },
  from(
    () => import("./watch.ts"),
    ({ watch }) => watch
  )
)

export const approvals = define(
  "approvals",
  {
    job: Argument.String("job").pipe(
      Argument.variadic({ max: 1 }),
      Argument.withDescription("The job's id (default: all jobs)")
    ),
    ...flags.place,
    program: flags.onlyProgram,
    cursor: flags.cursor,
    json: flags.json
  },
  {
    short: "List the approvals that wait for a decision",
    long: `List the approvals that wait for a decision, of one job or of all jobs.\n\n${codes}`,
    examples: [{ command: "converge approvals --server http://localhost:8080", description: "Those of all jobs" }]
  },
  from(
    () => import("./approvals.ts"),
    ({ approvals }) => approvals
  )
)

export const replay = define(
  "replay",
  { args: flags.job, id: flags.id, ...flags.place, at: flags.at, facts: flags.facts, json: flags.json },
  {
    short: "Show the context of a job after any cycle",
    long: `Show the context of a job after any cycle, from its journal. Nothing is executed.\n\n${codes}`,
    examples: [
      { command: "converge replay audit-42 --at 7 --facts --store jobs.db", description: "All facts after cycle 7" }
    ]
  },
  from(
    () => import("./replay.ts"),
    ({ replay }) => replay
  )
)

export const diff = define(
  "diff",
  {
    args: Argument.String("job-and-cycles").pipe(
      Argument.variadic(),
      Argument.withDescription("The job's id and two cycles, or two jobs")
    ),
    id: flags.id,
    from: cycleFlag("from", "The earlier cycle, instead of the argument; of two jobs, the cycle of the first"),
    to: cycleFlag("to", "The later cycle, instead of the argument; of two jobs, the cycle of the second"),
    ...flags.place,
    json: flags.json
  },
  {
    short: "Show the changes of some cycles, or between two jobs",
    long: `Show how a job's context changed from one cycle to another: the facts that were added, revised and
removed, and the evaluations. With two jobs, such as a job and its fork: how the facts of the second
differ from those of the first, after their last cycles or those of --from and --to.

${codes}`,
    examples: [
      { command: "converge diff audit-42 7 8 --store jobs.db", description: "The changes of cycle 8" },
      { command: "converge diff audit-42 --from 0 --to 8 --store jobs.db", description: "Of all cycles up to 8" },
      { command: "converge diff audit-42 audit-43 --store jobs.db", description: "A job and its fork" }
    ]
  },
  from(
    () => import("./diff.ts"),
    ({ diff }) => diff
  )
)

export const explain = define(
  "explain",
  { args: ofFact, id: flags.id, ...flags.place, at: flags.at, json: flags.json },
  {
    short: "Show where a fact of a job comes from",
    long: `Show where a fact of a job comes from: which agents, cycles and facts.\n\n${factIds}\n\n${codes}`,
    examples: [
      { command: "converge explain audit-42 Import/src/a.ts --store jobs.db", description: "Where one fact comes from" }
    ]
  },
  from(
    () => import("./replay.ts"),
    ({ explain }) => explain
  )
)

export const lineage = define(
  "lineage",
  {
    args: ofFact,
    id: flags.id,
    ...flags.place,
    at: flags.at,
    without: Flag.Boolean("without").pipe(
      Flag.withDescription("Only the facts that would go without it"),
      Flag.withDefault(false)
    ),
    json: flags.json
  },
  {
    short: "Show what follows from a fact of a job",
    long: `Show the facts of a job that come, however indirectly, from a fact. With --without: only those that
would go without it, as far as the recorded derivations tell.\n\n${factIds}\n\n${codes}`,
    examples: [
      { command: "converge lineage audit-42 File/src/a.ts --store jobs.db", description: "All that follows" },
      {
        command: "converge lineage audit-42 File/src/a.ts --without --store jobs.db",
        description: "What would not be there without it"
      }
    ]
  },
  from(
    () => import("./lineage.ts"),
    ({ lineage }) => lineage
  )
)

export const events = define(
  "events",
  {
    args: flags.job,
    id: flags.id,
    ...flags.place,
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
    long: `Print the event log of a job, as far as it is committed.\n\n${codes}`,
    examples: [
      { command: "converge events audit-42 --store jobs.db", description: "One line for each event" },
      { command: "converge events audit-42 --store jobs.db --json --after 100", description: "As JSON, from 101 on" }
    ]
  },
  from(
    () => import("./replay.ts"),
    ({ events }) => events
  )
)
