/**
 * Facts that a user writes on the command line or into a file, as proposals. Boundary: JSON to values; a `UsageError` names the
 * fault and its place.
 */
import * as Effect from "effect/Effect"
import type { CompiledProgram, ErasedKind } from "../program/erased.ts"
import { canonicalText } from "../values/Canonical.ts"
import { UsageError } from "./exitCode.ts"
import { printable } from "./text.ts"

/** The kind of a name. `at` is the place of the name, for messages; `known` are the names to choose from. */
export const kindNamed = (
  program: CompiledProgram,
  at: string,
  name: string,
  known: Iterable<string> = program.kinds.keys()
): Effect.Effect<ErasedKind, UsageError> => {
  const kind = program.kinds.get(name)
  if (kind !== undefined) return Effect.succeed(kind)
  const details = [...known].map((other) => `  ${other}`).join("\n")
  const message = `${at}: ${JSON.stringify(program.name)} has no kind ${JSON.stringify(name)}; choose one of these:`
  return Effect.fail(new UsageError({ message, details }))
}

/** The proposal of a kind whose value `json` gives. */
export const proposalOf = (kind: ErasedKind, at: string, json: () => unknown): Effect.Effect<unknown, UsageError> =>
  Effect.try({
    try: (): unknown => kind.of(kind.codec.decode(canonicalText(json()))),
    catch: (cause) => {
      const why = printable(cause instanceof Error ? cause.message : String(cause))
      return new UsageError({ message: `${at}: the value of ${kind.name}: ${why}` })
    }
  })
