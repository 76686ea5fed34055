/**
 * Folds: the totals of groups, kept up at the cost of what changed (J3, J4).
 *
 *     since the agent's marks:  new facts → added to their groups; what they revised → taken out of its group
 *                               pruned facts that it had counted → taken out of their groups
 *     then:                     a proposal for each group that changed, in the order of its first change
 *
 * With `add` and `remove` the total in the context is the state of a group. An aggregate of ours has its state in memory, as of
 * the marks. A state of other marks, as after a resume, is made anew of the facts that are there.
 *
 * Invariants: a fact is counted once, and taken out once; the proposals are a function of the ledger and the marks (G3).
 * Boundary: the pure core; the main thread alone. It works in steps, and calls the program's own functions.
 */
import type { FactEntry } from "../context/factTable.ts"
import type { Ledger } from "../context/Ledger.ts"
import { emptyEffect, type EncodedEffect, type EncodedFact } from "../program/encoded.ts"
import type { ErasedFold } from "../program/erased.ts"
import type { IndexKey } from "../program/Fact.ts"
import type { GroupState } from "../program/Fold.ts"
import { plainly } from "../values/plainResult.ts"
import { typeOf } from "../values/panic.ts"
import { stepSize } from "../values/steps.ts"
import { encodeFact, faultOf, invalid, type TaskFault } from "./encodeEffect.ts"

/** How far a fold has read: facts up to a version, and prunings up to a number. */
export interface FoldMarks {
  readonly since: number
  readonly pruned: number
}

/** The states of a fold's groups, as of its marks. */
export interface FoldMemory {
  readonly marks: FoldMarks
  readonly groups: Map<IndexKey, GroupState<unknown, unknown>>
}

/** The changes of a group. */
interface Change {
  readonly added: Array<FactEntry>
  readonly removed: Array<FactEntry>
}

type Changes = ReadonlyMap<IndexKey, Change>

/** The group of a fact. @throws what the fold's function throws, and TypeError for what is no key */
const groupOf = ({ keyOf, label }: ErasedFold, { fact }: FactEntry): IndexKey => {
  const key = plainly(label, keyOf(fact.value as never))
  if (typeof key === "string" || typeof key === "number" || typeof key === "boolean") return key
  throw new TypeError(`${label} is ${typeOf(key)}: a group is named by a text, a number or a boolean`)
}

/** The entry that held the fact's place as of a version, and was counted then. */
const countedAt = (entry: FactEntry | undefined, since: number): FactEntry | undefined => {
  let counted = entry
  while (counted !== undefined && counted.position > since) counted = counted.previous
  return counted
}

/** The changes since the marks, by group, in the order of the groups' first changes. */
function* changesOf(fold: ErasedFold, { pruned, since }: FoldMarks, ledger: Ledger): Generator<void, Changes> {
  const changes = new Map<IndexKey, Change>()
  const changeOf = (entry: FactEntry): Change => {
    const key = groupOf(fold, entry)
    let change = changes.get(key)
    if (change === undefined) changes.set(key, (change = { added: [], removed: [] }))
    return change
  }
  let parts = 0
  for (const entry of ledger.liveAfter(fold.over.name, since)) {
    const before = countedAt(entry.previous, since)
    if (before !== undefined) changeOf(before).removed.push(before)
    changeOf(entry).added.push(entry)
    if (++parts % stepSize === 0) yield
  }
  for (const entry of ledger.prunedAfter(pruned)) {
    if (++parts % stepSize === 0) yield
    if (entry.fact.kind !== fold.over.name) continue
    const before = countedAt(entry, since)
    if (before !== undefined) changeOf(before).removed.push(before)
  }
  return changes
}

/** The states of all groups, of the facts that are there. */
function* statesOf(
  fold: ErasedFold,
  make: NonNullable<ErasedFold["aggregate"]>,
  ledger: Ledger
): Generator<void, FoldMemory["groups"]> {
  const groups: FoldMemory["groups"] = new Map()
  let parts = 0
  for (const entry of ledger.liveAfter(fold.over.name, 0)) {
    stateOf(groups, groupOf(fold, entry), make).add(entry.fact.value)
    if (++parts % stepSize === 0) yield
  }
  return groups
}

