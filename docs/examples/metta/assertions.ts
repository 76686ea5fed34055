/** The operations that compare all results of an atom with those that are expected, in any order, names of variables aside. */
import { type Atom, deref, errorAtom, Expression, expressionKind, Text, unit, yes } from "./atoms.ts"
import { refuse } from "./arguments.ts"
import { collapse } from "./collapse.ts"
import type { Form } from "./forms.ts"
import type { Machine } from "./machine.ts"
import { missing } from "./operations.ts"
import { print } from "./print.ts"

type Results = ReadonlyArray<Atom>

const listed = (results: Results): string => `[${results.map(print).join(", ")}]`

const compare = (
  machine: Machine,
  atom: Expression,
  got: Results,
  expected: Results,
  message: Atom | undefined
): void => {
  if (missing(got, expected).length === 0 && missing(expected, got).length === 0) {
    machine.give(unit)
    return
  }
  const of = message === undefined ? atom : new Expression(atom.items.slice(0, -1))
  machine.give(errorAtom(of, message ?? new Text(`expected ${listed(expected)}, got ${listed(got)}`)))
}

/** Compares with the results of another atom, or with a list of results that is not evaluated. */
const assertion =
  (isEvaluated: boolean, hasMessage: boolean): Form =>
  (machine, atom) => {
    const [, actual, given, message] = atom.items
    const size = hasMessage ? 4 : 3
    if (actual === undefined || given === undefined || atom.items.length !== size) {
      refuse(machine, atom)
      return
    }
    const list = deref(given)
    if (!isEvaluated && list.kind !== expressionKind) {
      refuse(machine, atom)
      return
    }
    collapse(machine, actual, (at, got) => {
      if (isEvaluated) collapse(at, given, (then, expected) => compare(then, atom, got, expected, message))
      else compare(at, atom, got, list.kind === expressionKind ? list.items : [], message)
    })
  }

const includes: Form = (machine, atom) => {
  const [, actual, given] = atom.items
  const list = given === undefined ? undefined : deref(given)
  if (actual === undefined || list?.kind !== expressionKind || atom.items.length !== 3) {
    refuse(machine, atom)
    return
  }
  collapse(machine, actual, (at, got) => {
    const absent = missing(list.items, got)
    at.give(absent.length === 0 ? unit : errorAtom(atom, new Text(`${listed(absent)} not in ${listed(got)}`)))
  })
}

const assert: Form = (machine, atom) => {
  const [, given] = atom.items
  if (given === undefined || atom.items.length !== 2) {
    refuse(machine, atom)
    return
  }
  collapse(machine, given, (at, got) => {
    const holds = got.length > 0 && got.every((result) => result === yes)
    at.give(holds ? unit : errorAtom(atom, new Text(`expected [True], got ${listed(got)}`)))
  })
}

export const assertions: Readonly<Record<string, Form>> = {
  assertEqual: assertion(true, false),
  assertAlphaEqual: assertion(true, false),
  assertEqualToResult: assertion(false, false),
  assertAlphaEqualToResult: assertion(false, false),
  assertEqualMsg: assertion(true, true),
  assertEqualToResultMsg: assertion(false, true),
  assertIncludes: includes,
  assert
}
