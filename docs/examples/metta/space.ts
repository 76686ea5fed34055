/**
 * A space: atoms in the order in which they came, indexed by their head and first argument; and its rules, indexed in the same
 * way by the heads and first arguments of their left sides.
 *
 * A removed atom keeps its place until `compact`, so that an evaluation that fails can be undone, and so that a match goes on over
 * the atoms of the moment at which it began.
 */
import {
  type Atom,
  deref,
  Expression,
  expressionKind,
  numberKind,
  rebuild,
  Slot,
  slotKind,
  spaceKind,
  type Sym,
  symbol,
  symbolKind,
  textKind,
  truthKind,
  variableKind
} from "./atoms.ts"
import { Bindings, isEqual, match, type Template, template } from "./match.ts"

/** The statement that an atom came from: a place in the program, or the evaluation (from 1) that added it. */
export interface Origin {
  readonly line: number
  readonly column: number
  readonly evaluation?: number
}

/** An atom of a space. */
export interface Entry {
  readonly atom: Atom
  readonly slots: number
  readonly order: number
  readonly origin: Origin
  readonly born: number
  died: number
  /** Its parts, if it is a rule. */
  readonly rule: Rule | undefined
  moves: Template | undefined
}

/** A rule `(= left right)`. */
export interface Rule {
  readonly left: Expression
  readonly right: Atom
  readonly body: Template
}

const equals = symbol("=")
export const colon = symbol(":")

/** The key of an atom in an index; undefined for an atom with which many may match. */
export const keyOf = (given: Atom): unknown => {
  const atom = deref(given)
  switch (atom.kind) {
    case symbolKind:
    case truthKind:
      return atom
    case numberKind:
      return atom.value
    case textKind:
      return `"${atom.value}`
    case spaceKind:
      return `&${atom.name}`
    case expressionKind: {
      const [first] = atom.items
      if (first === undefined) return emptyKey
      const head = deref(first)
      if (head.kind === symbolKind) return head.opening
      return head.kind === expressionKind ? nestedKey : keyOf(head)
    }
    default:
      return undefined
  }
}

const emptyKey = {}
const nestedKey = {}

const none: ReadonlyArray<Entry> = []

/** Two lists in the order of their entries. */
const merged = (left: ReadonlyArray<Entry>, right: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  if (left.length === 0) return right
  if (right.length === 0) return left
  const all: Array<Entry> = []
  let [i, j] = [0, 0]
  for (;;) {
    const a = left[i]
    const b = right[j]
    if (a === undefined || b === undefined) return all.concat(left.slice(i), right.slice(j))
    if (a.order < b.order) i += 1
    else j += 1
    all.push(a.order < b.order ? a : b)
  }
}

/** Entries with one head, by their first argument. The index is made when it is first asked for. */
class Bucket {
  readonly entries: Array<Entry> = []
  private keyed: Map<unknown, Array<Entry>> | undefined
  private unkeyed: Array<Entry> = []
  private readonly firstOf: (entry: Entry) => Atom | undefined

  constructor(firstOf: (entry: Entry) => Atom | undefined) {
    this.firstOf = firstOf
  }

  add(entry: Entry): void {
    this.entries.push(entry)
    if (this.keyed !== undefined) this.index(entry, this.keyed)
  }

  /** The entries that may match with this first argument. */
  candidates(first: Atom | undefined): ReadonlyArray<Entry> {
    if (first === undefined) return this.entries
    const key = keyOf(first)
    if (key === undefined) return this.entries
    if (this.keyed === undefined) {
      this.keyed = new Map()
      for (const entry of this.entries) this.index(entry, this.keyed)
    }
    return merged(this.keyed.get(key) ?? none, this.unkeyed)
  }

  private index(entry: Entry, keyed: Map<unknown, Array<Entry>>): void {
    const first = this.firstOf(entry)
    const key = first === undefined ? undefined : keyOf(first)
    if (key === undefined) this.unkeyed.push(entry)
    else {
      const known = keyed.get(key)
      if (known === undefined) keyed.set(key, [entry])
      else known.push(entry)
    }
  }
}

