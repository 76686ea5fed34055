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

/**
 * The facts that `kind/id` may name where there are facts of these kinds, in the order in which they are looked for. `last` is
 * the one that counts if none of them is there. Kinds may have slashes: the shortest kind with such a fact counts. An id that no
 * fact has may be a string of JSON.
 */
export const namedIn = (
  kinds: ReadonlyArray<string>,
  text: string
): Effect.Effect<{ readonly refs: ReadonlyArray<FactRef>; readonly last: FactRef }, UsageError> => {
  const ref = jsonRef(text)
  if (ref !== undefined) return Effect.succeed({ refs: [], last: ref })
  const slash = text.indexOf("/", 1)
  if (slash === -1) {
    return Effect.fail(new UsageError({ message: `a fact needs kind/id, not ${JSON.stringify(text)}` }))
  }
  const refs = kinds
    .filter((kind) => text.startsWith(`${kind}/`))
    .sort((a, b) => a.length - b.length)
    .map((kind) => ({ kind, id: text.slice(kind.length + 1) }))
  const asJson = refs.flatMap(({ id, kind }) => {
    const parsed = jsonId(id)
    return parsed === undefined ? [] : [{ kind, id: parsed }]
  })
  return Effect.succeed({
    refs: [...refs, ...asJson],
    last: { kind: text.slice(0, slash), id: text.slice(slash + 1) }
  })
}

/** The message about a fact that is not among facts of which there are so many of each kind. */
export const missing = (counts: Readonly<Record<string, number>>, { id, kind }: FactRef): string => {
  const count = Object.hasOwn(counts, kind) ? (counts[kind] ?? 0) : 0
  const there = count === 0 ? "no fact of that kind" : `${thousands(count)} of that kind`
  return `there is no fact ${kind}/${oneLine(id)}; the context holds ${there}`
}

/** The message about a fact that the context does not hold. */
export const notFound = (context: JobContext, ref: FactRef): string => missing(context.counts(), ref)
