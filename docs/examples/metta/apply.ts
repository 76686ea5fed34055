/**
 * Evaluates expressions: the arguments that their operation wants evaluated, then the operation, or the rules that match.
 *
 * An argument whose value is an error makes the whole an error. Where no rule matches, the expression is its own value.
 */
import { type Atom, deref, type Expression, expressionKind, symbolKind } from "./atoms.ts"
import { applicationOf, evaluateArguments } from "./arguments.ts"
import { forms } from "./forms.ts"
import type { Machine } from "./machine.ts"
import { operations } from "./operations.ts"
import { applyRules, tuple } from "./rules.ts"
import { chooseType, isFunctionType, isKept, symbolTypes } from "./types.ts"

export const evaluateExpression = (machine: Machine, atom: Expression): void => {
  const [first] = atom.items
  if (first === undefined) {
    machine.give(atom)
    return
  }
  const head = deref(first)
  if (head.kind !== symbolKind) {
    evaluateArguments(machine, atom, [head], head.kind === expressionKind ? 0 : 1, tuple)
    return
  }
  const form = forms.get(head)
  if (form !== undefined) {
    form(machine, atom)
    return
  }
  const operation = operations.get(head)
  if (operation !== undefined) {
    evaluateArguments(machine, atom, [head], 1, applicationOf(operation))
    return
  }
  const types = symbolTypes(head, machine)
  if (types.length === 0) {
    evaluateArguments(machine, atom, [head], 1, tuple)
    return
  }
  const functions = types.filter(isFunctionType)
  if (functions.length === 0 || functions.length < types.length) evaluateArguments(machine, atom, [head], 1, tuple)
  else applyTyped(machine, atom, head, functions)
}

const applyTyped = (machine: Machine, atom: Expression, head: Atom, types: ReadonlyArray<Expression>): void => {
  const chosen = chooseType(atom, types, machine)
  if ("error" in chosen) {
    machine.give(chosen.error)
    return
  }
  const { items } = chosen.type
  const result = deref(items.at(-1) ?? atom)
  evaluateArguments(machine, atom, [head], 1, {
    evaluates: (argument) => {
      const asked = items[argument]
      return asked === undefined || !isKept(deref(asked), atom)
    },
    apply: (at, whole, values) => applyRules(at, whole, values, result)
  })
}
