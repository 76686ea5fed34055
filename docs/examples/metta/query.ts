/** Queries of a space: a pattern, or several that share variables, and what becomes of each way to match them. */
import { type Atom, deref, expressionKind, slotKind, symbol } from "./atoms.ts"
import { count } from "./budget.ts"
import { Alternative } from "./frames.ts"
import type { Machine } from "./machine.ts"
import { match, mayMatch } from "./match.ts"
import type { Entry, Space } from "./space.ts"

const comma = symbol(",")

/** A query of a space as it was at a moment. */
interface Query {
  readonly space: Space
  readonly patterns: ReadonlyArray<Atom>
  readonly moment: number
  readonly template: Atom
}

/** Goes on with the template for each match, or with `otherwise` if there is none; without it there is no result then. */
export const querySpace = (machine: Machine, space: Space, pattern: Atom, template: Atom, otherwise?: Atom): void => {
  const given = deref(pattern)
  const isConjunction = given.kind === expressionKind && given.items[0] !== undefined && deref(given.items[0]) === comma
  const patterns = isConjunction ? given.items.slice(1) : [given]
  if (otherwise !== undefined) machine.note(new NoMatch(otherwise))
  const noMatch = machine.newest
  const query = { space, patterns, moment: space.clock, template }
  matchNext(machine, query, 0, noMatch instanceof NoMatch && otherwise !== undefined ? noMatch : undefined)
}

/** Below a query: if it had no match, this is next. */
class NoMatch extends Alternative {
  override readonly isBarrier = true
  hadMatch = false
  private readonly otherwise: Atom

  constructor(otherwise: Atom) {
    super()
    this.otherwise = otherwise
  }

  retry(machine: Machine): void {
    machine.forget()
    if (this.hadMatch) machine.fail()
    else machine.evaluate(this.otherwise)
  }
}

/** Matches the pattern of this number, then those after it. */
const matchNext = (machine: Machine, query: Query, number: number, noMatch: NoMatch | undefined): void => {
  const next = query.patterns[number]
  if (next === undefined) {
    if (noMatch !== undefined) noMatch.hadMatch = true
    machine.evaluate(query.template)
    return
  }
  const pattern = deref(next)
  const candidates = query.space.candidates(pattern)
  const search: Search = { query, number, pattern, candidates, noMatch }
  if (!tryEntries(machine, search, 0, undefined)) machine.fail()
}

/** The search for matches of one pattern of a query. */
interface Search {
  readonly query: Query
  readonly number: number
  readonly pattern: Atom
  readonly candidates: ReadonlyArray<Entry>
  readonly noMatch: NoMatch | undefined
}

/** Goes on with the next match, from a candidate on. Answers whether there was one. */
const tryEntries = (machine: Machine, search: Search, from: number, noted: Entries | undefined): boolean => {
  const { bindings } = machine
  const { position, mark } = bindings
  bindings.attempt()
  let next = nextEntry(search, from)
  while (next !== -1) {
    const entry = search.candidates[next] as Entry
    // Before the match, which may give values to variables of the pattern.
    next = nextEntry(search, next + 1)
    if (!match(entry.atom, search.pattern, new Array<Atom | undefined>(entry.slots), bindings)) {
      bindings.undo(position)
      continue
    }
    if (next === -1) {
      bindings.settle(position, noted === undefined ? mark : noted.before)
      if (noted !== undefined) machine.forget()
    } else if (noted === undefined) {
      machine.note(new Entries(search, next), position, mark)
      bindings.settle(position, bindings.mark)
    } else {
      noted.from = next
      bindings.settle(position, mark)
    }
    matchNext(machine, search.query, search.number + 1, search.noMatch)
    return true
  }
  bindings.settle(position, mark)
  return false
}

/** The next candidate that is there and whose outermost parts match; -1 for none. */
const nextEntry = ({ candidates, pattern, query: { space, moment } }: Search, from: number): number => {
  for (let i = from; i < candidates.length; i++) {
    const entry = candidates[i] as Entry
    if (!space.isThere(entry, moment)) continue
    count(1)
    if (mayMatchAtoms(entry.atom, pattern)) return i
  }
  return -1
}

const mayMatchAtoms = (atom: Atom, pattern: Atom): boolean => {
  if (pattern.kind !== expressionKind || atom.kind !== expressionKind)
    return atom.kind === slotKind || mayMatch(atom, pattern)
  if (atom.items.length !== pattern.items.length) return false
  for (let i = 0; i < atom.items.length; i++)
    if (!mayMatch(atom.items[i] as Atom, pattern.items[i] as Atom)) return false
  return true
}

/** The matches of a pattern that were not tried yet. */
class Entries extends Alternative {
  private readonly search: Search
  from: number

  constructor(search: Search, from: number) {
    super()
    this.search = search
    this.from = from
  }

  retry(machine: Machine): void {
    if (tryEntries(machine, this.search, this.from, this)) return
    machine.forget()
    machine.fail()
  }
}
