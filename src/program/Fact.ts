/**
 * Kinds, facts and proposals: the parts of a job's context.
 *
 * A `Kind` is a named type of fact: its schema, what identifies a fact of it, and what happens when two proposals
 * disagree. A `Fact` is frozen and unique by (kind, id). A `Proposal` is a value that an agent, a seed or a signal asks to add.
 *
 * Boundary: definitions and types. kindCodec.ts validates and encodes values; merge.ts turns proposals into facts.
 */
import type * as Schema from "effect/Schema"
export { type Combine, max, min, type Rank, union } from "./combining.ts"
import { makeKindCodec } from "../values/kindCodec.ts"
import { InvalidProgram, type Refuse } from "./InvalidProgram.ts"
import { makeClass, markUncalled } from "./kindClass.ts"
import { KindTypeId } from "./typeIds.ts"
import { anything, callable, complaintOf, complaintOfName, must, oneOf, type Rules } from "../values/options.ts"

/**
 * The rule for a proposal whose (kind, id) is already taken by another value.
 *
 * - `"reject"` (default): the whole later effect is discarded with `MergeConflict`
 * - `"keepFirst"`: this proposal is dropped, the rest of its effect stays
 * - `"keepLast"`: the later value is committed as a revision
 * - a function `(existing, proposed) => combined`: the combined value is committed as a revision, or nothing if it equals
 *   the existing one. It must be idempotent, because an equal value is no proposal: a function that sums or counts is
 *   `InvalidEffect`. It should be commutative and associative (a join of a semilattice): then the outcome does not depend on
 *   the order of agents, and the job converges. `Fact.max(by)`, `Fact.min(by)` and `Fact.union(field)` are all three
 */
export type ConflictRule<T> = "reject" | "keepFirst" | "keepLast" | ((existing: T, proposed: T) => T)

/**
 * How many facts of a kind stay in the context: all, or the `latest` n by commit position (whole number, at least 1). An older
 * fact stays, too, until every agent that it triggers has consumed it and no intent waits on it: a budget bounds how many.
 */
export type Retention = "all" | { readonly latest: number }

/** A key of an index. Keys of different types differ: `1` is not `"1"`. */
export type IndexKey = string | number | boolean

/** The indexes of a kind, by name: each gives the key of a value, or several keys as an array. An empty array gives none. */
export type Indexes<T> = Readonly<Record<string, (value: T) => IndexKey | ReadonlyArray<IndexKey>>>

/**
 * A named type of fact. Made by `Fact.kind` or as a class by `Fact.Kind`. `Keys` has the type of the keys of each index, by the
 * index's name, and `Id` is the type of the ids: a brand, or `string`.
 */
export interface Kind<out Name extends string, in out T, out Keys = object, out Id extends string = string>
  extends Kind.Any {
  readonly [KindTypeId]: { readonly value: T; readonly keys: Keys; readonly ref: FactRef<Name, Id> }
  /** Names the kind within a program. */
  readonly name: Name
  /** The schema of the values. */
  readonly schema: Schema.Codec<T, unknown>
  /** Gives a fact's identity within its kind. */
  readonly id: (value: T) => Id
  /** The rule for a proposal whose id is taken by another value. */
  readonly conflict: ConflictRule<T>
  /** The number of facts that stay in the context. */
  readonly retention: Retention
  /** Gives the keys of a value, by the name of the index. */
  readonly indexes: Indexes<T>
  /** A proposal of this kind. Never validates: an invalid value is found when the effect is, where the agent ran. */
  readonly of: Propose<Name, T>
  /** Names the fact of this kind with an id, whether there is one or not: for evaluations, `Provenance.explain` and verdicts. */
  // A method, so that a kind with branded ids is one with ids.
  ref(id: Id): FactRef<Name, Id>
}

