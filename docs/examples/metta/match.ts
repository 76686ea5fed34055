/**
 * Unification, and matching with atoms of a space.
 *
 * A variable has its value on itself. The trail notes the variables that got theirs since the newest alternative that is left to
 * try, so that going back to it takes them away again. Atoms of a space have slots in place of variables: a match fills an
 * environment with what the slots stand for, and copies nothing of the atom.
 *
 * Everything here goes through atoms with a stack of its own, so that depth costs memory and never the stack of calls.
 */
import { type Atom, deref, Expression, expressionKind, isSameLeaf, slotKind, Variable, variableKind } from "./atoms.ts"
import { count } from "./budget.ts"

/** The values of slots; undefined where a slot has met nothing yet. */
export type Environment = Array<Atom | undefined>

export class Bindings {
  private readonly trail: Array<Variable> = []
  private made = 1
  /** Counts the times that a variable got its value or lost it. */
  turn = 0
  /** Variables made before this one existed when the newest alternative was noted, and so have to be on the trail. */
  mark = 0

  get position(): number {
    return this.trail.length
  }

  fresh(name: string): Variable {
    return new Variable(name, this.made++)
  }

  /** Notes that there is an alternative to come back to. */
  protect(): number {
    this.mark = this.made
    return this.mark
  }

  bind(variable: Variable, value: Atom): void {
    variable.value = value
    this.turn += 1
    if (variable.born < this.mark) this.trail.push(variable)
  }

  undo(position: number): void {
    if (this.trail.length > position) this.turn += 1
    while (this.trail.length > position) {
      const variable = this.trail.pop()
      if (variable !== undefined) variable.value = undefined
    }
  }

  /** Begins an attempt that may have to be undone: every binding is on the trail until `settle`. */
  attempt(): void {
    this.mark = Number.POSITIVE_INFINITY
  }

  /** Ends an attempt, and takes off the trail what no alternative needs there. */
  settle(position: number, mark: number): void {
    this.mark = mark
    let kept = position
    for (let i = position; i < this.trail.length; i++) {
      const variable = this.trail[i]
      if (variable !== undefined && variable.born < mark) this.trail[kept++] = variable
    }
    this.trail.length = kept
  }
}

const occurs = (variable: Variable, within: Expression): boolean => {
  const open: Array<Atom> = [within]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const atom = deref(next)
    count(1)
    if (atom === variable) return true
    if (atom.kind === expressionKind && !atom.isGround) open.push(...atom.items)
  }
  return false
}

const assign = (variable: Variable, value: Atom, bindings: Bindings): boolean => {
  if (value.kind === variableKind) {
    // The younger one takes the value, so that the names of the program stay.
    if (value.born > variable.born) bindings.bind(value, variable)
    else bindings.bind(variable, value)
    return true
  }
  if (value.kind === expressionKind && !value.isGround && occurs(variable, value)) return false
  bindings.bind(variable, value)
  return true
}

/** Makes two atoms equal by giving values to variables. Where that is impossible, some may have got values. */
export const unify = (left: Atom, right: Atom, bindings: Bindings): boolean => {
  const open: Array<Atom> = [left, right]
  while (open.length > 0) {
    const b = deref(open.pop() ?? left)
    const a = deref(open.pop() ?? right)
    count(1)
    if (a === b) continue
    if (a.kind === variableKind) {
      if (!assign(a, b, bindings)) return false
    } else if (b.kind === variableKind) {
      if (!assign(b, a, bindings)) return false
    } else if (a.kind === expressionKind && b.kind === expressionKind) {
      if (a.items.length !== b.items.length) return false
      for (let i = a.items.length - 1; i >= 0; i--) open.push(a.items[i] ?? a, b.items[i] ?? b)
    } else if (!isSameLeaf(a, b)) return false
  }
  return true
}

/** Whether two atoms are equal as they are now. A variable is equal to itself only. */
export const isEqual = (left: Atom, right: Atom): boolean => {
  const open: Array<Atom> = [left, right]
  while (open.length > 0) {
    const b = deref(open.pop() ?? left)
    const a = deref(open.pop() ?? right)
    count(1)
    if (a === b) continue
    if (a.kind === expressionKind && b.kind === expressionKind) {
      if (a.items.length !== b.items.length) return false
      for (let i = 0; i < a.items.length; i++) open.push(a.items[i] ?? a, b.items[i] ?? b)
    } else if (!isSameLeaf(a, b)) return false
  }
  return true
}

