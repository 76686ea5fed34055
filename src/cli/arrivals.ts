/**
 * `converge verify --arrivals`: checks that a program's facts do not depend on when its seeds and signals arrive.
 *
 * Boundary: composition; src/testing runs the orders and finds the difference.
 */
import * as Effect from "effect/Effect"
import type * as Engine from "../engine/Engine.ts"
import { LogsEnd } from "../job/ending.ts"
import type { Program } from "../program/Program.ts"
import { layerMemory } from "../store/index.ts"
import { confluent, type Confluent, NotConfluent } from "../testing/Testing.ts"
import { type CompiledProgram, compiledOf, type ErasedKind } from "../program/erased.ts"
import { parseJson } from "../values/parseJson.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import { readText } from "./files.ts"
import { engineOf } from "./jobRun.ts"
import type { LoadedModule } from "./programs.ts"
import { kindNamed, proposalOf } from "./proposals.ts"
import { startFailure } from "./storeFile.ts"
import type { Page } from "./storedJobs.ts"
import { indent, oneLine, plural, pretty, printable, toPlain, truncate } from "./text.ts"

/** Tries orders of arrival. The compiler does not know the services of an imported program; its module's layer provides them. */
export const checkArrivals = (
  program: Program.Any,
  { handlers, programs }: Pick<LoadedModule, "handlers" | "programs">,
  input: unknown,
  signals: ReadonlyArray<unknown>,
  workers: number | undefined
): Effect.Effect<Confluent | NotConfluent, Failed> => {
  const engine = engineOf(workers, layerMemory, { handlers, programs })
  const checked = confluent(program, input as never, { signals: signals as never }) as Effect.Effect<
    Confluent,
    Effect.Error<ReturnType<typeof confluent>>,
    Engine.Engine
  >
  return Effect.catchTag(checked, "NotConfluent", (found) => Effect.succeed(found)).pipe(
    Effect.mapError((error) =>
      error._tag === "InvalidOptions"
        ? new UsageError({ message: error.message })
        : startFailure("the job was not started", error)
    ),
    Effect.provide(engine),
    // Runs of a check end as they end: the log is silent about them, and about their child jobs.
    Effect.provideService(LogsEnd, false)
  )
}

/** The signals in a file: a JSON array of {kind, value}, as in a signal over HTTP. */
export const readSignals = (
  program: Program.Any,
  file: string | undefined
): Effect.Effect<ReadonlyArray<unknown>, UsageError> => {
  if (file === undefined) return Effect.succeed([])
  const path = printable(file)
  const refuse = (message: string) => new UsageError({ message: `--signals: ${message}` })
  const compiled = compiledOf(program)
  return Effect.gen(function* () {
    const text = yield* Effect.mapError(readText(file), (why) => refuse(`cannot read ${path}: ${why}`))
    const json = yield* Effect.try({
      try: () => parseJson(text),
      catch: (error) =>
        refuse(`${path} is not JSON: ${printable(error instanceof Error ? error.message : String(error))}`)
    })
    if (!Array.isArray(json)) return yield* refuse(`${path} must hold an array of {"kind": ..., "value": ...}`)
    return yield* Effect.forEach(json as ReadonlyArray<unknown>, (item, index) => {
      const at = `--signals: item ${index + 1} of ${path}`
      if (!isSignal(item)) return Effect.fail(new UsageError({ message: `${at} must be {"kind": ..., "value": ...}` }))
      return Effect.flatMap(signalKind(compiled, at, item.kind), (kind) => proposalOf(kind, at, () => item.value))
    })
  })
}

const isSignal = (item: unknown): item is { readonly kind: string; readonly value: unknown } =>
  typeof item === "object" &&
  item !== null &&
  Object.keys(item).every((key) => key === "kind" || key === "value") &&
  "value" in item &&
  "kind" in item &&
  typeof item.kind === "string"

/** The kind of a name, if it may come from outside. */
const signalKind = (program: CompiledProgram, at: string, name: string): Effect.Effect<ErasedKind, UsageError> =>
  Effect.flatMap(kindNamed(program, at, name, program.signals), (kind) => {
    if (program.signals.has(name)) return Effect.succeed(kind)
    const details = [...program.signals].map((other) => `  ${other}`).join("\n")
    const message =
      `${at}: ${JSON.stringify(program.name)} takes no signal of the kind ${JSON.stringify(name)}` +
      (details === "" ? ": it has no `signals`" : "; choose one of these:")
    return Effect.fail(new UsageError(details === "" ? { message } : { message, details }))
  })

export const isConfluent = (found: Confluent | NotConfluent): found is Confluent => !(found instanceof NotConfluent)

export const arrivalsJson = (found: Confluent | NotConfluent) => {
  if (isConfluent(found))
    return {
      isConfluent: true,
      facts: found.facts,
      waitsFor: found.waitsFor,
      orders: found.orders.length,
      difference: null
    }
  const { agent, cycle, expected = null, fact = null, found: other = null, message, order, what } = found
  const difference = { order, what, fact, agent, cycle, expected, found: other, message }
  return { isConfluent: false, facts: null, waitsFor: null, orders: null, difference }
}

/** The lines about a job that rests: the runs of a check end there. Empty for one that ended by itself. */
export const waitingLines = (waitsFor: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (waitsFor.length === 0) return []
  const more = waitsFor.length > mostShown ? ` and ${waitsFor.length - mostShown} more` : ""
  return [
    `  The job waits for ${oneLine(waitsFor.slice(0, mostShown).join(", "))}${more}. It was compared as it stood there`
  ]
}

export const arrivalsPage = (found: Confluent | NotConfluent, hasSignals: boolean, { style, width }: Page): string => {
  const name = oneLine(found.program)
  if (isConfluent(found)) {
    const what = hasSignals ? "seeds and signals" : "seeds"
    const tried =
      found.orders.length === 0
        ? `it has fewer than two ${what}, so there is no other order`
        : `${plural(found.orders.length, "other order")} of the ${what} gave the same ${plural(found.facts, "fact")}`
    return [`${style("green", `✔ ${name} is confluent`)}  ${tried}`, ...waitingLines(found.waitsFor)].join("\n")
  }
  const shown = (value: unknown): string =>
    indent(printable(truncate(pretty(toPlain(value) ?? null, width - 4), 4_000)), "    ")
  const values =
    found.what === "end" || found.what === "missing"
      ? []
      : [
          `  with all ${hasSignals ? "seeds and signals" : "seeds"} from the start`,
          shown(found.expected),
          "  in that order",
          shown(found.found)
        ]
  const parts = found.order.parts.map((part, index) => {
    const seeds = part.slice(0, mostShown).map(({ id, kind }) => `${kind}/${id}`)
    const more = part.length > mostShown ? ` and ${part.length - mostShown} more` : ""
    return `  part ${index + 1}: ${oneLine(truncate(seeds.join(", "), width))}${more}`
  })
  return [style("red", `✖ ${name} is not confluent`), oneLine(found.message), ...values, ...parts].join("\n")
}

/** Seeds of a part that are named. */
const mostShown = 5
