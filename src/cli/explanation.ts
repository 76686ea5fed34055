/**
 * `--explain kind/id`: the origin of a fact.
 *
 * Boundary: parses the reference, and reports errors in it; explanationJson.ts makes the JSON.
 */
import * as Effect from "effect/Effect"
import type { FactRef } from "../program/Fact.ts"
import type { JobContext } from "../context/JobContext.ts"
import { type Program } from "../program/Program.ts"
import { UsageError } from "./exitCode.ts"
import { oneLine, thousands } from "./text.ts"
import { compiledOf } from "../program/erased.ts"
import { parseJson } from "../values/parseJson.ts"

/** A fact's kind and id as JSON, such as `["Import","a.ts"]`: only so can an argument of a command hold a lone surrogate. */
export const jsonRef = (text: string): FactRef | undefined => {
  if (!text.startsWith("[")) return undefined
  try {
    const parsed: unknown = parseJson(text)
    if (!Array.isArray(parsed) || parsed.length !== 2) return undefined
    const [kind, id] = parsed as ReadonlyArray<unknown>
    return typeof kind === "string" && typeof id === "string" ? { kind, id } : undefined
  } catch {
    return undefined
  }
}

/** The id that a string of JSON stands for; undefined for any other text. Only JSON can hold a lone surrogate in an argument. */
export const jsonId = (text: string): string | undefined => {
  if (!text.startsWith('"')) return undefined
  try {
    const parsed: unknown = parseJson(text)
    return typeof parsed === "string" ? parsed : undefined
  } catch {
    return undefined
  }
}

/** The facts that `kind/id` may name, the shortest kind first: kinds and ids may hold slashes, and an id may be empty. */
const refsIn = (text: string): ReadonlyArray<FactRef> => {
  const ref = jsonRef(text)
  if (ref !== undefined) return [ref]
  return [...text.matchAll(/(?<=.)\//gs)].map(({ index }) => ({
    kind: text.slice(0, index),
    id: text.slice(index + 1)
  }))
}

/** The fact that `kind/id` names: the first reading whose kind the program has. */
export const parseRef = (text: string, program: Program.Any): Effect.Effect<FactRef, UsageError> => {
  const refs = refsIn(text)
  const [first] = refs
  if (first === undefined) {
    return Effect.fail(new UsageError({ message: `--explain needs kind/id, not ${JSON.stringify(text)}` }))
  }
  const kinds = compiledOf(program).kinds
  const known = refs.find(({ kind }) => kinds.has(kind))
  if (known !== undefined) return Effect.succeed(known)
  const message = `--explain: ${JSON.stringify(program.name)} has no kind ${JSON.stringify(first.kind)}; choose one of these:`
  return Effect.fail(new UsageError({ message, details: [...kinds.keys()].map((name) => `  ${name}`).join("\n") }))
}

/** The message about a fact that the context does not hold. */
export const notFound = (context: JobContext, { id, kind }: FactRef): string => {
  const count = context.counts()[kind] ?? 0
  const there = count === 0 ? "no fact of that kind" : `${thousands(count)} of that kind`
  return `there is no fact ${kind}/${oneLine(id)}; the context holds ${there}`
}
