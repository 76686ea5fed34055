/**
 * Classes of kinds: `class Url extends Fact.Kind("Url", ...) {}`.
 *
 * A class gives the values of a kind a type with a name. It holds the kind under `KindTypeId`, and the runtime works with the
 * kind alone: `plainKind` finds it. `admitClass` judges a class where a definition takes it.
 *
 * Invariants: a kind has at most one class; all that a class says of its kind is true, its name included; no value is an
 * instance.
 * Boundary: classes in, kinds out. It knows nothing of a kind but its name.
 */
import { InvalidProgram } from "./InvalidProgram.ts"
import { KindTypeId } from "./typeIds.ts"

interface Named {
  readonly name: string
}

type Class = Named & (abstract new (...args: ReadonlyArray<never>) => object)

/** The members that the class of a kind shows of it. */
const shown = ["name", "schema", "id", "conflict", "retention", "indexes", "of", "ref"]

/** The class that each kind has, if a definition has taken one. */
const classes = new WeakMap<Named, Class>()

/** Stands for the kind of a class that extends `Fact.Kind` itself. */
const uncalled: Named = Object.freeze({ name: "" })

const quote = (text: string): string => JSON.stringify(text)

const written = (name: string): string => `class ${name} extends Fact.Kind(${quote(name)}, { schema, id }) {}`

/** The kind that is given as itself or as its class. */
export const plainKind = <K extends Named = Named>(given: { readonly [KindTypeId]: unknown }): K =>
  // The constructors of kinds and of their classes make all that has the symbol. A kind holds nothing under it.
  (given[KindTypeId] ?? given) as K

/** Makes the class of a kind, which others extend. */
export const makeClass = (kind: Named): object => {
  const base = class {
    constructor() {
      throw new TypeError(
        `the kind ${quote(kind.name)} has no instances, since values are plain data: write ${kind.name}.of(value)`
      )
    }
    static [Symbol.hasInstance](): boolean {
      throw new TypeError(
        `no value is an instance of the kind ${quote(kind.name)}, since values are plain data: compare fact.kind with ` +
          `${kind.name}.name, or ask Schema.is(${kind.name}.schema)`
      )
    }
  }
  const members = Object.entries(Object.getOwnPropertyDescriptors(kind)).filter(([name]) => shown.includes(name))
  Object.defineProperties(base, { ...Object.fromEntries(members), [KindTypeId]: { value: kind } })
  Object.freeze(base.prototype)
  return Object.freeze(base)
}

/** Marks `Fact.Kind`, so that `admitClass` knows a class that extends it without a call. */
export const markUncalled = (make: object): void => {
  Object.defineProperty(make, KindTypeId, { value: uncalled })
}

/**
 * Judges the class of a kind, and gives it the kind's name, which a minifier may have replaced.
 *
 * @throws InvalidProgram for a class that says what its kind does not
 */
export const admitClass = (given: object, kind: Named): void => {
  if (kind === uncalled) {
    throw new InvalidProgram({ program: "", message: `Fact.Kind is not called: write ${written("Url")}` })
  }
  const subclass = given as Class
  if (Object.hasOwn(subclass, KindTypeId) || classes.get(kind) === subclass) return
  const complaint = complaintOfClass(subclass, kind)
  if (complaint !== undefined) {
    throw new InvalidProgram({ program: "", message: `kind ${quote(kind.name)}: ${complaint}` })
  }
  classes.set(kind, subclass)
}

/** Returns why a class cannot stand for its kind. If it can, it has the kind's name. */
const complaintOfClass = (subclass: Class, kind: Named): string | undefined => {
  const { name } = subclass
  const parent: Class = Object.getPrototypeOf(subclass)
  if (!Object.hasOwn(parent, KindTypeId)) {
    return `the class ${name} extends the class ${parent.name}, so it would be the same kind: write ${written(name)}`
  }
  const other = classes.get(kind)
  if (other !== undefined) {
    return `${other.name} and ${name} are two classes of it: call Fact.Kind once for each of them`
  }
  const member = Reflect.ownKeys(subclass.prototype as object).find((key) => key !== "constructor")
  if (member !== undefined) {
    return (
      `the class ${name} has the member ${quote(String(member))}, which no value has, since values are plain data: ` +
      "write a function that takes a value, such as a static one"
    )
  }
  const replaced = shown.find((key) => isReplaced(subclass, key))
  if (replaced !== undefined) {
    return `the class ${name} has a static ${quote(replaced)}, which the kind would not use: leave it out`
  }
  return Reflect.defineProperty(subclass, "name", { value: kind.name })
    ? undefined
    : `the class ${name} is frozen and has another name: call it ${kind.name}`
}

/** Whether a class has its own version of a member of its kind. Every class has a `name`: one that was written is enumerable. */
const isReplaced = (subclass: Class, key: string): boolean => {
  const own = Object.getOwnPropertyDescriptor(subclass, key)
  return own !== undefined && (key !== "name" || own.enumerable === true || typeof own.value !== "string")
}