const firstArgument = (atom: Atom): Atom | undefined => (atom.kind === expressionKind ? atom.items[1] : undefined)
const firstOfAtom = (entry: Entry): Atom | undefined => firstArgument(entry.atom)
const firstOfRule = (entry: Entry): Atom | undefined =>
  entry.rule === undefined ? undefined : firstArgument(entry.rule.left)

/** The symbol at the head of an expression. */
const headOf = (atom: Atom): Sym | undefined => {
  if (atom.kind !== expressionKind) return undefined
  const [first] = atom.items
  if (first === undefined) return undefined
  const head = deref(first)
  return head.kind === symbolKind ? head : undefined
}

const never = Number.POSITIVE_INFINITY

export class Space {
  readonly name: string
  /** Counts changes. An entry is there at a moment if it was born then and had not died. */
  clock = 0
  private entries: Array<Entry> = []
  private live = 0
  private heads = new Map<Sym, Bucket>()
  private rulesByHead = new Map<Sym, Bucket>()
  /** Atoms, and rules, that a pattern with a symbol for its head may match though their own head is none. */
  private openAtoms: Array<Entry> = []
  private openRules: Array<Entry> = []
  private nestedRules: Array<Entry> = []
  /** Symbols that a type was declared for at some time. */
  private readonly typed = new Set<Atom>()
  private isAnyTyped = false

  constructor(name: string) {
    this.name = name
  }

  get size(): number {
    return this.live
  }

  /** Adds an atom, whose variables become slots. */
  add(atom: Atom, origin: Origin): Entry {
    const entry = this.entry(atom, origin)
    this.entries.push(entry)
    this.live += 1
    this.index(entry)
    return entry
  }

  /** The first atom that equals this one but for the names of variables, or undefined. */
  find(atom: Atom): Entry | undefined {
    return this.candidates(atom).find((entry) => entry.died === never && isVariant(entry, atom))
  }

  remove(entry: Entry): void {
    this.clock += 1
    entry.died = this.clock
    this.live -= 1
  }

  /** Takes back the newest addition. */
  undoAdd(entry: Entry): void {
    this.remove(entry)
  }

  undoRemove(entry: Entry): void {
    this.clock += 1
    entry.died = never
    this.live += 1
  }

  /** Entries that may match a pattern, in their order; some may be dead. */
  candidates(pattern: Atom): ReadonlyArray<Entry> {
    const head = headOf(pattern)
    if (head === undefined) return this.entries
    return merged(this.heads.get(head)?.candidates(firstArgument(pattern)) ?? none, this.openAtoms)
  }

  /** Rules that may match an expression, in the order of their definition; some may be dead. */
  rules(head: Atom, first: Atom | undefined): ReadonlyArray<Entry> {
    if (head.kind === symbolKind) {
      const found = this.rulesByHead.get(head)?.candidates(first) ?? none
      return this.openRules.length === 0 ? found : merged(found, this.openRules)
    }
    return head.kind === expressionKind ? merged(this.nestedRules, this.openRules) : this.openRules
  }

  /** Whether a type may be declared for a symbol. */
  mayHaveType(of: Sym): boolean {
    return this.isAnyTyped || this.typed.has(of)
  }

  isThere(entry: Entry, moment: number): boolean {
    return entry.born <= moment && moment < entry.died
  }

  /** All entries that are there, in their order. */
  *all(): Generator<Entry> {
    for (const entry of this.entries) if (entry.died === never) yield entry
  }

  /** Forgets dead entries, once they are the greater part. No evaluation may be under way. */
  compact(): void {
    if (this.entries.length < 64 || this.live * 2 > this.entries.length) return
    const kept = this.entries.filter((entry) => entry.died === never)
    this.entries = []
    this.heads = new Map()
    this.rulesByHead = new Map()
    this.openAtoms = []
    this.openRules = []
    this.nestedRules = []
    for (const entry of kept) {
      this.entries.push(entry)
      this.index(entry)
    }
  }

