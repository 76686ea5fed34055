/** The operations on spaces, and those that ask for types. */
import { type Atom, deref, errorAtom, expressionKind, resolved, spaceKind, symbolKind, Text, unit } from "./atoms.ts"
import { refuse, withValue } from "./arguments.ts"
import { each } from "./control.ts"
import type { Form } from "./forms.ts"
import type { Machine } from "./machine.ts"
import { querySpace } from "./query.ts"
import { atomOf, type Space } from "./space.ts"
import { typesOf } from "./types.ts"

/** Goes on with the space that an argument stands for, and with the other arguments. */
const withSpace =
  (others: number, then: (machine: Machine, space: Space, values: ReadonlyArray<Atom>) => void): Form =>
  (machine, atom) => {
    const [head, given, ...values] = atom.items
    if (head === undefined || given === undefined || values.length !== others) {
      refuse(machine, atom)
      return
    }
    withValue(machine, given, (at, value) => {
      const space = value.kind === spaceKind ? at.world.space(value.name) : undefined
      if (space !== undefined) then(at, space, values)
      else if (value.kind === spaceKind) at.give(errorAtom(atom, new Text(`there is no space ${value.name}`)))
      else refuse(at, atom, [head, value, ...values])
    })
  }

const matchForm = withSpace(2, (machine, space, [pattern, template]) => {
  if (pattern !== undefined && template !== undefined) querySpace(machine, space, pattern, template)
})

const getAtoms = withSpace(0, (machine, space) => {
  each(
    machine,
    [...space.all()].map((entry) => atomOf(entry, machine.bindings)),
    false
  )
})

const addAtom = withSpace(1, (machine, space, [atom]) => {
  machine.changing()
  if (atom !== undefined) machine.world.add(space, resolved(atom), machine.origin)
  machine.give(unit)
})

const addReduct = withSpace(1, (machine, space, [given]) => {
  if (given === undefined) return
  withValue(machine, given, (at, atom) => {
    at.changing()
    at.world.add(space, resolved(atom), at.origin)
    at.give(unit)
  })
})

const removeAtom = withSpace(1, (machine, space, [atom]) => {
  machine.changing()
  if (atom !== undefined) machine.world.remove(space, resolved(atom))
  machine.give(unit)
})

const newSpace: Form = (machine, atom) => {
  if (atom.items.length !== 1) {
    refuse(machine, atom)
    return
  }
  machine.changing()
  machine.give(machine.world.create())
}

const bind: Form = (machine, atom) => {
  const [head, given, value] = atom.items
  if (head === undefined || given === undefined || value === undefined || atom.items.length !== 3) {
    refuse(machine, atom)
    return
  }
  const token = deref(given)
  withValue(machine, value, (at, found) => {
    if (token.kind !== symbolKind) {
      at.give(errorAtom(atom, new Text("bind! gives a meaning to a symbol that has none yet")))
      return
    }
    at.changing()
    at.world.bind(token, resolved(found))
    at.give(unit)
  })
}

const getType: Form = (machine, atom) => {
  const [, given] = atom.items
  if (given === undefined || atom.items.length > 3) refuse(machine, atom)
  else each(machine, typesOf(given, machine).map(resolved), false)
}

const contextSpace: Form = (machine, atom) => {
  if (atom.items.length !== 1) refuse(machine, atom)
  else machine.give(machine.world.meaning("&self") ?? atom)
}

/** The head of an expression, evaluated. */
const carAtom: Form = (machine, atom) => {
  const given = atom.items[1] === undefined ? undefined : deref(atom.items[1])
  if (given?.kind !== expressionKind || atom.items.length !== 2) {
    refuse(machine, atom)
    return
  }
  const [first] = given.items
  if (first !== undefined) machine.evaluate(first)
  else machine.give(errorAtom(atom, new Text("car-atom expects a non-empty expression as an argument")))
}

export const spaceForms: Readonly<Record<string, Form>> = {
  match: matchForm,
  "get-atoms": getAtoms,
  "add-atom": addAtom,
  "add-reduct": addReduct,
  "remove-atom": removeAtom,
  "new-space": newSpace,
  "bind!": bind,
  "get-type": getType,
  "context-space": contextSpace,
  "car-atom": carAtom
}
