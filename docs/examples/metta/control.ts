/** The operations that decide what is evaluated, and in which order. */
import {
  type Atom,
  deref,
  errorAtom,
  Expression,
  expressionKind,
  spaceKind,
  symbol,
  symbolKind,
  Text,
  truthKind,
  variableKind
} from "./atoms.ts"
import { awaitValue, refuse, valueNow, withValue } from "./arguments.ts"
import { collapse } from "./collapse.ts"
import type { Form } from "./forms.ts"
import { Alternative, Then } from "./frames.ts"
import type { Machine } from "./machine.ts"
import { unify } from "./match.ts"
import { operations } from "./operations.ts"
import { querySpace } from "./query.ts"
import { callOf, tryRules } from "./rules.ts"

const conditional: Form = (machine, atom) => {
  const [, condition, positive, negative] = atom.items
  if (condition === undefined || positive === undefined || atom.items.length > 4) {
    refuse(machine, atom)
    return
  }
  withValue(machine, condition, (at, value) => {
    if (value.kind !== truthKind) refuse(at, atom, [atom.items[0] as Atom, value, ...atom.items.slice(2)])
    else if (value.value) at.evaluate(positive)
    else if (negative === undefined) at.fail()
    else at.evaluate(negative)
  })
}

/** Binds a pattern to a value, then goes on with a body; there is no result if they do not match. */
const bindThen = (machine: Machine, pattern: Atom, value: Atom, body: () => void): void => {
  if (unify(pattern, value, machine.bindings)) body()
  else machine.fail()
}

const letForm: Form = (machine, atom) => {
  const [, pattern, value, body] = atom.items
  if (pattern === undefined || value === undefined || body === undefined || atom.items.length !== 4) {
    refuse(machine, atom)
    return
  }
  withValue(machine, value, (at, found) => bindThen(at, pattern, found, () => at.evaluate(body)))
}

const pairsExpected = new Text("List of (<pattern> <atom>) pairs is expected as a second argument")

const letStar: Form = (machine, atom) => {
  const [, given, body] = atom.items
  const pairs = given === undefined ? undefined : deref(given)
  if (pairs?.kind !== expressionKind || body === undefined || atom.items.length !== 3) refuse(machine, atom)
  else bindPairs(machine, atom, pairs.items, 0, body)
}

const bindPairs = (machine: Machine, atom: Expression, pairs: ReadonlyArray<Atom>, from: number, body: Atom): void => {
  for (let i = from; i < pairs.length; i++) {
    const pair = deref(pairs[i] as Atom)
    const [pattern, value] = pair.kind === expressionKind && pair.items.length === 2 ? pair.items : []
    if (pattern === undefined || value === undefined) {
      machine.give(errorAtom(atom, pairsExpected))
      return
    }
    const now = valueNow(machine, value)
    if (now === undefined) {
      awaitValue(machine, value, (at, found) =>
        bindThen(at, pattern, found, () => bindPairs(at, atom, pairs, i + 1, body))
      )
      return
    }
    if (!unify(pattern, now, machine.bindings)) {
      machine.fail()
      return
    }
  }
  machine.evaluate(body)
}

// --------------------------------------------------------------------------------------------------------------- cases

const noValue = symbol("Empty")

/** Goes on with the first case whose pattern matches a value; there is no result if none does. */
const choose = (machine: Machine, cases: ReadonlyArray<Atom>, value: Atom): void => {
  for (const each of cases) {
    const found = deref(each)
    const [pattern, body] = found.kind === expressionKind ? found.items : []
    if (pattern === undefined || body === undefined) continue
    if (!attemptUnify(machine, pattern, value)) continue
    machine.evaluate(body)
    return
  }
  machine.fail()
}

/** Unifies, and takes the values of variables back if that fails. */
const attemptUnify = (machine: Machine, left: Atom, right: Atom): boolean => {
  const { bindings } = machine
  const { position, mark } = bindings
  bindings.attempt()
  const unified = unify(left, right, bindings)
  if (!unified) bindings.undo(position)
  bindings.settle(position, mark)
  return unified
}

const casesOf = (atom: Expression): ReadonlyArray<Atom> | undefined => {
  const cases = atom.items[2] === undefined ? undefined : deref(atom.items[2])
  return cases?.kind === expressionKind && atom.items.length === 3 ? cases.items : undefined
}

/** Below the evaluation of the subject of `case`: if it had no value, the case of `Empty` is next. */
class NoValue extends Alternative {
  override readonly isBarrier = true
  hadValue = false
  private readonly cases: ReadonlyArray<Atom>

  constructor(cases: ReadonlyArray<Atom>) {
    super()
    this.cases = cases
  }

  retry(machine: Machine): void {
    machine.forget()
    if (this.hadValue) machine.fail()
    else choose(machine, this.cases, noValue)
  }
}

const caseForm: Form = (machine, atom) => {
  const cases = casesOf(atom)
  const [, subject] = atom.items
  if (cases === undefined || subject === undefined) {
    refuse(machine, atom)
    return
  }
  const empty = new NoValue(cases)
  machine.note(empty)
  machine.push(
    new Then((at, value) => {
      empty.hadValue = true
      choose(at, cases, value)
    })
  )
  machine.evaluate(subject)
}

