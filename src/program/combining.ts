/**
 * Combining rules that are lawful: idempotent, commutative and associative, so that the outcome does not depend on the order of
 * proposals, nor on how often one comes.
 *
 * Two values that rank alike are told apart by their canonical texts, which the merge has at hand. Boundary: pure functions.
 */
import { canonicalText } from "../values/Canonical.ts"
import { parseJson } from "../values/parseJson.ts"
import { LawfulTypeId } from "./typeIds.ts"

/** A function that makes one value of two. */
export type Combine<T> = (existing: T, proposed: T) => T

/** The canonical texts of the two values. */
interface Texts {
  readonly existing: string
  readonly proposed: string
}

type CombineByTexts<T> = (existing: T, proposed: T, texts: Texts) => T

/** A value's rank: the greater of two numbers, or the later of two texts in the order of code units. */
export type Rank = number | bigint | string

const lawful = <T>(combine: CombineByTexts<T>): Combine<T> => {
  const called: Combine<T> = (existing, proposed) =>
    combine(existing, proposed, { existing: canonicalText(existing), proposed: canonicalText(proposed) })
  return Object.freeze(Object.assign(called, { [LawfulTypeId]: combine }))
}

/** The form of a lawful rule that takes the texts of the values; undefined for any other function. */
export const lawfulOf = (rule: Combine<unknown>): CombineByTexts<unknown> | undefined =>
  LawfulTypeId in rule ? (rule[LawfulTypeId] as CombineByTexts<unknown>) : undefined

const rankOf = <T>(by: (value: T) => Rank, value: T): Rank => {
  const rank = by(value)
  if (rank === rank && ["number", "bigint", "string"].includes(typeof rank)) return rank
  throw new TypeError(`a value is ranked by a number, a bigint or a text, not by ${String(rank)}`)
}

/**
 * A rule that keeps the value with the greatest rank. Of values with the same rank it keeps the one whose canonical text is the
 * last in the order of code units.
 */
export const max = <T>(by: (value: T) => Rank): Combine<T> =>
  lawful((existing, proposed, texts) => {
    const [a, b] = [rankOf(by, existing), rankOf(by, proposed)]
    if (a === b) return texts.existing >= texts.proposed ? existing : proposed
    return a > b ? existing : proposed
  })

/**
 * A rule that keeps the value with the least rank. Of values with the same rank it keeps the one whose canonical text is the
 * first in the order of code units.
 */
export const min = <T>(by: (value: T) => Rank): Combine<T> =>
  lawful((existing, proposed, texts) => {
    const [a, b] = [rankOf(by, existing), rankOf(by, proposed)]
    if (a === b) return texts.existing <= texts.proposed ? existing : proposed
    return a < b ? existing : proposed
  })

type Fields = Readonly<Record<string, unknown>>

/** The items of a field with their texts, and the text of all other fields. */
const partsOf = (
  value: Fields,
  text: string,
  field: string
): { readonly items: Map<string, unknown>; readonly rest: string } => {
  const { [field]: encoded, ...rest } = parseJson(text) as Fields
  const items = value[field]
  if (!Array.isArray(items) || !Array.isArray(encoded) || items.length !== encoded.length) {
    throw new TypeError(`Fact.union(${JSON.stringify(field)}): the field must be an array`)
  }
  return {
    items: new Map(items.map((item, index) => [canonicalText(encoded[index]), item])),
    rest: canonicalText(rest)
  }
}

/**
 * A rule that makes the union of a field, which is an array: each item once, in the order of the items' canonical texts. If the
 * other fields differ, it takes those whose canonical text is the last in the order of code units.
 */
export const union = <const Field extends string>(
  field: Field
): (<T extends { readonly [Name in Field]: ReadonlyArray<unknown> }>(existing: T, proposed: T) => T) =>
  lawful<any>((existing: Fields, proposed: Fields, texts) => {
    const [a, b] = [partsOf(existing, texts.existing, field), partsOf(proposed, texts.proposed, field)]
    const items = [...new Map([...a.items, ...b.items])].sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
    return { ...(a.rest >= b.rest ? existing : proposed), [field]: items.map(([, item]) => item) }
  })
