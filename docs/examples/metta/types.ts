/**
 * Types: those of the standard operations, those that `:` declares, and those that follow for expressions. Typing is gradual: an atom
 * without a type fits everywhere.
 */
import {
  type Atom,
  deref,
  errorAtom,
  Expression,
  expression,
  expressionKind,
  integer,
  isGround,
  numberKind,
  rebuild,
  slotKind,
  spaceKind,
  symbol,
  symbolKind,
  type Sym,
  textKind,
  truthKind,
  undefinedType,
  variableKind
} from "./atoms.ts"
import { count } from "./budget.ts"
import { type Bindings, unify } from "./match.ts"
import { parseAtoms } from "./parse.ts"
import { atomOf, colon, type Space } from "./space.ts"

export const arrow = symbol("->")
const atomType = symbol("Atom")
const symbolType = symbol("Symbol")
const variableType = symbol("Variable")
const expressionType = symbol("Expression")
const groundedType = symbol("Grounded")
const numberType = symbol("Number")
const textType = symbol("String")
const truthType = symbol("Bool")
const spaceType = symbol("SpaceType")
const badArgument = symbol("BadArgType")

/** The types of operations, as hyperon-experimental's standard library declares them. */
const signatures = `
(: + (-> Number Number Number)) (: - (-> Number Number Number)) (: * (-> Number Number Number))
(: / (-> Number Number Number)) (: % (-> Number Number Number))
(: < (-> Number Number Bool)) (: > (-> Number Number Bool)) (: <= (-> Number Number Bool)) (: >= (-> Number Number Bool))
(: == (-> $t $t Bool)) (: != (-> $t $t Bool)) (: and (-> Bool Bool Bool)) (: or (-> Bool Bool Bool)) (: xor (-> Bool Bool Bool))
(: not (-> Bool Bool)) (: = (-> $t $t %Undefined%)) (: Error (-> Atom Atom ErrorType))
(: if (-> Bool Atom Atom $t)) (: let (-> Atom %Undefined% Atom %Undefined%)) (: let* (-> Expression Atom %Undefined%))
(: case (-> Atom Expression %Undefined%)) (: switch (-> %Undefined% Expression %Undefined%)) (: quote (-> Atom Atom))
(: unquote (-> %Undefined% %Undefined%)) (: eval (-> Atom Atom)) (: chain (-> Atom Variable Atom %Undefined%))
(: superpose (-> Expression %Undefined%)) (: collapse (-> Atom Expression)) (: unify (-> Atom Atom Atom Atom %Undefined%))
(: match (-> SpaceType Atom Atom %Undefined%)) (: new-space (-> SpaceType)) (: add-atom (-> SpaceType Atom (->)))
(: remove-atom (-> SpaceType Atom (->))) (: add-reduct (-> SpaceType %Undefined% (->))) (: get-atoms (-> SpaceType Atom))
(: bind! (-> Symbol %Undefined% (->))) (: car-atom (-> Expression %Undefined%)) (: cdr-atom (-> Expression Expression))
(: cons-atom (-> Atom Expression Atom)) (: decons-atom (-> Expression Atom)) (: size-atom (-> Expression Number))
(: index-atom (-> Expression Number Atom)) (: min-atom (-> Expression Number)) (: max-atom (-> Expression Number))
(: unique-atom (-> Expression Expression)) (: union-atom (-> Expression Expression Expression))
(: intersection-atom (-> Expression Expression Expression)) (: subtraction-atom (-> Expression Expression Expression))
(: map-atom (-> Expression Variable Atom Expression)) (: filter-atom (-> Expression Variable Atom Expression))
(: foldl-atom (-> Expression Atom Variable Variable Atom %Undefined%)) (: get-type (-> Atom Atom)) (: get-metatype (-> Atom Atom))
(: id (-> $t $t)) (: noeval (-> Atom Atom)) (: assertEqual (-> Atom Atom (->))) (: assertEqualToResult (-> Atom Atom (->)))
(: assertAlphaEqual (-> Atom Atom (->))) (: assert (-> Atom (->)))
(: pow-math (-> Number Number Number)) (: sqrt-math (-> Number Number)) (: abs-math (-> Number Number))
(: log-math (-> Number Number Number)) (: trunc-math (-> Number Number)) (: ceil-math (-> Number Number))
(: floor-math (-> Number Number)) (: round-math (-> Number Number)) (: sin-math (-> Number Number)) (: cos-math (-> Number Number))
(: tan-math (-> Number Number)) (: isnan-math (-> Number Bool)) (: isinf-math (-> Number Bool))
`