const switchForm: Form = (machine, atom) => {
  const cases = casesOf(atom)
  const [, subject] = atom.items
  if (cases === undefined || subject === undefined) refuse(machine, atom)
  else withValue(machine, subject, (at, value) => choose(at, cases, value))
}

// ---------------------------------------------------------------------------------------------------- one step, chains

/** One step of the evaluation of an atom: its value by an operation, or what a rule makes of it, evaluated no further. */
const evalForm: Form = (machine, atom) => {
  const [, given] = atom.items
  const goal = given === undefined ? undefined : deref(given)
  if (goal?.kind !== expressionKind || atom.items.length !== 2) {
    machine.give(atom)
    return
  }
  const [head] = goal.items
  const operator = head === undefined ? undefined : deref(head)
  const operation = operator?.kind === symbolKind ? operations.get(operator) : undefined
  const value = operation?.run(goal.items.map(deref))
  if (value !== undefined) {
    machine.give(value)
    return
  }
  const call = callOf(machine, goal, goal.items.map(deref), undefined, false)
  if (call !== undefined && tryRules(machine, call, 0, undefined)) return
  // An operation that decides for itself what it evaluates has no single step.
  withValue(machine, goal, (at, found) => at.give(found === goal ? atom : found))
}

/** The operations that `chain` executes; other atoms stay as they are until the body is evaluated. */
const embedded: ReadonlySet<Atom> = new Set(["eval", "chain", "unify", "cons-atom", "decons-atom"].map(symbol))

const chain: Form = (machine, atom) => {
  const [, first, variable, body] = atom.items
  if (first === undefined || variable === undefined || body === undefined || atom.items.length !== 4) {
    refuse(machine, atom)
    return
  }
  const item = deref(first)
  const head = item.kind === expressionKind && item.items[0] !== undefined ? deref(item.items[0]) : undefined
  const goOn = (at: Machine, value: Atom): void => bindThen(at, variable, value, () => at.evaluate(body))
  if (head !== undefined && embedded.has(head)) withValue(machine, item, goOn, true)
  else goOn(machine, item)
}

// ------------------------------------------------------------------------------------------------------ nondeterminism

/** Atoms that are evaluated, or given, one after the other. */
export class Atoms extends Alternative {
  private readonly atoms: ReadonlyArray<Atom>
  private readonly evaluates: boolean
  private at: number

  constructor(atoms: ReadonlyArray<Atom>, at: number, evaluates: boolean) {
    super()
    this.atoms = atoms
    this.at = at
    this.evaluates = evaluates
  }

  retry(machine: Machine): void {
    const atom = this.atoms[this.at]
    this.at += 1
    if (this.at >= this.atoms.length) machine.forget()
    if (atom === undefined) machine.fail()
    else machine.giveOr(this.evaluates, atom)
  }
}

/** Each of some atoms is a result. */
export const each = (machine: Machine, atoms: ReadonlyArray<Atom>, evaluates: boolean): void => {
  const [first] = atoms
  if (first === undefined) {
    machine.fail()
    return
  }
  if (atoms.length > 1) machine.note(new Atoms(atoms, 1, evaluates))
  machine.giveOr(evaluates, first)
}

const superpose: Form = (machine, atom) => {
  const given = atom.items[1] === undefined ? undefined : deref(atom.items[1])
  if (given?.kind === expressionKind && atom.items.length === 2) each(machine, given.items, true)
  else refuse(machine, atom)
}

const collapseForm: Form = (machine, atom) => {
  const [, given] = atom.items
  if (given === undefined || atom.items.length !== 2) refuse(machine, atom)
  else collapse(machine, given, (at, results) => at.give(new Expression(results)))
}

const unifyForm: Form = (machine, atom) => {
  const [, left, right, then, otherwise] = atom.items
  if (left === undefined || right === undefined || then === undefined || otherwise === undefined) {
    refuse(machine, atom)
    return
  }
  const first = deref(left)
  const space = first.kind === spaceKind ? machine.world.space(first.name) : undefined
  if (space !== undefined && deref(right).kind !== spaceKind) querySpace(machine, space, right, then, otherwise)
  else machine.evaluate(attemptUnify(machine, first, right) ? then : otherwise)
}

const quote: Form = (machine, atom) => machine.give(atom)

const quoteSymbol = symbol("quote")

const unquote: Form = (machine, atom) => {
  const [, given] = atom.items
  if (given === undefined || atom.items.length !== 2) {
    refuse(machine, atom)
    return
  }
  withValue(machine, given, (at, value) => {
    const [head, quoted] = value.kind === expressionKind ? value.items : []
    if (head === quoteSymbol && quoted !== undefined) at.evaluate(quoted)
    else refuse(at, atom, [atom.items[0] as Atom, value])
  })
}

const empty: Form = (machine) => machine.fail()

const id: Form = (machine, atom) => {
  const [, given] = atom.items
  if (given === undefined || atom.items.length !== 2) refuse(machine, atom)
  else withValue(machine, given, (at, value) => (value.kind === variableKind ? at.give(value) : at.evaluate(value)))
}

export const controlForms: Readonly<Record<string, Form>> = {
  if: conditional,
  let: letForm,
  "let*": letStar,
  case: caseForm,
  switch: switchForm,
  eval: evalForm,
  chain,
  superpose,
  collapse: collapseForm,
  unify: unifyForm,
  quote,
  unquote,
  empty,
  id
}
