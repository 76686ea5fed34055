/** Evaluates the arguments of an expression, one after the other. */
import { type Atom, deref, Expression, expressionKind, isError, symbolKind } from "./atoms.ts"
import { count } from "./budget.ts"
import { type Alternative, Frame, Then } from "./frames.ts"
import type { Machine } from "./machine.ts"
import { type Operation, operations } from "./operations.ts"
import { standardError } from "./types.ts"

/** The way in which an expression goes on when its arguments have their values. */
export interface Application {
  /** Whether an argument that is an expression is evaluated first. Argument 0 is the head. */
  readonly evaluates: (argument: number) => boolean
  /** Goes on with the expression, given the values; `values` may become the items of an expression. */
  readonly apply: (machine: Machine, atom: Expression, values: Array<Atom>) => void
}

/** Evaluates the arguments from one on, then applies. `values` has those before it. */
export const evaluateArguments = (
  machine: Machine,
  atom: Expression,
  values: Array<Atom>,
  from: number,
  application: Application
): void => {
  const { items } = atom
  for (let i = from; i < items.length; i++) {
    const item = deref(items[i] as Atom)
    if (
      item.kind !== expressionKind ||
      item.items.length === 0 ||
      machine.isNormal(item) ||
      !application.evaluates(i)
    ) {
      values[i] = item
      continue
    }
    const value = valueAtOnce(machine, item)
    if (value === undefined) {
      machine.push(new ArgumentFrame(machine, atom, values, i, application))
      machine.evaluate(item)
      return
    }
    values[i] = value
  }
  application.apply(machine, atom, values)
}

class ArgumentFrame extends Frame {
  private readonly newest: Alternative | undefined
  private readonly atom: Expression
  private readonly values: Array<Atom>
  private readonly argument: number
  private readonly application: Application

  constructor(machine: Machine, atom: Expression, values: Array<Atom>, argument: number, application: Application) {
    super()
    this.newest = machine.newest
    this.atom = atom
    this.values = values
    this.argument = argument
    this.application = application
  }

  resume(machine: Machine, value: Atom): void {
    const { argument, atom } = this
    if (isError(value) && value !== deref(atom.items[argument] as Atom)) {
      machine.give(value)
      return
    }
    const values = this.newest === machine.newest ? this.values : this.values.slice(0, argument)
    values[argument] = value
    evaluateArguments(machine, atom, values, argument + 1, this.application)
  }
}

/** The value of an operation whose arguments are all values already, without the way through the machine. */
const valueAtOnce = (machine: Machine, atom: Expression): Atom | undefined => {
  const head = deref(atom.items[0] as Atom)
  if (head.kind !== symbolKind) return undefined
  const operation = operations.get(head)
  if (operation === undefined) return undefined
  const values: Array<Atom> = [head]
  for (let i = 1; i < atom.items.length; i++) {
    const item = deref(atom.items[i] as Atom)
    if (item.kind === expressionKind && isEvaluated(operation, i) && !machine.isNormal(item)) return undefined
    values[i] = item
  }
  count(1)
  const value = operation.run(values)
  // An error has to end the whole; the frame sees to it.
  return value === undefined || isError(value) ? undefined : value
}

const applications = new Map<Operation, Application>()

export const applicationOf = (operation: Operation): Application => {
  const known = applications.get(operation)
  if (known !== undefined) return known
  const made: Application = {
    evaluates: (argument) => isEvaluated(operation, argument),
    apply: (machine, atom, values) => {
      const value = operation.run(values)
      if (value === undefined) refuse(machine, atom, values, operation.otherwise)
      else machine.give(value)
    }
  }
  applications.set(operation, made)
  return made
}

export const withItems = (atom: Expression, values: ReadonlyArray<Atom>): Expression => {
  for (let i = 0; i < values.length; i++) if (values[i] !== atom.items[i]) return new Expression(values)
  return atom
}

/** The expression as its own value. */
export const irreducible = (machine: Machine, atom: Expression, values: ReadonlyArray<Atom>): Expression => {
  const value = withItems(atom, values)
  machine.setNormal(value)
  return value
}

/** An operation has no value for these arguments: that is an error of types, or the expression is its own value. */
export const refuse = (
  machine: Machine,
  atom: Expression,
  values: ReadonlyArray<Atom> = atom.items,
  otherwise?: Atom
): void => {
  const error = standardError(withItems(atom, values), machine)
  machine.give(error ?? otherwise ?? irreducible(machine, atom, values))
}

const isEvaluated = ({ kept }: Operation, argument: number): boolean => ((kept >> argument) & 1) === 0

/** The value of an atom, if it needs no evaluation by the machine. */
export const valueNow = (machine: Machine, given: Atom): Atom | undefined => {
  const item = deref(given)
  return item.kind !== expressionKind || machine.isNormal(item) ? item : valueAtOnce(machine, item)
}

/** Has the machine evaluate an atom. An error that comes of it is the value of the whole, unless `takesErrors`. */
export const awaitValue = (
  machine: Machine,
  given: Atom,
  then: (machine: Machine, value: Atom) => void,
  takesErrors = false
): void => {
  const item = deref(given)
  machine.push(
    new Then((at, found) => {
      if (isError(found) && found !== item && !takesErrors) at.give(found)
      else then(at, found)
    })
  )
  machine.evaluate(item)
}

/** Goes on with the value of an atom: at once, or when the machine has it. */
export const withValue = (
  machine: Machine,
  given: Atom,
  then: (machine: Machine, value: Atom) => void,
  takesErrors = false
): void => {
  const value = valueNow(machine, given)
  if (value === undefined) awaitValue(machine, given, then, takesErrors)
  else then(machine, value)
}