const stateOf = (
  groups: FoldMemory["groups"],
  key: IndexKey,
  make: NonNullable<ErasedFold["aggregate"]>
): GroupState<unknown, unknown> => {
  let state = groups.get(key)
  if (state === undefined) groups.set(key, (state = make()))
  return state
}

/** Brings the states of an aggregate of ours up to date. */
function* broughtUp(
  fold: ErasedFold,
  make: NonNullable<ErasedFold["aggregate"]>,
  changes: Changes,
  memory: FoldMemory | undefined,
  marks: FoldMarks,
  ledger: Ledger
): Generator<void, FoldMemory["groups"]> {
  const isCurrent = memory?.marks.since === marks.since && memory.marks.pruned === marks.pruned
  if (memory === undefined || !isCurrent) return yield* statesOf(fold, make, ledger)
  let parts = 0
  for (const [key, { added, removed }] of changes) {
    const state = stateOf(memory.groups, key, make)
    for (const { fact } of removed) state.remove(fact.value)
    for (const { fact } of added) state.add(fact.value)
    parts += added.length + removed.length
    if (parts < stepSize) continue
    parts = 0
    yield
  }
  return memory.groups
}

/** The total of a group by `add` and `remove`: the one in the context, with what changed. */
const ownTotal = (
  { add, into, remove }: ErasedFold,
  key: IndexKey,
  { added, removed }: Change,
  marks: FoldMarks,
  ledger: Ledger
): unknown => {
  const put = (total: unknown, { fact }: FactEntry): unknown => plainly("add", add!(total, fact.value, key))
  const sample = added[0] ?? removed[0]!
  // A total's id depends on its group alone, so that of any value finds it.
  const { id } = encodeFact(into, put(undefined, sample), `the total of ${String(key)}`)
  let total = marks.since === 0 ? undefined : ledger.entry(into.name, id)?.fact.value
  if (total !== undefined) for (const { fact } of removed) total = plainly("remove", remove!(total, fact.value, key))
  for (const entry of added) total = put(total, entry)
  return total
}

/** The proposal of a group's total. Its reasons are the group's new facts, and the total before. */
const proposalOf = (
  { into }: ErasedFold,
  total: unknown,
  place: number,
  added: ReadonlyArray<FactEntry>,
  ledger: Ledger
): EncodedFact => {
  const fact = encodeFact(into, total, place)
  const before = ledger.entry(into.name, fact.id)?.position
  const because = added.map(({ position }) => position)
  if (before !== undefined) because.push(before)
  return because.length === 0 ? fact : { ...fact, because: Object.freeze(because) }
}

/** A fold's effect, and what it keeps in memory if the effect's cycle is committed. */
export interface Folded {
  readonly result: EncodedEffect | TaskFault
  readonly memory: FoldMemory | undefined
}

/** Executes a fold, in steps. Never throws: a fault is a value. */
export function* runFold(
  fold: ErasedFold,
  marks: FoldMarks,
  memory: FoldMemory | undefined,
  ledger: Ledger
): Generator<void, Folded> {
  try {
    const changes = yield* changesOf(fold, marks, ledger)
    const make = fold.aggregate
    const groups = make && (yield* broughtUp(fold, make, changes, memory, marks, ledger))
    const facts = new Map<string, EncodedFact>()
    for (const [key, change] of changes) {
      const total =
        groups === undefined
          ? ownTotal(fold, key, change, marks, ledger)
          : plainly("as", fold.as!(key, stateOf(groups, key, make!).item()))
      if (facts.size % stepSize === stepSize - 1) yield
      if (total === undefined && make === undefined) continue
      const fact = proposalOf(fold, total, facts.size, change.added, ledger)
      if (facts.has(fact.id)) {
        invalid(`two groups have the total ${fold.into.name}/${fact.id}, the later one is ${JSON.stringify(key)}`)
      }
      facts.set(fact.id, fact)
    }
    const effect = facts.size === 0 ? emptyEffect : { ...emptyEffect, facts: [...facts.values()] }
    const read = { since: ledger.version, pruned: ledger.prunedCount }
    return { result: effect, memory: groups && { marks: read, groups } }
  } catch (error) {
    return { result: faultOf(error), memory: undefined }
  }
}
