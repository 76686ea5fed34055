/**
 * The parts that the queries of several routes share: numbers, pages, and the name of a fact.
 *
 * A URL cannot hold a lone surrogate, and the id of a fact may. So a query names an id by `fact` (or `id`, the same by another
 * name), as it is, or by `factJson`, as a string of JSON, in which `\\ud800` stands for such a character.
 *
 * Boundary: schemas, and values of queries in; problems.ts has the refusals.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Attributes, clashIn, parseAttributes } from "../program/attributes.ts"
import type { FactRef } from "../program/Fact.ts"
import * as Problems from "./problems.ts"

export const cycle = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1), Schema.isLessThanOrEqualTo(1_000))

export const page = { limit: Schema.optional(count), cursor: Schema.optional(Schema.String) }

/** A page of a list that can be paged back. `before` is the `previous` of a page, and counts if there is a `cursor`, too. */
export const bothWays = { ...page, before: Schema.optional(Schema.String) }

const controls = "\\u0000-\\u001f"

/** A string as JSON writes it. */
export const jsonString = new RegExp(`^"(?:[^"\\\\${controls}]|\\\\(?:["\\\\/bfnrt]|u[\\da-fA-F]{4}))*"$`)

/** The name of a fact in a query: its kind, and its id in one of two forms. */
export const factName = {
  kind: Schema.String,
  fact: Schema.optional(Schema.String),
  id: Schema.optional(Schema.String),
  factJson: Schema.optional(Schema.String.check(Schema.isPattern(jsonString)))
}

export interface FactName {
  readonly kind: string
  readonly fact?: string | undefined
  /** The same as `fact`. */
  readonly id?: string | undefined
  readonly factJson?: string | undefined
}

/** The fact that a query names. */
export const refOf = ({
  fact,
  factJson,
  id: alias,
  kind
}: FactName): Effect.Effect<FactRef, Problems.InvalidRequest> => {
  if ([fact, alias, factJson].filter((name) => name !== undefined).length !== 1) {
    const detail =
      "query.fact: give the id of the fact as fact or id, or as a string of JSON in factJson, and only one of them"
    return Effect.fail(new Problems.InvalidRequest({ detail }))
  }
  if (factJson === undefined) return Effect.succeed({ kind, id: fact ?? alias ?? "" })
  // The schema of the query has found that it is a string of JSON.
  const id: unknown = JSON.parse(factJson)
  return typeof id === "string"
    ? Effect.succeed({ kind, id })
    : Effect.fail(new Problems.InvalidRequest({ detail: "query.factJson: it is no string of JSON" }))
}

/** The refusal of a place that is none of a list. */
export const badCursor = ({ before }: Pick<Paged, "before">): Problems.InvalidRequest => {
  const name = before === undefined ? "cursor" : "before"
  return new Problems.InvalidRequest({ detail: `query.${name}: it is not one that this server gave` })
}

/** The attributes that a list is asked for, from texts such as `customer:Ada`. Undefined if no job can have them all. */
export const attributesAsked = (
  texts: ReadonlyArray<string>
): Effect.Effect<Attributes | undefined, Problems.InvalidRequest> => {
  const asked = parseAttributes(texts, ":")
  if ("why" in asked) return Effect.fail(new Problems.InvalidRequest({ detail: `query.attribute: ${asked.why}` }))
  return Effect.succeed(clashIn(asked.entries) === undefined ? Object.fromEntries(asked.entries) : undefined)
}

export interface Paged {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  readonly before?: string | undefined
}

/** The place of a page in a list whose places are numbers: after one of them, or before one of them. */
export type PageSide = { readonly after: number } | { readonly before: number }

export const sideOf = ({ before, cursor = "0" }: Paged): Effect.Effect<PageSide, Problems.InvalidRequest> => {
  const text = before ?? cursor
  if (!/^\d{1,15}$/.test(text)) return Effect.fail(badCursor({ before }))
  return Effect.succeed(before === undefined ? { after: Number(text) } : { before: Number(text) })
}
