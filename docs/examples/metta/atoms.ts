/**
 * Atoms: symbols, variables, numbers, texts, truth values, spaces and expressions.
 *
 * Symbols are interned, so that two of them are equal where they are the same object. Atoms never change, but for two things that an
 * evaluation notes on them: the value of a variable, which backtracking undoes, and on an expression that no rule applies to it, and
 * its types.
 */
import { count } from "./budget.ts"

export const symbolKind = 0
export const variableKind = 1
export const numberKind = 2
export const textKind = 3
export const truthKind = 4
export const spaceKind = 5
export const expressionKind = 6
export const slotKind = 7

export type Atom = Sym | Variable | Num | Text | Truth | SpaceAtom | Expression | Slot

export class Sym {
  readonly kind = symbolKind
  readonly name: string
  /** The key, in an index, of an expression that begins with this symbol. */
  readonly opening = {}

  constructor(name: string) {
    this.name = name
  }
}

export class Variable {
  readonly kind = variableKind
  readonly name: string
  /** Its place in the order in which an evaluation made its variables; 0 for those of the text. */
  readonly born: number
  value: Atom | undefined = undefined

  constructor(name: string, born: number) {
    this.name = name
    this.born = born
  }
}

export class Num {
  readonly kind = numberKind
  readonly value: number
  readonly isInteger: boolean

  constructor(value: number, isInteger: boolean) {
    this.value = value
    this.isInteger = isInteger
  }
}

export class Text {
  readonly kind = textKind
  readonly value: string

  constructor(value: string) {
    this.value = value
  }
}

export class Truth {
  readonly kind = truthKind
  readonly value: boolean

  constructor(value: boolean) {
    this.value = value
  }
}

/** Names a space of the world in which the program runs. */
export class SpaceAtom {
  readonly kind = spaceKind
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A variable of an atom in a space: the place that its value has in the environment of a match. */
export class Slot {
  readonly kind = slotKind
  readonly index: number
  readonly name: string

  constructor(index: number, name: string) {
    this.index = index
    this.name = name
  }
}

export class Expression {
  readonly kind = expressionKind
  readonly items: ReadonlyArray<Atom>
  /** Whether it has no variable in it. */
  readonly isGround: boolean
  /** The evaluation that found that no rule applies to it or to a part of it; 0 for none. */
  normalIn = 0
  /** If it has variables: the binding of variables, counted, after which that was found. */
  normalAt = 0
  /** The types that an evaluation found for it. */
  typed: { readonly in: number; readonly types: ReadonlyArray<Atom> } | undefined = undefined

  constructor(items: ReadonlyArray<Atom>) {
    this.items = items
    let ground = true
    for (let i = 0; ground && i < items.length; i++) ground = isGround(items[i] as Atom)
    this.isGround = ground
  }
}

export const isGround = (atom: Atom): boolean =>
  atom.kind === expressionKind ? atom.isGround : atom.kind !== variableKind && atom.kind !== slotKind

const symbols = new Map<string, Sym>()

/** The symbol of a name. */
export const symbol = (name: string): Sym => {
  const known = symbols.get(name)
  if (known !== undefined) return known
  const made = new Sym(name)
  symbols.set(name, made)
  return made
}

const smallIntegers = Array.from({ length: 1_280 }, (_, i) => new Num(i - 256, true))

export const integer = (value: number): Num => smallIntegers[value + 256] ?? new Num(value, true)

export const float = (value: number): Num => new Num(value, false)

export const yes = new Truth(true)
export const no = new Truth(false)

export const truth = (value: boolean): Truth => (value ? yes : no)

export const unit = new Expression([])

export const expression = (...items: ReadonlyArray<Atom>): Expression => new Expression(items)

export const emptySymbol = symbol("Empty")
export const errorSymbol = symbol("Error")
export const undefinedType = symbol("%Undefined%")

/** The error atom of an atom that could not be evaluated. */
export const errorAtom = (of: Atom, message: Atom): Expression => new Expression([errorSymbol, of, message])

export const isError = (atom: Atom): boolean => atom.kind === expressionKind && atom.items[0] === errorSymbol

/** The atom that a variable stands for, or the variable if it has no value. */
export const deref = (atom: Atom): Atom => {
  let found = atom
  while (found.kind === variableKind && found.value !== undefined) found = found.value
  return found
}

/** An expression whose parts are rebuilt: the next part to look at is `made.length`. */
interface Rebuilding {
  readonly items: ReadonlyArray<Atom>
  readonly made: Array<Atom>
}

/**
 * The atom with each variable that has a value replaced by it, and each of the other leaves by what `leaf` gives. Ground parts are
 * shared. However deep the atom is, the stack of calls is not.
 */
export const rebuild = (atom: Atom, leaf: (atom: Atom) => Atom): Atom => {
  const whole = deref(atom)
  if (whole.kind !== expressionKind) return leaf(whole)
  if (whole.isGround) return whole
  const open: Array<Rebuilding> = []
  let current: Rebuilding = { items: whole.items, made: [] }
  for (;;) {
    const item = current.items[current.made.length]
    if (item === undefined) {
      const made = new Expression(current.made)
      const outer = open.pop()
      if (outer === undefined) return made
      outer.made.push(made)
      current = outer
      continue
    }
    count(1)
    const part = deref(item)
    if (part.kind !== expressionKind) current.made.push(leaf(part))
    else if (part.isGround) current.made.push(part)
    else {
      open.push(current)
      current = { items: part.items, made: [] }
    }
  }
}

const itself = (atom: Atom): Atom => atom

/** The atom as it is now, whatever becomes of the values of its variables. */
export const resolved = (atom: Atom): Atom => rebuild(atom, itself)

/** Whether two atoms other than expressions and variables without values are equal. */
export const isSameLeaf = (left: Atom, right: Atom): boolean => {
  if (left === right) return true
  switch (left.kind) {
    case numberKind:
      return right.kind === numberKind && left.value === right.value
    case textKind:
      return right.kind === textKind && left.value === right.value
    case spaceKind:
      return right.kind === spaceKind && left.name === right.name
    default:
      return false
  }
}