const standard = new Map<Sym, Atom>()
for (const { atom } of parseAtoms(signatures)) {
  if (atom.kind === expressionKind && atom.items[1]?.kind === symbolKind && atom.items[2] !== undefined)
    standard.set(atom.items[1], atom.items[2])
}

/** Where types are looked for: a machine is one. */
export interface Typing {
  readonly space: Space
  readonly bindings: Bindings
  /** A number that changes when the space does, and that no other evaluation has. */
  readonly stamp: number
}

/** The types that a program declares or that the standard library has, each with variables of its own. */
const declared = (atom: Atom, { space, bindings }: Typing): Array<Atom> => {
  const types: Array<Atom> = []
  for (const entry of space.candidates(expression(colon, atom, undefinedType))) {
    if (!space.isThere(entry, space.clock) || entry.atom.kind !== expressionKind || entry.atom.items.length !== 3)
      continue
    count(1)
    const found = atomOf(entry, bindings)
    if (found.kind !== expressionKind || found.items[0] !== colon) continue
    const [, of, type] = found.items
    if (of !== undefined && type !== undefined && isDeclaredFor(of, atom, bindings)) types.push(type)
  }
  return types
}

const isDeclaredFor = (of: Atom, atom: Atom, bindings: Bindings): boolean => of === atom || trial(of, atom, bindings)

/** Unifies, and takes the values of variables back if that fails. */
const trial = (left: Atom, right: Atom, bindings: Bindings): boolean => {
  const { position, mark } = bindings
  bindings.attempt()
  const unified = unify(left, right, bindings)
  if (!unified) bindings.undo(position)
  bindings.settle(position, mark)
  return unified
}

const fresh = (type: Atom, bindings: Bindings): Atom => {
  if (type.kind !== expressionKind || type.isGround) return type
  const made = new Map<Atom, Atom>()
  return rebuild(type, (leaf) => {
    if (leaf.kind !== variableKind && leaf.kind !== slotKind) return leaf
    const known = made.get(leaf) ?? bindings.fresh(leaf.name)
    made.set(leaf, known)
    return known
  })
}

const none: ReadonlyArray<Atom> = []

/** The types of a symbol. Most have none. */
export const symbolTypes = (atom: Sym, typing: Typing): ReadonlyArray<Atom> => {
  const own = typing.space.mayHaveType(atom) ? declared(atom, typing) : none
  const known = standard.get(atom)
  return known === undefined ? own : [...own, fresh(known, typing.bindings)]
}

export const isFunctionType = (type: Atom): type is Expression =>
  type.kind === expressionKind && type.items[0] === arrow

/** Expressions deeper than this have no type that follows from their parts, so they fit everywhere. */
const deepest = 64

/** The types of an atom: none if it is ill-typed, `%Undefined%` if nothing is known of it. */
export const typesOf = (given: Atom, typing: Typing, depth = 0): ReadonlyArray<Atom> => {
  const atom = deref(given)
  count(1)
  switch (atom.kind) {
    case numberKind:
      return [numberType]
    case textKind:
      return [textType]
    case truthKind:
      return [truthType]
    case spaceKind:
      return [spaceType]
    case symbolKind: {
      const types = symbolTypes(atom, typing)
      return types.length === 0 ? [undefinedType] : types
    }
    case expressionKind:
      return notedTypes(atom, typing) ?? (depth > deepest ? [undefinedType] : expressionTypes(atom, typing, depth))
    default:
      return [undefinedType]
  }
}

/** The types that this evaluation found for an expression before. */
const notedTypes = (atom: Expression, { stamp }: Typing): ReadonlyArray<Atom> | undefined =>
  atom.typed !== undefined && atom.typed.in === stamp ? atom.typed.types : undefined

const expressionTypes = (atom: Expression, typing: Typing, depth: number): ReadonlyArray<Atom> => {
  const types = typesByParts(atom, typing, depth)
  if (atom.isGround && types.every(isGround)) atom.typed = { in: typing.stamp, types }
  return types
}

