/**
 * The parts that all commands about stored jobs share: a job's id, its journal, and values in JSON.
 *
 * Boundary: opens the store, runs the query, prints one line of JSON or a page; a failure becomes an error of the command.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Fact } from "../program/Fact.ts"
import type { FactJson } from "../job/Job.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import { parseJson } from "../values/parseJson.ts"
import type { JobStore, StoreFile as OpenFile } from "../store/index.ts"
import type { Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import * as StoreFile from "./storeFile.ts"
import { oneLine, printable, type Style } from "./text.ts"

/** The arguments and flags of a command that looks at one job. */
export interface JobOptions {
  /** The job's id, perhaps after the path of its module. A stored job can be read without the module. */
  readonly args: ReadonlyArray<string>
  readonly id: string | undefined
  readonly store: string
  readonly json: boolean
}

export interface Page {
  readonly style: Style
  readonly width: number
}

type Store = JobStore | OpenFile

/** A command that uses a store, prints the result and returns the exit code. */
type Printing = <A>(
  host: Host,
  options: { readonly store: string; readonly json: boolean },
  use: Effect.Effect<A, StartError | Failed, Store>,
  json: (value: A) => unknown,
  page: (value: A, page: Page) => string,
  codeOf?: (value: A) => number
) => Effect.Effect<number, Failed>

const printing =
  (open: (filename: string) => Layer.Layer<Store, Failed>): Printing =>
  (host, options, use, json, page, codeOf = () => 0) =>
    Effect.gen(function* () {
      yield* host.reserveStdout
      const value = yield* Effect.provide(Effect.mapError(use, asFailed), open(options.store))
      yield* host.write(options.json ? `${JSON.stringify(json(value))}\n` : `${page(value, look())}\n`)
      return codeOf(value)
    }).pipe(Effect.scoped)

/** Runs a query on a store and prints its result. The store must exist, and is left as it is. */
export const show: Printing = printing(StoreFile.openForReading)

/** Changes a store and prints the result. The store must exist. */
export const change: Printing = printing(StoreFile.openExisting)

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
