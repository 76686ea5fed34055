/**
 * Joins: the pairs of facts that meet on a key, each exactly once (J1, J2).
 *
 * A pair belongs to the later of its two facts. So each new fact meets the live facts of the other side that were committed
 * before it, which an index finds by key. Facts that are new are cut into batches of `batchFacts`, in commit order. A batch is a
 * task. Its number and its facts do not depend on the number of workers (G3).
 *
 * Invariants: a pair is in one batch of one cycle; the pairs of a batch are in the order (left position, right position).
 * Boundary: the pure core. It runs on the main thread over the ledger and on workers over a replica, and works in steps.
 */
import type { FactEntry, Table } from "../context/factTable.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { ErasedAgent, ErasedJoin, JoinSide } from "../program/erased.ts"
import type { Kind } from "../program/Fact.ts"
import type { View } from "../program/View.ts"
import { lightStepSize } from "../values/steps.ts"
import { BatchConflict, BatchEffect } from "./batchEffect.ts"
import { faultOf, type TaskFault } from "./encodeEffect.ts"

/** New facts in a batch. It decides what the tasks of a join are, so another number gives other hashes. */
export const batchFacts = 2_048

/** Tuning: pairs in one step. A pair calls the program, which may take its time. */
const pairsInStep = 16

/** The number of tasks for so many new facts. */
export const batchesOf = (count: number): number => Math.max(1, Math.ceil(count / batchFacts))

/** The live facts of both sides that are new since a position, in commit order. Works in steps. */
export function* newSides(
  { left, right }: ErasedJoin,
  since: number,
  ledger: Ledger
): Generator<void, ReadonlyArray<FactEntry>> {
  const found: Array<FactEntry> = []
  for (const { name } of new Set([left.kind, right.kind])) {
    for (const entry of ledger.liveAfter(name, since)) {
      found.push(entry)
      if (found.length % lightStepSize === 0) yield
    }
  }
  if (left.kind !== right.kind) found.sort((a, b) => a.position - b.position)
  return found
}

/** Facts that meet: `lefts[i]` and `rights[i]`. */
class Pairs {
  readonly lefts: Array<FactEntry> = []
  readonly rights: Array<FactEntry> = []
  private readonly join: ErasedJoin
  private readonly left: Table | undefined
  private readonly right: Table | undefined
  private isOrdered = true

  constructor(join: ErasedJoin, ledger: Ledger) {
    this.join = join
    this.left = ledger.table(join.left.kind.name)
    this.right = ledger.table(join.right.kind.name)
  }

  get count(): number {
    return this.lefts.length
  }

  /** Brings both indexes up to date, in steps. */
  *catchUp(): Generator<void, void> {
    const { join } = this
    for (const [table, { keyOf, label }] of [[this.left, join.left] as const, [this.right, join.right] as const]) {
      if (table === undefined) continue
      while (!table.catchUp(keyOf, label, lightStepSize)) yield
    }
  }

  /** Adds the pairs of a new fact with the facts before it. A fact that is on both sides also meets itself. */
  add(entry: FactEntry): void {
    const { left, right } = this.join
    const { kind } = entry.fact
    if (kind === left.kind.name) {
      const isSelf = left.kind === right.kind
      this.meet(left, entry, this.right, right, isSelf ? entry.position + 1 : entry.position, this.rights)
      while (this.lefts.length < this.rights.length) this.lefts.push(entry)
    }
    if (kind !== right.kind.name) return
    this.meet(right, entry, this.left, left, entry.position, this.lefts)
    if (this.rights.length < this.lefts.length) this.isOrdered = false
    while (this.rights.length < this.lefts.length) this.rights.push(entry)
  }

  /**
   * Adds the facts of the other side that have a key of this one to `met`, each once, in commit order. `met` is the side of the
   * pairs themselves: an array for each new fact would cost more than most look-ups.
   */
  private meet(
    side: JoinSide,
    entry: FactEntry,
    other: Table | undefined,
    otherSide: JoinSide,
    before: number,
    met: Array<FactEntry>
  ): void {
    const table = side === this.join.left ? this.left : this.right
    if (other === undefined || table === undefined) return
    const { keyOf, label } = otherSide
    const keys = table.indexOf(side.keyOf, side.label).keysOf(entry)
    if (typeof keys !== "object") return other.collectBy(keyOf, label, keys, before, met)
    const [key] = keys
    if (keys.length < 2) return key === undefined ? undefined : other.collectBy(keyOf, label, key, before, met)
    const all: Array<FactEntry> = []
    for (const one of keys) other.collectBy(keyOf, label, one, before, all)
    // Two facts with several keys in common meet once.
    for (const one of [...new Set(all)].sort((a, b) => a.position - b.position)) met.push(one)
  }

  /** The places of the pairs in the order (left position, right position); undefined if that is the order they are in. */
  get order(): ReadonlyArray<number> | undefined {
    if (this.isOrdered) return undefined
    const { lefts, rights } = this
    const places = lefts.map((_, place) => place)
    return places.sort((a, b) => lefts[a]!.position - lefts[b]!.position || rights[a]!.position - rights[b]!.position)
  }
}

/** Runs a batch of a join: calls the agent for each pair, and joins what it gives into one effect. Works in steps. */
export function* runBatch(
  agent: ErasedAgent,
  join: ErasedJoin,
  batch: ReadonlyArray<FactEntry>,
  view: View<Kind.Any>,
  ledger: Ledger
): Generator<void, EncodedEffect | TaskFault> {
  try {
    const pairs = new Pairs(join, ledger)
    yield* pairs.catchUp()
    for (let place = 0; place < batch.length; place++) {
      if (place % pairsInStep === pairsInStep - 1) yield
      pairs.add(batch[place]!)
    }
    const { lefts, order, rights } = pairs
    const effect = new BatchEffect(agent, ledger)
    for (let next = 0; next < pairs.count; next++) {
      if (next % pairsInStep === pairsInStep - 1) yield
      const place = order === undefined ? next : order[next]!
      const left = lefts[place]!
      const right = rights[place]!
      const output = join.execute(left.fact, right.fact, view)
      effect.add(output, reasonsOf(left, right))
    }
    return effect.effect
  } catch (error) {
    return error instanceof BatchConflict ? error.fault : faultOf(error)
  }
}

const reasonsOf = (left: FactEntry, right: FactEntry): ReadonlyArray<number> =>
  Object.freeze(left === right ? [left.position] : [left.position, right.position])
