/** Operations that give a value for values: arithmetic, comparison, logic, and those on expressions. */
import {
  type Atom,
  deref,
  errorAtom,
  Expression,
  expressionKind,
  float,
  integer,
  type Num,
  numberKind,
  type Sym,
  symbol,
  symbolKind,
  Text,
  truth,
  truthKind,
  unit
} from "./atoms.ts"
import { isEqual } from "./match.ts"
import { shapeText } from "./print.ts"
import { metatypeOf } from "./types.ts"

/** An operation of the standard library that needs nothing but its arguments. */
export interface Operation {
  /** The arguments that are not evaluated first: bit n for argument n, from 1. */
  readonly kept: number
  /** The value of the operation at `values[0]` for the arguments after it; undefined where it has none. */
  readonly run: (values: ReadonlyArray<Atom>) => Atom | undefined
  /** Its value where `run` has none and the arguments fit its type. Default: the expression itself. */
  readonly otherwise?: Atom
}

const one = 2
const two = 4
const all = ~0

const table = new Map<string, Operation>()

const define = (name: string, kept: number, run: Operation["run"]): void => {
  table.set(name, { kept, run })
}

// ------------------------------------------------------------------------------------------------------------- numbers

/** A whole number where both were and the result is one that a double holds exactly; else a float. */
const numeral = (value: number, isInteger: boolean): Num =>
  isInteger && Number.isSafeInteger(value) ? integer(value + 0) : float(value)

const defineArithmetic = (name: string, compute: (a: number, b: number) => number): void =>
  define(name, 0, (values) => {
    const [, a, b] = values
    if (values.length !== 3 || a?.kind !== numberKind || b?.kind !== numberKind) return undefined
    return numeral(compute(a.value, b.value), a.isInteger && b.isInteger)
  })

const divisionByZero = symbol("DivisionByZero")

const defineDivision = (
  name: string,
  whole: (a: number, b: number) => number,
  real: (a: number, b: number) => number
): void =>
  define(name, 0, (values) => {
    const [, a, b] = values
    if (values.length !== 3 || a?.kind !== numberKind || b?.kind !== numberKind) return undefined
    if (!a.isInteger || !b.isInteger) return float(real(a.value, b.value))
    return b.value === 0 ? errorAtom(new Expression(values), divisionByZero) : numeral(whole(a.value, b.value), true)
  })

const defineComparison = (name: string, compare: (a: number, b: number) => boolean): void =>
  define(name, 0, (values) => {
    const [, a, b] = values
    return values.length === 3 && a?.kind === numberKind && b?.kind === numberKind
      ? truth(compare(a.value, b.value))
      : undefined
  })

const defineMath = (name: string, compute: (value: number) => number, isWhole: (of: Num) => boolean): void =>
  define(name, 0, (values) => {
    const [, a] = values
    return values.length === 2 && a?.kind === numberKind ? numeral(compute(a.value), isWhole(a)) : undefined
  })

defineArithmetic("+", (a, b) => a + b)
defineArithmetic("-", (a, b) => a - b)
defineArithmetic("*", (a, b) => a * b)
defineDivision(
  "/",
  (a, b) => Math.trunc(a / b),
  (a, b) => a / b
)
defineDivision(
  "%",
  (a, b) => a % b,
  (a, b) => a % b
)
defineComparison("<", (a, b) => a < b)
defineComparison(">", (a, b) => a > b)
defineComparison("<=", (a, b) => a <= b)
defineComparison(">=", (a, b) => a >= b)

const kindOf = (of: Num): boolean => of.isInteger
const isReal = (): boolean => false

defineMath("abs-math", Math.abs, kindOf)
defineMath("trunc-math", Math.trunc, kindOf)
defineMath("ceil-math", Math.ceil, kindOf)
defineMath("floor-math", Math.floor, kindOf)
defineMath("round-math", (value) => Math.sign(value) * Math.round(Math.abs(value)), kindOf)
defineMath("sqrt-math", Math.sqrt, isReal)
defineMath("sin-math", Math.sin, isReal)
defineMath("cos-math", Math.cos, isReal)
defineMath("tan-math", Math.tan, isReal)
defineArithmetic("pow-math", (a, b) => a ** b)
define("log-math", 0, ([, base, of, more]) =>
  more === undefined && base?.kind === numberKind && of?.kind === numberKind
    ? float(Math.log(of.value) / Math.log(base.value))
    : undefined
)
define("isnan-math", 0, ([, a]) => (a?.kind === numberKind ? truth(Number.isNaN(a.value)) : undefined))
define("isinf-math", 0, ([, a]) => (a?.kind === numberKind ? truth(Math.abs(a.value) === Infinity) : undefined))

// --------------------------------------------------------------------------------------------------------------- logic

const defineLogic = (name: string, combine: (a: boolean, b: boolean) => boolean): void =>
  define(name, 0, (values) => {
    const [, a, b] = values
    return values.length === 3 && a?.kind === truthKind && b?.kind === truthKind
      ? truth(combine(a.value, b.value))
      : undefined
  })