const typesByParts = (atom: Expression, typing: Typing, depth: number): ReadonlyArray<Atom> => {
  const [head] = atom.items
  if (head === undefined) return [expression(arrow)]
  const types = declared(atom, typing)
  const headTypes = typesOf(head, typing, depth + 1)
  let isTuple = headTypes.length > 0
  for (const type of headTypes) {
    if (!isFunctionType(type)) continue
    isTuple = false
    if (type.items.length !== atom.items.length + 1) continue
    if (misfit(atom, type, typing, depth) === undefined)
      types.push(rebuild(type.items.at(-1) ?? undefinedType, (leaf) => leaf))
  }
  if (!isTuple) return types
  // A rule may make anything of an expression whose head has no type.
  if (headTypes.includes(undefinedType)) return types.length === 0 ? [undefinedType] : types
  const parts = atom.items.map((item) => typesOf(item, typing, depth + 1))
  if (parts.some((part) => part.length === 0)) return types
  types.push(new Expression(parts.map((part) => part[0] ?? undefinedType)))
  return types
}

/** An argument that does not fit: its number from 1, the type that is asked for, and the one that it has. */
interface Misfit {
  readonly argument: number
  readonly asked: Atom
  readonly found: Atom
}

/**
 * The first argument that does not fit a function type; type variables get values on the way. One without any type does not fit,
 * unless `isApplied`: then its evaluation is about to say what is wrong with it.
 */
const misfit = (
  atom: Expression,
  type: Expression,
  typing: Typing,
  depth: number,
  isApplied = false
): Misfit | undefined => {
  for (let argument = 1; argument < atom.items.length; argument++) {
    const asked = deref(type.items[argument] ?? undefinedType)
    const given = deref(atom.items[argument] ?? undefinedType)
    if (asked === atomType || asked === undefinedType || asked === metatypeOf(given)) continue
    const types = typesOf(given, typing, depth + 1)
    if (isApplied && types.length === 0) continue
    if (types.some((found) => fits(found, asked, typing.bindings))) continue
    return { argument, asked: rebuild(asked, (leaf) => leaf), found: types[0] ?? undefinedType }
  }
  return undefined
}

const fits = (found: Atom, asked: Atom, bindings: Bindings): boolean =>
  found === undefinedType ||
  found === atomType ||
  asked === undefinedType ||
  asked === atomType ||
  trial(gradual(found, bindings), gradual(asked, bindings), bindings)

/** A type in which `%Undefined%` fits everything. */
const gradual = (type: Atom, bindings: Bindings): Atom => {
  if (type.kind !== expressionKind) return type === undefinedType ? bindings.fresh("t") : type
  if (!mentionsUndefined(type)) return type
  return new Expression(type.items.map((item) => gradual(deref(item), bindings)))
}

const mentionsUndefined = (type: Expression): boolean =>
  type.items.some((item) => {
    const part = deref(item)
    return part === undefinedType || (part.kind === expressionKind && mentionsUndefined(part))
  })

/** The first type of these that an application fits, or the error of the first that it does not fit. */
export const chooseType = (
  atom: Expression,
  types: ReadonlyArray<Expression>,
  typing: Typing
): { readonly type: Expression } | { readonly error: Expression } => {
  let error: Expression | undefined
  for (const type of types) {
    if (type.items.length !== atom.items.length + 1) {
      error ??= errorAtom(atom, symbol("IncorrectNumberOfArguments"))
      continue
    }
    const found = misfit(atom, type, typing, 0, true)
    if (found === undefined) return { type }
    error ??= errorAtom(atom, expression(badArgument, integer(found.argument), found.asked, found.found))
  }
  return { error: error ?? errorAtom(atom, badArgument) }
}

/** The error of arguments that an operation of the standard library cannot take; undefined if they may only be not known yet. */
export const standardError = (atom: Expression, typing: Typing): Expression | undefined => {
  const [head] = atom.items
  const type = head?.kind === symbolKind ? standard.get(head) : undefined
  if (type === undefined || !isFunctionType(type)) return undefined
  const found = chooseType(atom, [fresh(type, typing.bindings) as Expression], typing)
  return "error" in found ? found.error : undefined
}

export const metatypeOf = (atom: Atom): Sym => {
  switch (atom.kind) {
    case symbolKind:
      return standard.has(atom) && atom !== colon ? groundedOrSymbol(atom) : symbolType
    case variableKind:
    case slotKind:
      return variableType
    case expressionKind:
      return expressionType
    default:
      return groundedType
  }
}

const constructors: ReadonlySet<Sym> = new Set(["=", "Error"].map(symbol))

const groundedOrSymbol = (atom: Sym): Sym => (constructors.has(atom) ? symbolType : groundedType)

/** Whether an argument, or a result, of this type is left as it is. */
export const isKept = (type: Atom, atom: Atom): boolean =>
  type === atomType || (type === expressionType && atom.kind === expressionKind)
