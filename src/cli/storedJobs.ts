/**
 * The parts that all commands about stored jobs share: a job's id, its journal, and values in JSON.
 *
 * A command reads the journals of a file and those of a server with the same code, so it prints the same. Boundary: opens the
 * store, runs the query, prints one line of JSON or a page; a failure becomes an error of the command.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Fact } from "../program/Fact.ts"
import type { FactJson } from "../job/Job.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import { parseJson } from "../values/parseJson.ts"
import type { JobStore } from "../store/index.ts"
import type { Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { type Place, type Placed, placeOf } from "./place.ts"
import * as StoreFile from "./storeFile.ts"
import { oneLine, printable, type Style } from "./text.ts"

/** The arguments and flags of a command that looks at one job. */
export interface JobOptions extends Placed {
  /** The job's id, perhaps after the path of its module. A stored job can be read without the module. */
  readonly args: ReadonlyArray<string>
  readonly id: string | undefined
  readonly json: boolean
}

export interface Page {
  readonly style: Style
  readonly width: number
}

/** The journals of a file or of a server, for commands that only look. Loads the client of a server when there is one. */
export const openPlace = (place: Place): Layer.Layer<JobStore, Failed> =>
  place._tag === "File"
    ? StoreFile.openForReading(place.filename)
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("./remoteStore.ts")),
          ({ layer }) => layer(place)
        )
      )

/** A value as a command prints it: as JSON, or as a page. It also decides the exit code, which is 0 by default. */
interface Printed<A> {
  readonly json: (value: A) => unknown
  readonly page: (value: A, page: Page) => string
  readonly codeOf?: ((value: A) => number) | undefined
}

/** Prints a value, and gives the exit code. */
export const printed = <A>(
  host: Host,
  isJson: boolean,
  value: A,
  { codeOf = () => 0, json, page }: Printed<A>
): Effect.Effect<number> =>
  Effect.as(host.write(isJson ? `${JSON.stringify(json(value))}\n` : `${page(value, look())}\n`), codeOf(value))

/** Runs a query on the journals of a file or a server, and prints its result. Nothing is changed. */
export const show = <A>(
  host: Host,
  options: Placed & { readonly json: boolean },
  use: Effect.Effect<A, StartError | Failed, JobStore>,
  json: (value: A) => unknown,
  page: (value: A, page: Page) => string,
  codeOf?: (value: A) => number
): Effect.Effect<number, Failed> => showAt(host, options, () => use, { json, page, codeOf })

/** Does the same with a query that depends on the place. */
export const showAt = <A>(
  host: Host,
  options: Placed & { readonly json: boolean },
  use: (place: Place) => Effect.Effect<A, StartError | Failed, JobStore>,
  as: Printed<A>
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const place = yield* placeOf(options)
    const value = yield* Effect.provide(Effect.mapError(use(place), asFailed), openPlace(place))
    return yield* printed(host, options.json, value, as)
  }).pipe(Effect.scoped)

/** Uses a store that the caller opens, and prints the result. */
export const onStore = <A, R>(
  host: Host,
  options: { readonly json: boolean },
  store: Layer.Layer<R, Failed>,
  use: Effect.Effect<A, StartError | Failed, R>,
  as: Printed<A>
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const value = yield* Effect.provide(Effect.mapError(use, asFailed), store)
    return yield* printed(host, options.json, value, as)
  }).pipe(Effect.scoped)

export const asFailed = (error: StartError | InvalidProgram | Failed): Failed =>
  error._tag === "UsageError" || error._tag === "CommandFailed" ? error : StoreFile.startFailure("", error)

/** A fact of a context that was read without its program, so that its value is JSON. */
export const factJson = ({ id, kind, provenance, value }: Fact): FactJson => ({ kind, id, value, provenance })

/** All facts of a context, or their number by kind. */
export const factsJson = (context: JobContext, isAll: boolean) =>
  isAll
    ? context
        .encoded()
        .map(({ fact: { id, kind, provenance }, text }) => ({ kind, id, value: parseJson(text), provenance }))
    : context.counts()

/** The agent (or the origin) and the cycle that a fact comes from. */
export const byWhom = ({ provenance: { agent, cycle, origin } }: Fact): string =>
  `${origin === "agent" ? oneLine(agent) : origin}, cycle ${cycle}`

/** A moment for people: to the second, in UTC. */
export const moment = (ms: number): string =>
  DateTime.formatIso(DateTime.makeUnsafe(ms))
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z")

/** A key and a value on each line. */
export const properties = (
  rows: ReadonlyArray<readonly [name: string, value: string | undefined]>,
  style: Style
): string => {
  const shown = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `  ${style("dim", name.padEnd(width))}  ${printable(value)}`).join("\n")
}