export declare namespace Kind {
  /** Any kind, whatever its name and value. */
  interface Any {
    readonly [KindTypeId]: { readonly value: unknown; readonly keys: unknown; readonly ref: FactRef }
    readonly name: string
  }
  /**
   * The class of a kind, as `Fact.Kind` makes it: `class Url extends Fact.Kind("Url", ...) {}`. It has no instances, because
   * values are plain data: `new` and `instanceof` do not compile, and throw `TypeError`.
   */
  interface Class<out Name extends string, in out T, out Keys = object, out Id extends string = string> extends Kind<
    Name,
    T,
    Keys,
    Id
  > {
    new (none: NoInstances): T
    readonly prototype: T
    readonly of: ProposeAs<Name, T>
    [Symbol.hasInstance](value: NoInstances): boolean
  }
  /**
   * The type of a kind's values. That of a class is its instance type, unless the class has members of its own: no value has
   * those.
   */
  type Value<K extends Any> = K extends { readonly prototype: infer Named }
    ? K[typeof KindTypeId]["value"] extends Named
      ? Named
      : K[typeof KindTypeId]["value"]
    : K[typeof KindTypeId]["value"]
  /** The type of the keys of each index of a kind, by the index's name. */
  type Keys<K extends Any> = K[typeof KindTypeId]["keys"]
  /** A name and an id of a kind, or of one of a union of kinds. */
  type Ref<K extends Any> = K[typeof KindTypeId]["ref"]
  /** The type of the ids of a kind. */
  type Id<K extends Any> = K[typeof KindTypeId]["ref"]["id"]
}

/** Stands where an instance would, so that the compiler refuses it: the values of a kind are plain data. */
interface NoInstances {
  readonly [KindTypeId]: "values are plain data: write of(value)"
}

/** A value that somebody proposes as a fact. */
export interface Proposal<out Name extends string, out T> {
  readonly kind: Name
  readonly value: T
  /** The facts that an agent names as the cause of the proposal. Default: everything that made its task eligible. */
  readonly because?: ReadonlyArray<Fact> | undefined
}

/** The reasons of a proposal. */
export interface Reasons {
  /**
   * The facts that are the cause of the proposal, as the view handed them out. Each must be of a kind that the agent sees.
   * `Provenance.explain` shows them in place of everything that made the task eligible. Default: no reasons.
   */
  readonly because?: ReadonlyArray<Fact> | undefined
}

/** Makes proposals of a kind: `Kind.of(value)` or `Kind.of(value, { because: [fact] })`. */
export interface Propose<out Name extends string, in out T> {
  (value: T): Proposal<Name, T>
  // A signature of its own, so that `values.map(Kind.of)` compiles.
  (value: T, reasons: Reasons): Proposal<Name, T>
}

/** Makes proposals of the class of a kind: `Url.of(value)` or `Url.of(value, { because: [fact] })`. */
export interface ProposeAs<out Name extends string, in out T> {
  // Where the type of the values is inferred from a class, the bound says it.
  <Named extends T>(
    this: { readonly prototype: Named },
    value: NoInfer<Named>,
    reasons?: Reasons
  ): Proposal<Name, Named>
  // The compiler infers from the last signature, so that `values.map(Url.of)` compiles.
  (value: T, index: number, values: ReadonlyArray<unknown>): Proposal<Name, T>
}

/** A committed fact: deeply frozen, unique by (kind, id). */
export interface Fact<out Name extends string = string, out T = unknown> {
  readonly kind: Name
  readonly id: string
  readonly value: T
  readonly provenance: Provenance
}

/** A fact of a kind whose ids have a brand. */
export interface BrandedFact<out Name extends string, out T, out Id extends string> extends Fact<Name, T> {
  readonly id: Id
}

/** The proposals that a kind, or each of a union of kinds, accepts. */
export type ProposalOf<K extends Kind.Any> = K extends Kind.Any ? Proposal<Kind.Ref<K>["kind"], Kind.Value<K>> : never

/** The facts of a kind, or of each of a union of kinds. */
export type FactOf<K extends Kind.Any> = K extends Kind.Any
  ? string extends Kind.Id<K>
    ? Fact<Kind.Ref<K>["kind"], Kind.Value<K>>
    : BrandedFact<Kind.Ref<K>["kind"], Kind.Value<K>, Kind.Id<K>>
  : never

