/**
 * `--explain kind/id`: where a fact comes from.
 *
 * Boundary: parses the reference, and says what is wrong with it; the JSON is explanationJson.ts.
 */
import * as Effect from "effect/Effect"
import type { FactRef } from "../program/Fact.ts"
import type { JobContext } from "../context/JobContext.ts"
import { type Program } from "../program/Program.ts"
import { UsageError } from "./exitCode.ts"
import { oneLine, thousands } from "./text.ts"
import { compiledOf } from "../program/erased.ts"

/** Splits `kind/id` at its first slash: ids may hold slashes, kinds that are asked for may not. */
export const parseRef = (text: string, program: Program.Any): Effect.Effect<FactRef, UsageError> => {
  const slash = text.indexOf("/")
  const [kind, id] = [text.slice(0, Math.max(slash, 0)), text.slice(slash + 1)]
  if (kind === "" || id === "") {
    return Effect.fail(new UsageError({ message: `--explain wants kind/id, not ${JSON.stringify(text)}` }))
  }
  const kinds = compiledOf(program).kinds
  if (kinds.has(kind)) return Effect.succeed({ kind, id })
  const message = `--explain: ${JSON.stringify(program.name)} has no kind ${JSON.stringify(kind)}, but:`
  return Effect.fail(new UsageError({ message, details: [...kinds.keys()].map((name) => `  ${name}`).join("\n") }))
}

/** The message about a fact that is not there. */
export const notFound = (context: JobContext, { id, kind }: FactRef): string => {
  const count = context.counts()[kind] ?? 0
  const there = count === 0 ? "no fact of that kind" : `${thousands(count)} of that kind`
  return `there is no fact ${kind}/${oneLine(id)}; the context holds ${there}`
}