// ---------------------------------------------------------------------------------------------------------- templates

/** An atom with slots as a list of moves that make it: put a constant, put a slot's value, take the last n as an expression. */
export interface Template {
  readonly moves: ReadonlyArray<number>
  readonly constants: ReadonlyArray<Atom>
  readonly names: ReadonlyArray<string>
}

const putConstant = 0
const putSlot = 1
const take = 2

/** The moves that make an atom with slots. They are kept, so no step is counted for them. */
export const template = (atom: Atom): Template => {
  const moves: Array<number> = []
  const constants: Array<Atom> = []
  const names: Array<string> = []
  const open: Array<Atom | number> = [atom]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === "number") moves.push(next * 4 + take)
    else if (next.kind === slotKind) {
      moves.push(next.index * 4 + putSlot)
      names[next.index] = next.name
    } else if (next.kind === expressionKind && !next.isGround) {
      open.push(next.items.length)
      for (let i = next.items.length - 1; i >= 0; i--) open.push(next.items[i] ?? next)
    } else {
      moves.push(constants.length * 4 + putConstant)
      constants.push(next)
    }
  }
  return { moves, constants, names }
}

const placed: Array<Atom> = []

/** The atom of a template. A slot without a value gets a new variable. */
export const instantiate = (
  { moves, constants, names }: Template,
  environment: Environment,
  bindings: Bindings
): Atom => {
  let top = 0
  count(moves.length >> 2)
  for (const move of moves) {
    const number = move >> 2
    const how = move & 3
    if (how === putConstant) placed[top++] = constants[number] as Atom
    else if (how === putSlot) {
      placed[top++] = environment[number] ??= bindings.fresh(names[number] ?? "")
    } else {
      const items = new Array<Atom>(number)
      top -= number
      for (let i = 0; i < number; i++) items[i] = placed[top + i] as Atom
      placed[top++] = new Expression(items)
    }
  }
  return placed[0] as Atom
}

const templates = new WeakMap<Expression, Template>()

const templateOf = (pattern: Expression): Template => {
  const known = templates.get(pattern)
  if (known !== undefined) return known
  const made = template(pattern)
  templates.set(pattern, made)
  return made
}

/**
 * Makes an atom with slots and an atom with variables equal: slots get values in the environment, variables in the bindings. Where
 * that is impossible, some may have got values.
 */
export const match = (pattern: Atom, atom: Atom, environment: Environment, bindings: Bindings): boolean => {
  if (pattern.kind !== expressionKind) return matchLeaf(pattern, deref(atom), environment, bindings)
  const open: Array<Atom> = [pattern, atom]
  while (open.length > 0) {
    const b = deref(open.pop() ?? atom)
    const a = open.pop() ?? pattern
    count(1)
    if (a.kind !== expressionKind) {
      if (!matchLeaf(a, b, environment, bindings)) return false
    } else if (b.kind === expressionKind) {
      if (a === b) continue
      if (a.items.length !== b.items.length) return false
      for (let i = a.items.length - 1; i >= 0; i--) open.push(a.items[i] ?? a, b.items[i] ?? b)
    } else if (b.kind === variableKind) {
      const value = a.isGround ? a : instantiate(templateOf(a), environment, bindings)
      if (!assign(b, value, bindings)) return false
    } else return false
  }
  return true
}

const matchLeaf = (pattern: Atom, atom: Atom, environment: Environment, bindings: Bindings): boolean => {
  if (pattern.kind === slotKind) {
    const met = environment[pattern.index]
    if (met !== undefined) return unify(met, atom, bindings)
    environment[pattern.index] = atom
    return true
  }
  if (atom.kind === variableKind) return assign(atom, pattern, bindings)
  return isSameLeaf(pattern, atom)
}

/** Whether two atoms may match, as far as their outermost parts tell. */
export const mayMatch = (pattern: Atom, given: Atom): boolean => {
  if (pattern.kind === slotKind) return true
  const atom = deref(given)
  if (atom.kind === variableKind) return true
  if (pattern.kind !== expressionKind) return isSameLeaf(pattern, atom)
  if (atom.kind !== expressionKind || atom.items.length !== pattern.items.length) return false
  const [head] = pattern.items
  const [other] = atom.items
  if (head === undefined || other === undefined || head.kind === slotKind) return true
  const found = deref(other)
  return (
    found.kind === variableKind ||
    (head.kind === expressionKind ? found.kind === expressionKind : isSameLeaf(head, found))
  )
}