  private entry(atom: Atom, origin: Origin): Entry {
    const numbers = new Map<Atom, Slot>()
    const stored = rebuild(atom, (leaf) => {
      if (leaf.kind !== variableKind) return leaf
      const known = numbers.get(leaf) ?? new Slot(numbers.size, leaf.name)
      numbers.set(leaf, known)
      return known
    })
    this.clock += 1
    return {
      atom: stored,
      slots: numbers.size,
      order: this.clock,
      origin,
      born: this.clock,
      died: never,
      rule: ruleOf(stored),
      moves: undefined
    }
  }

  private index(entry: Entry): void {
    const head = headOf(entry.atom)
    if (head !== undefined) bucketOf(this.heads, head, firstOfAtom).add(entry)
    else if (isOpen(entry.atom)) this.openAtoms.push(entry)
    if (entry.atom.kind === expressionKind && (head === colon || head === undefined)) this.noteType(entry.atom.items[1])
    if (entry.rule === undefined) return
    const ruled = headOf(entry.rule.left)
    if (ruled !== undefined) bucketOf(this.rulesByHead, ruled, firstOfRule).add(entry)
    else if (isOpen(entry.rule.left)) this.openRules.push(entry)
    else this.nestedRules.push(entry)
  }

  private noteType(of: Atom | undefined): void {
    if (of?.kind === symbolKind) this.typed.add(of)
    else if (of?.kind === slotKind) this.isAnyTyped = true
  }
}

/** Whether an atom of a space may match a pattern that begins with a symbol, though it does not begin with one. */
const isOpen = (atom: Atom): boolean =>
  atom.kind !== expressionKind
    ? !isLeafOfOne(atom)
    : atom.items[0] !== undefined && !isLeafOfOne(atom.items[0]) && atom.items[0].kind !== expressionKind

const isLeafOfOne = (atom: Atom): boolean =>
  atom.kind === symbolKind ||
  atom.kind === numberKind ||
  atom.kind === textKind ||
  atom.kind === truthKind ||
  atom.kind === spaceKind

const bucketOf = (buckets: Map<Sym, Bucket>, head: Sym, firstOf: (entry: Entry) => Atom | undefined): Bucket => {
  const known = buckets.get(head)
  if (known !== undefined) return known
  const made = new Bucket(firstOf)
  buckets.set(head, made)
  return made
}

const ruleOf = (atom: Atom): Rule | undefined => {
  if (atom.kind !== expressionKind || atom.items.length !== 3 || atom.items[0] !== equals) return undefined
  const [, left, right] = atom.items
  if (left === undefined || right === undefined || left.kind !== expressionKind) return undefined
  return { left, right, body: template(right) }
}

/** The atom of an entry, with variables of its own. */
export const atomOf = (entry: Entry, bindings: Bindings): Atom => {
  if (entry.slots === 0) return entry.atom
  const made = new Map<Atom, Atom>()
  return rebuild(entry.atom, (leaf) => {
    if (leaf.kind !== slotKind) return leaf
    const known = made.get(leaf) ?? bindings.fresh(leaf.name)
    made.set(leaf, known)
    return known
  })
}

/** Whether an entry and an atom differ in nothing but the names of their variables. */
const isVariant = (entry: Entry, atom: Atom): boolean => {
  const bindings = new Bindings()
  if (entry.slots === 0) return isEqual(entry.atom, atom)
  const environment = new Array<Atom | undefined>(entry.slots)
  bindings.attempt()
  const matches = match(entry.atom, atom, environment, bindings)
  const isRenaming =
    matches &&
    bindings.position === 0 &&
    environment.every((value) => value !== undefined && deref(value).kind === variableKind)
  bindings.undo(0)
  return isRenaming && new Set(environment.map((value) => value && deref(value))).size === entry.slots
}