/** Names a fact, by its kind's name and its id. `Kind.ref(id)` makes one. */
export interface FactRef<out Name extends string = string, out Id extends string = string> {
  readonly kind: Name
  readonly id: Id
}

/** The type of the ids that a kind's function gives: what it gives if that has a brand, else `string`. */
type IdOf<Id extends string> = [keyof Id] extends [keyof string] ? string : Id

/** The options of a kind. */
export interface KindOptions<
  S extends Schema.Constraint,
  Keys extends { readonly [Index in keyof Keys]: IndexKey },
  Id extends string
> {
  /** The schema of the values: an Effect Schema of plain data, or of immutable types that have a JSON codec. */
  readonly schema: S & Schema.ConstraintCodec<S["Type"], unknown>
  /** Gives a fact's identity within its kind. Must be a function of the value alone. */
  readonly id: (value: S["Type"]) => Id
  /** The rule for a proposal whose id is taken by another value. Default: `"reject"`. */
  readonly conflict?: ConflictRule<S["Type"]> | undefined
  /** How many facts of the kind stay in the context. Default: `"all"`. */
  readonly retention?: Retention | undefined
  /** The keys by which views look facts of the kind up, by the name of the index. Default: none. */
  readonly indexes?:
    | { readonly [Index in keyof Keys]: (value: S["Type"]) => Keys[Index] | ReadonlyArray<Keys[Index]> }
    | undefined
}

/**
 * Defines a kind of fact.
 *
 * `schema` is an Effect Schema of plain data, or of immutable types that have a JSON codec, such as `DateTimeUtc`,
 * `Duration` or `Option`. Types that cannot be frozen (`Date`, `Map`, `Set`, functions) are refused with
 * `InvalidProgram`. `Uint8Array` is the documented exception: nothing stops an agent from writing to bytes, so copy them
 * before you change them. `id` gives a fact's identity within its kind and must be a function of the value alone.
 * `conflict` defaults to `"reject"`, `retention` to `"all"`.
 *
 * If `id` gives a branded string (`Schema.brand`), the ids of the kind have that brand: `fact.id`, `view.get(kind, id)` and
 * `kind.ref(id)`. Any other id is a `string`.
 *
 * Each of `indexes` gives the key of a value, or several as an array, by which `view.by(kind, index, key)` looks facts up. An
 * index is kept up at the cost of what is new, and costs nothing before it is asked for. Its function must be a function of the
 * value alone. A throw of it, a promise or a key of another type is the panic of the agent that asked.
 *
 * @throws InvalidProgram when the name is empty or the schema admits what cannot be frozen or encoded
 */
export const kind = <
  const Name extends string,
  S extends Schema.Constraint,
  Keys extends { readonly [Index in keyof Keys]: IndexKey } = object,
  Id extends string = string
>(
  name: Name,
  options: KindOptions<S, Keys, Id>
): Kind<Name, S["Type"], Keys, IdOf<Id>> => {
  const unnamed = complaintOfName("a kind", name)
  if (unnamed !== undefined) throw new InvalidProgram({ program: "", message: unnamed })
  const refuse: Refuse = (message) => {
    throw new InvalidProgram({ program: "", message: `kind ${JSON.stringify(name)}: ${message}` })
  }
  if (options === undefined || options === null) return refuse("options are missing")
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) return refuse(complaint.message)
  const { conflict = "reject", retention = "all" } = options
  const codec = makeKindCodec(options.schema, refuse)
  const self = {
    [KindTypeId]: undefined as never,
    name,
    // The type of the option requires a codec without services.
    schema: options.schema as unknown as Schema.Codec<S["Type"], unknown>,
    // The brand of an id is a type alone, and without one `IdOf` is wider.
    id: options.id as (value: S["Type"]) => IdOf<Id>,
    conflict,
    retention,
    indexes: Object.freeze({ ...options.indexes }),
    codec,
    of: (value: S["Type"], reasons?: Reasons): Proposal<Name, S["Type"]> =>
      reasons?.because === undefined ? { kind: name, value } : { kind: name, value, because: reasons.because },
    ref: (id: IdOf<Id>): FactRef<Name, IdOf<Id>> => ({ kind: name, id })
  }
  return Object.freeze(self)
}

