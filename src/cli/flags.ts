/**
 * The flags that several commands have, described once. Boundary: definitions only.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Limits } from "../Limits.ts"
import { durationMs } from "../server/durations.ts"
import { logFormats } from "./logging.ts"

export const exitCodes = `Exit code: 0 converged, 2 budget exhausted, 3 failed, 4 cancelled, 64 usage,
70 a stray error outside of the job, 130 or 143 ended by a signal. It is also 3 for a stored
job that another process holds, or that cannot be resumed from its journal.`

export const Count = Schema.Int.check(
  Schema.isGreaterThanOrEqualTo(0, { message: "Expected a whole number of at least 0" })
)

export const optional = <A>(flag: Flag.Flag<A>): Flag.Flag<A | undefined> =>
  Flag.map(Flag.optional(flag), Option.getOrUndefined)

export const program = optional(
  Flag.String("program").pipe(
    Flag.withAlias("p"),
    Flag.withMetavar("name"),
    Flag.withDescription("The program, if the module exports several")
  )
)

export const input = optional(
  Flag.String("input").pipe(
    Flag.withAlias("i"),
    Flag.withMetavar("json"),
    Flag.withDescription("The program's input as JSON (default: {})")
  )
)

export const inputFile = optional(
  Flag.String("input-file").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription("Read the input from a file, or from standard input if it is -")
  )
)

export const workers = optional(
  Flag.Int("workers").pipe(
    Flag.withAlias("w"),
    Flag.withMetavar("n"),
    Flag.withDescription("Worker threads for CPU agents; 0 for none (default: one per core)"),
    Flag.withSchema(
      Schema.Int.check(
        Schema.makeFilter((count: number) => count >= 0 && count <= Limits.poolThreads, {
          message: `Expected a whole number from 0 to ${Limits.poolThreads}`
        })
      )
    )
  )
)

const storeFlag = Flag.String("store").pipe(Flag.withAlias("s"), Flag.withMetavar("file"))

/** A duration, in milliseconds. A plain number counts units of `plainMs` milliseconds. */
export const duration = (name: string, description: string, plainMs = 1): Flag.Flag<number> =>
  Flag.String(name).pipe(
    Flag.withMetavar("time"),
    Flag.withDescription(description),
    Flag.filterMap(
      (text) => {
        const ms = durationMs(text)
        const isPlain = /^\d+$/.test(text)
        return Option.fromUndefinedOr(ms === undefined || !isPlain ? ms : ms * plainMs)
      },
      () => "Expected a time such as 500ms, 10s, 7d or 1h30m"
    )
  )

/** The form of the log, for every command. */
export const logFormatFlag = GlobalFlag.Setting("log-format")({
  flag: optional(
    Flag.Literals("log-format", logFormats).pipe(Flag.withDescription("The form of the log (default: text)"))
  )
})

/** The address of a running server. */
const server = optional(
  Flag.String("server").pipe(
    Flag.withMetavar("url"),
    Flag.withDescription("Or the server that has them (default: CONVERGE_SERVER)")
  )
)

/** The file of the jobs that a command reads or goes on with. */
const store = optional(storeFlag.pipe(Flag.withDescription("The file with the jobs (default: CONVERGE_STORE)")))

/** The place of the jobs of a command: place.ts tells which of the two counts. */
export const place = { store, server }

/** The rules of `place`, for the help. */
export const places = `The jobs are those of the file (--store) or of the server (--server). Without a flag,
CONVERGE_STORE or CONVERGE_SERVER names the place; if both are set, a flag has to decide.
CONVERGE_TOKEN is the token for the server.`

/** The file that is made if it is not there. */
export const newStore = optional(
  storeFlag.pipe(Flag.withDescription("Keep the job in this file (default: CONVERGE_STORE)"))
)

/** The server that runs a program of its own. */
export const runServer = optional(
  Flag.String("server").pipe(
    Flag.withMetavar("url"),
    Flag.withDescription("Run a program of this server (default: CONVERGE_SERVER)")
  )
)

export const durability = optional(
  Flag.Literals("durability", ["full", "normal", "exit"]).pipe(
    Flag.withDescription("What a commit survives (default: full)")
  )
)

export const json = Flag.Boolean("json").pipe(Flag.withDescription("Print one line of JSON"), Flag.withDefault(false))

export const facts = Flag.Boolean("facts").pipe(
  Flag.withDescription("Print all facts instead of their number by kind"),
  Flag.withDefault(false)
)

export const strict = Flag.Boolean("strict").pipe(
  Flag.withDescription("Exit with 3 if a job converged with diagnostics"),
  Flag.withDefault(false)
)

export const quiet = Flag.Boolean("quiet").pipe(
  Flag.withAlias("q"),
  Flag.withDescription("Show no progress"),
  Flag.withDefault(false)
)

/** A job's id, perhaps after a module. */
export const job = Argument.String("job").pipe(
  Argument.variadic(),
  Argument.withDescription("The job's id, and before it, if you like, the path of its module")
)

/** The program of the jobs that a list is limited to. */
export const onlyProgram = optional(
  Flag.String("program").pipe(
    Flag.withAlias("p"),
    Flag.withMetavar("name"),
    Flag.withDescription("Only jobs of this program")
  )
)

export const cursor = optional(
  Flag.String("cursor").pipe(
    Flag.withMetavar("text"),
    Flag.withDescription("Continue a list, with the cursor that it gave")
  )
)

export const newFacts = (description: string) =>
  Flag.String("fact").pipe(Flag.withMetavar("kind=json"), Flag.withDescription(description))

export const id = optional(
  Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("The job's id, instead of the argument"))
)

export const at = optional(
  Flag.Int("at").pipe(
    Flag.withMetavar("cycle"),
    Flag.withDescription("The cycle after which to look; 0: the seeds alone (default: the last)"),
    Flag.withSchema(Count)
  )
)
