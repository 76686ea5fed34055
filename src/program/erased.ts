/**
 * Definitions as the runtime holds them: checked, without the user's types, with defaults filled in.
 *
 * The user's types tell what may be read, written and failed with; the runtime treats all kinds, agents and programs alike.
 * The casts from the public form to the erased one are here and nowhere else. Each is sound, because the constructor of the
 * public form makes an object that has all fields of the erased form. Boundary: types and casts.
 */
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { KindCodec } from "../values/kindCodec.ts"
import type { Placement, ResolvedFailureRules } from "./agentOptions.ts"
import type { Budget } from "./Budget.ts"
import type { Fact, IndexKey, Kind } from "./Fact.ts"
import type { GroupState } from "./Fold.ts"
import type { InvariantDefinition } from "./Invariant.ts"
import type { ErasedIntentKind } from "./intentKind.ts"
import { admitClass, plainKind } from "./kindClass.ts"
import type { Migration } from "./migration.ts"
import type { AgentTypeId, ProgramTypeId } from "./typeIds.ts"
import type { View } from "./View.ts"

/** A kind as the runtime holds it: without the type of its values, and with its codec. */
export interface ErasedKind extends Kind<string, unknown> {
  readonly codec: KindCodec
}

/**
 * The runtime's view of a kind, or of the class of one, where a definition takes it. `Fact.kind` makes every kind and sets its
 * codec.
 *
 * @throws InvalidProgram for a class that cannot stand for its kind
 */
export const eraseKind = (self: Kind.Any): ErasedKind => {
  const kind = plainKind<ErasedKind>(self)
  if (kind !== self) admitClass(self, kind)
  return kind
}

/** One side of a join: a kind, and the function that gives the key of a value, or several keys. */
export interface JoinSide {
  readonly kind: ErasedKind
  readonly keyOf: (value: never) => unknown
  /** The name of the function, in messages. */
  readonly label: string
}

/** The part of a join that other agents do not have. */
export interface ErasedJoin {
  readonly left: JoinSide
  readonly right: JoinSide
  /** Gives an effect for two facts that meet. */
  readonly execute: (left: Fact, right: Fact, view: View<Kind.Any>) => unknown
}

/** The part of a fold that other agents do not have. It has `add` and `remove`, or an aggregate of ours. */
export interface ErasedFold {
  readonly over: ErasedKind
  readonly into: ErasedKind
  /** Gives the key of a value's group. */
  readonly keyOf: (value: never) => unknown
  /** The name of that function, in messages. */
  readonly label: string
  readonly add: ((total: unknown, value: unknown, key: IndexKey) => unknown) | undefined
  readonly remove: ((total: unknown, value: unknown, key: IndexKey) => unknown) | undefined
  readonly aggregate: (() => GroupState<unknown, unknown>) | undefined
  readonly as: ((key: IndexKey, item: unknown) => unknown) | undefined
}

/** An agent as the runtime holds it. */
export interface ErasedAgent {
  readonly name: string
  /** Its name in messages. */
  readonly label: string
  readonly type: "fiber" | "cpu"
  /** The kinds whose facts trigger the agent: `each` alone if there is one, else `reads`. */
  readonly triggers: ReadonlyArray<ErasedKind>
  /** The kinds that its view shows: `reads` and `each`. */
  readonly visible: ReadonlyArray<ErasedKind>
  /** The names of `visible`: made once, not for every view. */
  readonly visibleNames: ReadonlySet<string>
  readonly each: ErasedKind | undefined
  readonly writes: ReadonlyArray<ErasedKind>
  /** The kinds of intents that its effects may hold. */
  readonly intents: ReadonlyArray<ErasedIntentKind>
  readonly accepts: ((view: View<Kind.Any>) => boolean) | undefined
  readonly executeFiber:
    | ((fact: Fact | undefined, view: View<Kind.Any>) => Effect.Effect<unknown, unknown, unknown>)
    | undefined
  readonly executeCpu: ((fact: Fact | undefined, view: View<Kind.Any>) => unknown) | undefined
  /** Set for a join. Its tasks are batches of new facts. */
  readonly join: ErasedJoin | undefined
  /** Set for a fold. */
  readonly fold: ErasedFold | undefined
  readonly timeoutMs: number | undefined
  readonly retry: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  readonly onFailure: ResolvedFailureRules
  readonly placement: Placement
  readonly memoize: boolean
  readonly concurrency: ErasedConcurrency | undefined
}

/** How many tasks of an agent run at a time, and how soon one after the other. */
export interface ErasedConcurrency {
  readonly limit: number
  readonly gapMs: number
  readonly per: ((fact: Fact) => unknown) | undefined
}

/** The runtime's view of an agent. `defineAgent` makes every agent and sets all of it. */
export const eraseAgent = (agent: { readonly [AgentTypeId]: unknown }): ErasedAgent => agent as unknown as ErasedAgent

/** A program as the runtime holds it: checked, with its names resolved to indexes. */
export interface CompiledProgram {
  readonly name: string
  readonly module: string | undefined
  readonly kinds: ReadonlyMap<string, ErasedKind>
  /** The names of the kinds that may come from outside. */
  readonly signals: ReadonlySet<string>
  /** The kinds of intents that its agents declare, by name. */
  readonly intents: ReadonlyMap<string, ErasedIntentKind>
  /** The kinds that retention prunes. */
  readonly retained: ReadonlyArray<ErasedKind>
  readonly agents: ReadonlyArray<ErasedAgent>
  /** The names of the kinds that trigger each agent, by the agent's name. */
  readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
  /** Whether an agent has a `concurrency`. */
  readonly hasLimits: boolean
  /** The indexes of the agents that facts of a kind trigger, by the kind's name. */
  readonly triggeredBy: ReadonlyMap<string, ReadonlyArray<number>>
  /** The tier of each agent, by the agent's index. */
  readonly tierOf: ReadonlyArray<number>
  readonly tierCount: number
  readonly structural: ReadonlyArray<InvariantDefinition>
  readonly semantic: ReadonlyArray<InvariantDefinition>
  readonly acceptance: ReadonlyArray<InvariantDefinition>
  readonly budget: Budget | undefined
  readonly input: Schema.Codec<unknown, unknown>
  readonly inputCodec: KindCodec
  /** "" for a program that declares none. */
  readonly version: string
  readonly migrate: Migration | undefined
  readonly seed: (input: unknown) => unknown
  readonly output: ErasedOutput | undefined
  /** Likely mistakes in a program that can work all the same. */
  readonly warnings: ReadonlyArray<string>
}

/** The kinds that a view shows, and how its messages speak of them. */
export interface Sees {
  readonly visible: { readonly has: (kind: string) => boolean }
  /** Why a kind is not visible. */
  readonly unless: string
  /** The holder's name. */
  readonly holder: string
}

/** How a program makes its output. With a schema, `codec` validates and encodes it. */
export interface ErasedOutput {
  readonly from: (view: View<Kind.Any>) => unknown
  readonly schema: Schema.Codec<unknown, unknown> | undefined
  readonly codec: KindCodec | undefined
}

/** The compiled form of a program. `Program.make` makes every program and sets it. */
export const compiledOf = (program: { readonly [ProgramTypeId]: unknown }): CompiledProgram =>
  (program as unknown as { readonly compiled: CompiledProgram }).compiled