defineLogic("and", (a, b) => a && b)
defineLogic("or", (a, b) => a || b)
defineLogic("xor", (a, b) => a !== b)
/** Equality decides at once what needs no look at types. */
const equality = (isSame: boolean): Operation => ({
  kept: 0,
  run: (values) => {
    const [, a, b] = values
    if (values.length !== 3 || a === undefined || b === undefined) return undefined
    if (isEqual(a, b)) return truth(isSame)
    return a.kind === b.kind && a.kind !== expressionKind && a.kind !== symbolKind ? truth(!isSame) : undefined
  },
  otherwise: truth(!isSame)
})

table.set("==", equality(true))
table.set("!=", equality(false))
define("not", 0, ([, a, more]) => (more === undefined && a?.kind === truthKind ? truth(!a.value) : undefined))

// --------------------------------------------------------------------------------------------------------- expressions

type Items = ReadonlyArray<Atom>

const itemsOf = (atom: Atom | undefined): Items | undefined => {
  if (atom === undefined) return undefined
  const found = deref(atom)
  return found.kind === expressionKind ? found.items : undefined
}

const wrong = (values: Items, message: string): Atom => errorAtom(new Expression(values), new Text(message))

/** Operations on one expression. */
const defineOnItems = (name: string, run: (items: Items, values: Items) => Atom | undefined): void =>
  define(name, one, (values) => {
    const items = itemsOf(values[1])
    return values.length === 2 && items !== undefined ? run(items, values) : undefined
  })

defineOnItems("size-atom", (items) => integer(items.length))
defineOnItems("cdr-atom", (items, values) =>
  items.length === 0
    ? wrong(values, "cdr-atom expects a non-empty expression as an argument")
    : new Expression(items.slice(1))
)
defineOnItems("decons-atom", ([first, ...rest], values) =>
  first === undefined
    ? wrong(values, "decons-atom expects a non-empty expression as an argument")
    : new Expression([first, new Expression(rest)])
)

const extreme = (name: string, choose: (...numbers: ReadonlyArray<number>) => number): void =>
  defineOnItems(name, (items, values) => {
    const numbers = items.map(deref).filter((item) => item.kind === numberKind)
    if (items.length === 0 || numbers.length < items.length) return wrong(values, `${name} expects numbers`)
    return numeral(
      numbers.map(({ value }) => value).reduce((a, b) => choose(a, b)),
      numbers.every(({ isInteger }) => isInteger)
    )
  })

extreme("min-atom", Math.min)
extreme("max-atom", Math.max)

define("cons-atom", one | two, (values) => {
  const [, first] = values
  const rest = itemsOf(values[2])
  return values.length === 3 && first !== undefined && rest !== undefined ? new Expression([first, ...rest]) : undefined
})

define("index-atom", one, (values) => {
  const items = itemsOf(values[1])
  const [, , index] = values
  if (values.length !== 3 || items === undefined || index?.kind !== numberKind) return undefined
  return items[index.value] ?? wrong(values, "the index is out of bounds")
})

defineOnItems("unique-atom", (items) => {
  const seen = new Set<string>()
  return new Expression(
    items.filter((item) => {
      const text = shapeText(item)
      return seen.has(text) ? false : seen.add(text)
    })
  )
})

/** Operations on two expressions as bags of atoms. */
const defineOnBags = (name: string, run: (left: Items, right: Items) => Items): void =>
  define(name, one | two, (values) => {
    const left = itemsOf(values[1])
    const right = itemsOf(values[2])
    return values.length === 3 && left !== undefined && right !== undefined
      ? new Expression(run(left, right))
      : undefined
  })

/** Whether each of the left atoms is in the bag of the right ones, of which it then takes one. */
const taken = (left: Items, right: Items): ReadonlyArray<boolean> => {
  const counts = new Map<string, number>()
  for (const item of right) counts.set(shapeText(item), (counts.get(shapeText(item)) ?? 0) + 1)
  return left.map((item) => {
    const text = shapeText(item)
    const left = counts.get(text) ?? 0
    if (left > 0) counts.set(text, left - 1)
    return left > 0
  })
}

defineOnBags("union-atom", (left, right) => [...left, ...right])
defineOnBags("intersection-atom", (left, right) => {
  const has = taken(left, right)
  return left.filter((_, i) => has[i])
})
defineOnBags("subtraction-atom", (left, right) => {
  const has = taken(left, right)
  return left.filter((_, i) => has[i] !== true)
})

// --------------------------------------------------------------------------------------------------------------- others

define("noeval", all, ([, atom, more]) => (more === undefined ? atom : undefined))
define("get-metatype", all, ([, atom, more]) =>
  more === undefined && atom !== undefined ? metatypeOf(atom) : undefined
)
define("nop", 0, () => unit)
define("progn", 0, (values) => values.at(-1) ?? unit)

/** The operations by their symbols. */
export const operations: ReadonlyMap<Sym, Operation> = new Map(
  [...table].map(([name, operation]) => [symbol(name), operation])
)

/** The bag of atoms that are in the one list and not in the other, as `assertEqual` tells them. */
export const missing = (of: Items, from: Items): Items => {
  const has = taken(of, from)
  return of.filter((_, i) => has[i] !== true)
}
