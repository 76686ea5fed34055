/**
 * The orders in which seeds and signals arrive.
 *
 * An order is a list of parts, and a part holds a fact once, because it is one effect. A fact that arrives twice is revised, so
 * its second arrival is in a later part. Who comes last decides about a revision, unless the kind combines values. So the
 * arrivals of one fact keep their order among themselves if its kind has a rule by name, and are shuffled if it has a function.
 *
 * Boundary: pure.
 */
import type { EncodedFact } from "../program/encoded.ts"
import { refKey } from "../program/keys.ts"
import { type Random, shuffle } from "../values/random.ts"

/** Seeds and signals in parts. `isEarly`: a further part arrives after one cycle, and not only at the fixed point. */
export interface Arrival {
  readonly name: string
  readonly parts: ReadonlyArray<ReadonlyArray<EncodedFact>>
  readonly isEarly: boolean
  /** The things that arrive, for messages. */
  readonly what: "seeds" | "seeds and signals"
}

type Parts = ReadonlyArray<ReadonlyArray<EncodedFact>>

/** Facts that are tried alone, first and last: at most so many, evenly spread. */
const mostAlone = 8
/** Programs with at most so many facts are also run with one after the other. */
const mostOneByOne = 6

const keyOf = ({ id, kind }: EncodedFact): string => refKey({ kind: kind.name, id })

/** The arrivals of facts that arrive more than once, in their order, by fact. */
const revisionsOf = (all: ReadonlyArray<EncodedFact>): ReadonlyMap<string, ReadonlyArray<EncodedFact>> => {
  const byFact = Map.groupBy(all, keyOf)
  return new Map([...byFact].filter(([, arrivals]) => arrivals.length > 1))
}

/** Puts the arrivals of a fact into their order, at the places that they have, unless its kind combines values. */
const inOrder = (parts: Parts, revisions: ReadonlyMap<string, ReadonlyArray<EncodedFact>>): Parts => {
  const places = new Map<string, number>()
  return parts.map((part) =>
    part.map((fact) => {
      if (typeof fact.kind.conflict === "function") return fact
      const key = keyOf(fact)
      const place = places.get(key) ?? 0
      places.set(key, place + 1)
      return revisions.get(key)?.[place] ?? fact
    })
  )
}

/** Splits parts in which a fact arrives more than once. */
const withoutRepeats = (parts: Parts): Parts =>
  parts.flatMap((part) => {
    const layers: Array<Array<EncodedFact>> = []
    const times = new Map<string, number>()
    for (const fact of part) {
      const key = keyOf(fact)
      const layer = times.get(key) ?? 0
      times.set(key, layer + 1)
      ;(layers[layer] ??= []).push(fact)
    }
    return layers
  })

/**
 * Parts as they can be sent: no part holds a fact twice, and arrivals of one fact keep their order where it decides. `from`: the
 * number of the part that it was, or was a part of.
 */
export const partsAsSent = (
  all: ReadonlyArray<EncodedFact>,
  parts: Parts
): ReadonlyArray<{ readonly facts: ReadonlyArray<EncodedFact>; readonly from: number }> =>
  inOrder(parts, revisionsOf(all)).flatMap((part, from) => withoutRepeats([part]).map((facts) => ({ facts, from })))

const whatOf = (signals: number): Arrival["what"] => (signals === 0 ? "seeds" : "seeds and signals")

/**
 * The order with which others are compared: all at once, but for revisions. `signals`: the number of them, at the end of `all`.
 */
export const naturalOrder = (all: ReadonlyArray<EncodedFact>, signals: number): Arrival => {
  const parts = all.length === 0 ? [[]] : withoutRepeats([all])
  return { name: "all at once", parts, isEarly: false, what: whatOf(signals) }
}

/**
 * The orders to try: signals after and before the seeds; by kind, since most differences come from a kind that is late; by single
 * facts; at random.
 */
export const ordersOf = (
  all: ReadonlyArray<EncodedFact>,
  signals: number,
  most: number,
  random: Random
): ReadonlyArray<Arrival> => {
  if (all.length < 2) return []
  const what = whatOf(signals)
  const found = new Map<string, Arrival>()
  const revisions = revisionsOf(all)
  const places = new Map(all.map((fact, place) => [fact, place]))
  const keyOfOrder = (parts: Parts, isEarly: boolean): string =>
    JSON.stringify([isEarly, parts.map((part) => part.map((fact) => places.get(fact)))])
  const natural = keyOfOrder(naturalOrder(all, signals).parts, false)
  const add = (name: string, given: Parts): void => {
    const parts = withoutRepeats(inOrder(given, revisions))
    for (const isEarly of [false, true]) {
      const whole = isEarly ? `${name}, each part one cycle after the one before` : name
      const key = keyOfOrder(parts, isEarly)
      if (parts.length < 2 || key === natural || found.has(key) || found.size >= most) continue
      found.set(key, { name: whole, parts, isEarly, what })
    }
  }
  const split = (name: string, isIn: (fact: EncodedFact, place: number) => boolean): void => {
    const those = all.filter(isIn)
    const others = all.filter((fact, place) => !isIn(fact, place))
    if (those.length === 0 || others.length === 0) return
    add(`${name} last`, [others, those])
    add(`${name} first`, [those, others])
  }
  split("all signals", (_, place) => place >= all.length - signals)
  for (const kind of new Set(all.map((fact) => fact.kind))) split(`all ${kind.name}`, (fact) => fact.kind === kind)
  const stride = Math.max(1, Math.floor(all.length / mostAlone))
  for (let place = 0; place < all.length; place += stride) {
    const alone = all[place]!
    const arrivals = revisions.get(keyOf(alone))
    const which = arrivals === undefined ? "" : ` (arrival ${arrivals.indexOf(alone) + 1} of ${arrivals.length})`
    split(`${alone.kind.name}/${alone.id}${which}`, (fact) => fact === alone)
  }
  if (all.length <= mostOneByOne) {
    const single = all.map((fact) => [fact])
    add("one by one", single)
    add("one by one, the last first", [...single].reverse())
  }
  for (let tries = 0; found.size < most && tries < 2 * most; tries++) {
    const count = Math.min(all.length, 2 + random(3))
    const parts: Array<Array<EncodedFact>> = Array.from({ length: count }, () => [])
    shuffle(all, random).forEach((fact, place) => parts[place < count ? place : random(count)]!.push(fact))
    add(`${count} parts at random (${tries + 1})`, parts)
  }
  return [...found.values()]
}
