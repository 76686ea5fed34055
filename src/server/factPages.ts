/**
 * Pages of facts in commit order, in both directions: of a live job, or of a context of the past; all, or those with a text.
 *
 * The place of a fact is its version, which no other fact has. So facts that are committed later change no earlier page. A page
 * that goes back reads stretches of versions before its place, each twice as long as the last, until it is full.
 *
 * Boundary: facts in, a page and its cursors out.
 */
import * as Effect from "effect/Effect"
import { sealedFacts } from "../job/committed.ts"
import type { JobView } from "../job/view.ts"
import { Limits } from "../Limits.ts"
import type { FactJson } from "../outcome/resultJson.ts"
import { breathe } from "../platform/slices.ts"
import type { PageSide } from "./queries.ts"
import type { Replayed } from "./replays.ts"

/** Facts in commit order after a position, up to a number of them. */
type Source = (after: number, limit: number) => { readonly facts: ReadonlyArray<FactJson>; readonly hasMore: boolean }

/** The facts of a past cycle. `offset`: facts that the first page skips. */
export const ofReplay = ({ context }: Replayed, kind: string | undefined, offset = 0): Source =>
  skipping(offset, (after, limit, skip) => sealedFacts(context, { kind, after, limit, skip }))

/** The committed facts of a live job. `offset`: facts that the first page skips. */
export const ofView = (view: JobView, kind: string | undefined, offset = 0): Source =>
  skipping(offset, (after, limit, skip) => view.facts({ kind, after, limit, skip }))

/** Skips so many facts at the first reading. */
const skipping = (offset: number, read: (after: number, limit: number, skip: number) => ReturnType<Source>): Source => {
  let left = offset
  return (after, limit) => {
    const skip = left
    left = 0
    return read(after, limit, skip)
  }
}

/**
 * Whether a fact has a text in its id, in the JSON of its id, or in that of its value, in capitals or not. The JSON of an id
 * names characters that no URL can hold.
 */
const finds = (q: string | undefined): ((fact: FactJson) => boolean) => {
  if (q === undefined || q === "") return () => true
  const wanted = q.toLowerCase()
  return ({ id, value }) =>
    [id, JSON.stringify(id), JSON.stringify(value)].some((text) => text.toLowerCase().includes(wanted))
}

/** A page of facts, and the places of the pages on both sides of it. */
export interface FoundFacts {
  readonly facts: ReadonlyArray<FactJson>
  readonly cursor: string | null
  readonly previous: string | null
}

const versionOf = ({ provenance }: FactJson): number => provenance.version

/** A page of the facts of a source. */
export const findFacts = (
  source: Source,
  side: PageSide,
  limit: number,
  q: string | undefined
): Effect.Effect<FoundFacts> =>
  "after" in side ? forwards(source, side.after, limit, q) : backwards(source, side.before, limit, q)

/** Reads pages until enough facts are found, or so many were looked at that the client has to ask again. */
const forwards = Effect.fnUntraced(function* (source: Source, after: number, limit: number, q: string | undefined) {
  const isFound = finds(q)
  const found: Array<FactJson> = []
  const previous = after === 0 ? null : String(after + 1)
  let last = after
  for (let looked = 0; looked < Limits.serverSearchedFacts; looked += Limits.serverPage) {
    const { facts, hasMore } = source(last, q === undefined ? limit : Limits.serverPage)
    for (const fact of facts) {
      last = versionOf(fact)
      if (isFound(fact)) found.push(fact)
      if (found.length === limit) {
        return { facts: found, cursor: hasMore || fact !== facts.at(-1) ? String(last) : null, previous }
      }
    }
    if (!hasMore) return { facts: found, cursor: null, previous }
    yield* breathe
  }
  return { facts: found, cursor: String(last), previous }
})

/** Does the same for the facts before a version, the nearest first. */
const backwards = Effect.fnUntraced(function* (source: Source, before: number, limit: number, q: string | undefined) {
  const isFound = finds(q)
  const cursor = String(Math.max(0, before - 1))
  let found: ReadonlyArray<FactJson> = []
  let high = before
  let looked = 0
  for (let length = Limits.serverPage; high > 1; length *= 2) {
    const low = Math.max(0, high - 1 - length)
    const stretch: Array<FactJson> = []
    let last = low
    for (let hasMore = true; hasMore;) {
      const read = source(last, Limits.serverPage)
      for (const fact of read.facts) {
        last = versionOf(fact)
        if (last < high && isFound(fact)) stretch.push(fact)
      }
      looked += read.facts.length
      hasMore = read.hasMore && last < high
      yield* breathe
    }
    found = [...stretch, ...found]
    high = low + 1
    if (found.length > limit) {
      const facts = found.slice(-limit)
      return { facts, cursor, previous: String(facts[0] === undefined ? high : versionOf(facts[0])) }
    }
    if (looked >= Limits.serverSearchedFacts) return { facts: found, cursor, previous: high > 1 ? String(high) : null }
  }
  return { facts: found, cursor, previous: null }
})

/** A page of items in the order of their numbers, such as versions. */
export const numberedPage = <Item>(
  items: ReadonlyArray<Item>,
  numberOf: (item: Item) => number,
  side: PageSide,
  limit: number
): { readonly items: ReadonlyArray<Item>; readonly cursor: string | null; readonly previous: string | null } => {
  if ("after" in side) {
    const later = items.filter((item) => numberOf(item) > side.after)
    const page = later.slice(0, limit)
    const last = later.length > limit ? page.at(-1) : undefined
    const previous = side.after === 0 ? null : String(side.after + 1)
    return { items: page, cursor: last === undefined ? null : String(numberOf(last)), previous }
  }
  const earlier = items.filter((item) => numberOf(item) < side.before)
  const page = earlier.slice(-limit)
  const first = earlier.length > limit ? page[0] : undefined
  const cursor = String(Math.max(0, side.before - 1))
  return { items: page, cursor, previous: first === undefined ? null : String(numberOf(first)) }
}

/** As `numberedPage`, for items whose number is their place, from 1 on: a million of them need no number each. */
export const placedPage = <Item>(
  items: ReadonlyArray<Item>,
  side: PageSide,
  limit: number
): ReturnType<typeof numberedPage<Item>> => {
  if ("after" in side) {
    const end = side.after + limit
    const previous = side.after === 0 ? null : String(side.after + 1)
    return { items: items.slice(side.after, end), cursor: items.length > end ? String(end) : null, previous }
  }
  const end = Math.max(0, Math.min(items.length, side.before - 1))
  const begin = Math.max(0, end - limit)
  const cursor = String(Math.max(0, side.before - 1))
  return { items: items.slice(begin, end), cursor, previous: begin === 0 ? null : String(begin + 1) }
}
