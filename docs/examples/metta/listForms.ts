/** The operations that evaluate a template for each item of an expression. */
import {
  type Atom,
  deref,
  Expression,
  expressionKind,
  rebuild,
  truthKind,
  type Variable,
  variableKind
} from "./atoms.ts"
import { type Application, awaitValue, evaluateArguments, refuse, valueNow } from "./arguments.ts"
import type { Form } from "./forms.ts"
import type { Machine } from "./machine.ts"

const itemsOf = (atom: Atom | undefined): ReadonlyArray<Atom> | undefined => {
  const found = atom === undefined ? undefined : deref(atom)
  return found?.kind === expressionKind ? found.items : undefined
}

/** A template with values for some of its variables, and new variables for the others: no item binds those of another. */
const filled = (machine: Machine, template: Atom, values: ReadonlyMap<Variable, Atom>): Atom => {
  const made = new Map<Atom, Atom>(values)
  return rebuild(template, (leaf) => {
    if (leaf.kind !== variableKind) return leaf
    const known = made.get(leaf) ?? machine.bindings.fresh(leaf.name)
    made.set(leaf, known)
    return known
  })
}

/** Evaluates a template for each item, then goes on with the list of the values. */
const forEach =
  (then: (items: ReadonlyArray<Atom>, values: ReadonlyArray<Atom>) => ReadonlyArray<Atom> | undefined): Form =>
  (machine, atom) => {
    const items = itemsOf(atom.items[1])
    const [, , name, template] = atom.items
    const variable = name === undefined ? undefined : deref(name)
    if (items === undefined || variable?.kind !== variableKind || template === undefined || atom.items.length !== 4) {
      refuse(machine, atom)
      return
    }
    const goals = items.map((item) => filled(machine, template, new Map([[variable, item]])))
    const list: Application = {
      evaluates: () => true,
      apply: (at, _, values) => {
        const result = then(items, values)
        if (result === undefined) refuse(at, atom)
        else at.give(new Expression(result))
      }
    }
    evaluateArguments(machine, new Expression(goals), [], 0, list)
  }

const mapAtom = forEach((_, values) => values)

const filterAtom = forEach((items, values) =>
  values.every(({ kind }) => kind === truthKind)
    ? items.filter((_, i) => values[i]?.kind === truthKind && values[i].value)
    : undefined
)

const foldlAtom: Form = (machine, atom) => {
  const items = itemsOf(atom.items[1])
  const [, , initial, first, second, template] = atom.items
  const total = first === undefined ? undefined : deref(first)
  const item = second === undefined ? undefined : deref(second)
  const isComplete = items !== undefined && initial !== undefined && template !== undefined && atom.items.length === 6
  if (!isComplete || total?.kind !== variableKind || item?.kind !== variableKind) {
    refuse(machine, atom)
    return
  }
  const fold = (at: Machine, from: number, start: Atom): void => {
    let sum = start
    for (let i = from; i < items.length; i++) {
      const goal = filled(
        at,
        template,
        new Map([
          [total, sum],
          [item, items[i] as Atom]
        ])
      )
      const value = valueNow(at, goal)
      if (value === undefined) {
        awaitValue(at, goal, (then, found) => fold(then, i + 1, found))
        return
      }
      sum = value
    }
    at.evaluate(sum)
  }
  fold(machine, 0, initial)
}

export const listForms: Readonly<Record<string, Form>> = {
  "map-atom": mapAtom,
  "filter-atom": filterAtom,
  "foldl-atom": foldlAtom
}
