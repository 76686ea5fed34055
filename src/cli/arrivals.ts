/**
 * `converge verify --arrivals`: checks that a program's facts do not depend on when its seeds arrive.
 *
 * Boundary: composition; src/testing runs the orders and finds the difference.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Engine from "../engine/Engine.ts"
import type { Program } from "../program/Program.ts"
import { layerMemory } from "../store/index.ts"
import { confluent, type Confluent, NotConfluent } from "../testing/Testing.ts"
import type { Failed } from "./exitCode.ts"
import { poolOf } from "./jobRun.ts"
import type { LoadedModule } from "./programs.ts"
import { startFailure } from "./storeFile.ts"
import type { Page } from "./storedJobs.ts"
import { indent, oneLine, plural, pretty, printable, toPlain, truncate } from "./text.ts"

/** Tries orders of arrival. The compiler does not know the services of an imported program; its module's layer provides them. */
export const checkArrivals = (
  program: Program.Any,
  handlers: LoadedModule["handlers"],
  input: unknown,
  workers: number | undefined
): Effect.Effect<Confluent | NotConfluent, Failed> => {
  const engine = Engine.layer({ handlers }).pipe(Layer.provide(poolOf(workers)), Layer.provide(layerMemory))
  const checked = confluent(program, input as never) as Effect.Effect<
    Confluent,
    Effect.Error<ReturnType<typeof confluent>>,
    Engine.Engine
  >
  return Effect.catchTag(checked, "NotConfluent", (found) => Effect.succeed(found)).pipe(
    Effect.mapError((error) => startFailure("the job was not started", error)),
    Effect.provide(engine)
  )
}

export const isConfluent = (found: Confluent | NotConfluent): found is Confluent => !(found instanceof NotConfluent)

export const arrivalsJson = (found: Confluent | NotConfluent) => {
  if (isConfluent(found))
    return { isConfluent: true, facts: found.facts, orders: found.orders.length, difference: null }
  const { agent, cycle, expected = null, fact = null, found: other = null, message, order, what } = found
  const difference = { order, what, fact, agent, cycle, expected, found: other, message }
  return { isConfluent: false, facts: null, orders: null, difference }
}

export const arrivalsPage = (found: Confluent | NotConfluent, { style, width }: Page): string => {
  const name = oneLine(found.program)
  if (isConfluent(found)) {
    const tried =
      found.orders.length === 0
        ? "it has fewer than two seeds, so there is no other order"
        : `${plural(found.orders.length, "other order")} of the seeds gave the same ${plural(found.facts, "fact")}`
    return `${style("green", `✔ ${name} is confluent`)}  ${tried}`
  }
  const shown = (value: unknown): string =>
    indent(printable(truncate(pretty(toPlain(value) ?? null, width - 4), 4_000)), "    ")
  const values =
    found.what === "end" || found.what === "missing"
      ? []
      : ["  with all seeds from the start", shown(found.expected), "  in that order", shown(found.found)]
  const parts = found.order.parts.map((part, index) => {
    const seeds = part.slice(0, mostShown).map(({ id, kind }) => `${kind}/${id}`)
    const more = part.length > mostShown ? ` and ${part.length - mostShown} more` : ""
    return `  part ${index + 1}: ${oneLine(truncate(seeds.join(", "), width))}${more}`
  })
  return [style("red", `✖ ${name} is not confluent`), oneLine(found.message), ...values, ...parts].join("\n")
}

/** Seeds of a part that are named. */
const mostShown = 5
