/** Atoms as text, which reads back as the same atoms. Variables of one name that are not the same get numbers. */
import {
  type Atom,
  deref,
  expressionKind,
  numberKind,
  spaceKind,
  symbolKind,
  textKind,
  truthKind,
  variableKind
} from "./atoms.ts"
import { count, LimitReached, resultCharacters } from "./budget.ts"

const numberText = (value: number, isInteger: boolean): string => {
  if (isInteger) return String(value)
  if (Number.isNaN(value)) return "NaN"
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf"
  const text = Object.is(value, -0) ? "-0" : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r" }

const quoted = (value: string): string =>
  `"${value.replace(/["\\\n\t\r]/g, (character) => escapes[character] ?? `\\${character}`)}"`

/** Gives each variable of an atom its name: its own, with a number if another has it. */
const makeNames = (): ((variable: object, name: string) => string) => {
  const names = new Map<object, string>()
  const taken = new Set<string>()
  return (variable, name) => {
    const known = names.get(variable)
    if (known !== undefined) return known
    const plain = name.replace(/#\d+$/, "")
    let free = plain
    for (let number = 1; taken.has(free); number++) free = `${plain}#${number}`
    taken.add(free)
    names.set(variable, `$${free}`)
    return `$${free}`
  }
}

type NameOf = (variable: object, name: string) => string

const leafText = (atom: Exclude<Atom, { readonly kind: typeof expressionKind }>, nameOf: NameOf): string => {
  switch (atom.kind) {
    case symbolKind:
    case spaceKind:
      return atom.name
    case numberKind:
      return numberText(atom.value, atom.isInteger)
    case textKind:
      return quoted(atom.value)
    case truthKind:
      return atom.value ? "True" : "False"
    case variableKind:
      return nameOf(atom, atom.name)
    default:
      return nameOf(atom, atom.name)
  }
}

const printWith = (atom: Atom, nameOf: NameOf): string => {
  const whole = deref(atom)
  if (whole.kind !== expressionKind) return leafText(whole, nameOf)
  let text = "("
  const open: Array<{ readonly items: ReadonlyArray<Atom>; next: number }> = [{ items: whole.items, next: 0 }]
  for (let current = open[0]; current !== undefined; current = open.at(-1)) {
    const item = current.items[current.next]
    if (item === undefined) {
      text += ")"
      open.pop()
      continue
    }
    count(1)
    if (text.length > resultCharacters) throw new LimitReached("SizeLimit", resultCharacters)
    if (current.next > 0) text += " "
    current.next += 1
    const part = deref(item)
    if (part.kind === expressionKind) {
      text += "("
      open.push({ items: part.items, next: 0 })
    } else text += leafText(part, nameOf)
  }
  return text
}

/** The text of an atom. Throws `LimitReached` for one that is too large. */
export const print = (atom: Atom): string => printWith(atom, makeNames())

/** A text that is equal for two atoms that differ in nothing but the names of their variables. */
export const shapeText = (atom: Atom): string => {
  const numbers = new Map<object, string>()
  return printWith(atom, (variable) => {
    const known = numbers.get(variable) ?? `$${numbers.size}`
    numbers.set(variable, known)
    return known
  })
}

/** The error atom of an evaluation, as text. */
export const errorText = (of: string, message: string): string => `(Error ${of} ${message})`