/**
 * Defines a kind of fact as a class. Editors and errors then say the name of the class, where they would show all fields.
 *
 * ```ts
 * class Url extends Fact.Kind("Url", { schema: Schema.Struct({ url: Schema.String }), id: ({ url }) => url }) {}
 * ```
 *
 * The class is a kind, wherever a kind is asked for, with the options of `Fact.kind`. `view.all(Url)` then gives facts of type
 * `Fact<"Url", Url>`, and `Url` is the type of a value. The two forms differ in types alone: context, hash and journal are the
 * same.
 *
 * Values stay plain, frozen data, and are no instances: `new Url()` and `value instanceof Url` do not compile, and throw
 * `TypeError`. `Url.of(value)` proposes a value, and `Schema.is(Url.schema)` asks whether something is one.
 *
 * The class may have static members of its own. The first definition that takes it (`Agent.make`, `Program.make` ...) refuses
 * one with other members, one that replaces a member of the kind, a class that extends such a class, and a second class of the
 * same kind. From then on `Url.name` is the name that was given, even if a minifier has renamed the class.
 *
 * A class needs values with known members. If the values are a union, or no objects, write `Fact.kind`.
 *
 * @throws InvalidProgram as `Fact.kind` does
 */
export function Kind<
  const Name extends string,
  S extends Schema.Constraint,
  Keys extends { readonly [Index in keyof Keys]: IndexKey } = object,
  Id extends string = string
>(name: Name, options: KindOptions<S, Keys, Id>): Kind.Class<Name, S["Type"], Keys, IdOf<Id>> {
  // `makeClass` gives the class all members of the kind.
  return makeClass(kind(name, options)) as Kind.Class<Name, S["Type"], Keys, IdOf<Id>>
}
markUncalled(Kind)

interface UntypedOptions {
  readonly schema: unknown
  readonly id: unknown
  readonly conflict?: unknown
  readonly retention?: unknown
  readonly indexes?: unknown
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1

const areFunctions = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.values(value).every((item) => typeof item === "function")

const rules: Rules<UntypedOptions> = {
  // The codec says why it cannot be made.
  schema: anything,
  id: callable(true),
  conflict: (option, value) =>
    typeof value === "function" ? undefined : oneOf("reject", "keepFirst", "keepLast")(option, value),
  retention: (option, value) =>
    value === undefined || value === "all"
      ? undefined
      : typeof value !== "object" || value === null
        ? must('"all" or {latest: n}', () => false)(option, value)
        : complaintOf(value, { latest: must("a whole number of at least 1", isCount, true) }, option),
  indexes: must("an object of functions that give keys", areFunctions)
}

/** Whether a value is a kind made by `Fact.kind`, or the class of one made by `Fact.Kind`. */
export const isKind = (value: unknown): value is Kind.Any =>
  ((typeof value === "object" && value !== null) || typeof value === "function") && KindTypeId in value

/** The source of a fact in the context. */
export type Origin = "seed" | "signal" | "agent" | "invariant"

/** The task that added a fact, and what made it run. */
export interface Provenance {
  /** The commit position of this fact: 1 for the first of a context, then counting every addition and revision. */
  readonly version: number
  /** The cycle in which it was committed; 0 for seeds. */
  readonly cycle: number
  readonly origin: Origin
  /** The agent that proposed it. For a `Violation` it is the invariant's name; for seeds and signals, "". */
  readonly agent: string
  /** The fact that the task was about, for an agent with `each`. */
  readonly each: FactRef | undefined
  /** Commit positions after `since` and up to `until` made the task eligible. Both 0 where nothing did. */
  readonly since: number
  readonly until: number
  /** For an agent whose new facts make several tasks: which of them, from 1. Left out for the first, and elsewhere. */
  readonly part?: number
  /** The commit positions of the reasons that the agent gave, in its order. Left out if it gave none. */
  readonly because?: ReadonlyArray<number>
}
