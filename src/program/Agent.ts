/**
 * Agents: they read a job's context and propose what to add.
 *
 * `make` defines a fiber agent (an Effect: I/O, services, typed errors), `cpu` a CPU agent (a synchronous function that runs on a
 * worker thread), `join` an agent for pairs of facts that meet on a key, `fold` an agent that keeps totals. `make` and `cpu` come
 * in two forms: with `each`, one task for every new fact of that kind; without, one task for everything that is new. Each has
 * one signature for both forms, so that the compiler names the mistake itself: of two overloads it would say that the other one
 * does not fit.
 *
 * Boundary: definitions and their types. eligibility.ts decides when an agent runs, merge.ts what happens to its effect.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { AgentEffect } from "./AgentEffect.ts"
import type { Concurrency, OnFailure, Placement } from "./agentOptions.ts"
import { type AgentOptions, defineAgent } from "./defineAgent.ts"
import { defineFold, type FoldOptions } from "./defineFold.ts"
import { defineJoin, type JoinOptions } from "./defineJoin.ts"
import type { Aggregate } from "./Fold.ts"
import type { FactOf, IndexKey, Kind } from "./Fact.ts"
import type { IntentKind } from "./intentKind.ts"
import type { NoRoom } from "./Budget.ts"
import { AgentTypeId } from "./typeIds.ts"
import type { View } from "./View.ts"

export type { Concurrency, FailureRule, FailureRules, OnFailure, Placement } from "./agentOptions.ts"

/** An agent of a program. `E` and `R` are what its execution may fail with and what services it needs. */
export interface Agent<out Name extends string, out Reads extends Kind.Any, out Writes extends Kind.Any, out E, out R> {
  readonly [AgentTypeId]: {
    readonly reads: Reads
    readonly writes: Writes
    readonly error: E
    readonly services: R
  }
  readonly name: Name
  readonly type: "fiber" | "cpu"
}

export declare namespace Agent {
  /**
   * Any agent. It has no types for what an agent reads, writes, fails with and needs: if it had, an agent that is defined
   * where one is expected would get those types instead of the ones that follow from its own definition.
   */
  interface Any {
    readonly [AgentTypeId]: unknown
    readonly name: string
    readonly type: "fiber" | "cpu"
  }
  /** The kinds that an agent, or a union of agents, reads or writes. */
  type Kinds<A extends Any> =
    A extends Agent<string, infer Reads, infer Writes, infer _E, infer _R> ? Reads | Writes : Kind.Any
  /** The typed errors with which the agents can end their job. */
  type Error<A extends Any> = A extends Agent<string, infer _Reads, infer _Writes, infer E, infer _R> ? E : unknown
  /** The services that the agents need. */
  type Services<A extends Any> = A extends Agent<string, infer _Reads, infer _Writes, infer _E, infer R> ? R : unknown
}

interface Common<
  Reads extends Kind.Any,
  Writes extends Kind.Any,
  Failure extends OnFailure,
  Intents extends IntentKind.Any
> {
  /**
   * The kinds that the view shows and, without `each`, whose new facts trigger the agent. Those of a join only widen its view:
   * its `left` and `right` trigger it. Default: none.
   */
  readonly reads?: ReadonlyArray<Reads> | undefined
  /** The kinds that its effects may propose. Default: none. */
  readonly writes?: ReadonlyArray<Writes> | undefined
  /**
   * The kinds of intents (`Intent.kind`) that its effects may hold. The program then needs a handler of each. Default: none.
   */
  readonly intents?: ReadonlyArray<Intents> | undefined
  /**
   * The longest time that one attempt may take, from fork or claim. After it the attempt fails with `AgentTimedOut`.
   * Default: none.
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * The consequence of a failed task for its job: end it, or leave a diagnostic (`"discard"`, or an object that says it for
   * each way to fail). A defect of a fiber agent, and an invalid effect, end the job unless the object says otherwise.
   * Default: `"halt"`.
   */
  readonly onFailure?: Failure | undefined
}

interface Each<EachKind extends Kind.Any, Reads extends Kind.Any> {
  /** One task for each new fact of this kind. Default: one task for everything that is new. */
  readonly each?: EachKind | undefined
  /**
   * Asked once per cycle in which the agent could run, on the main thread. While it says false, the delta accumulates.
   * Default: always.
   */
  readonly accepts?: ((view: View<Reads | NoInfer<EachKind>>) => boolean) | undefined
}

/** The arguments of an execution: the view, and before it, with `each`, the fact that it is about. */
type Given<EachKind extends Kind.Any, Reads extends Kind.Any> = [EachKind] extends [never]
  ? [view: View<Reads>]
  : [fact: FactOf<EachKind>, view: View<Reads | EachKind>]

interface Retrying<E, R2> {
  /**
   * When to try again after a typed failure or a timeout. Panics, conflicts and invalid effects are never retried.
   * Default: never.
   */
  readonly retry?: Schedule.Schedule<unknown, E, never, R2> | undefined
  /**
   * Save the effect of a task as soon as it ends, before its cycle is committed: if the process dies in between, the cycle
   * runs again with that effect instead of executing the agent. For results that are expensive to get. Works only with a
   * durable store, and saves effects, not failures. Default: no.
   */
  readonly memoize?: boolean | undefined
}

interface Limited<Each> {
  /**
   * How many tasks run at a time, and how soon one after the other, in all jobs of an engine together or by key. Default: as
   * many as the engine's `fiberConcurrency` lets each job run.
   */
  readonly concurrency?: Concurrency<Each> | undefined
}

interface Placed {
  /** Where the agent runs. Default: `"worker"`, and of a join `"auto"`. */
  readonly placement?: Placement | undefined
}

/**
 * The typed errors that can end the job: none where they are discarded. An agent that was refused room under a budget ends its
 * job with `BudgetExhausted`, so `NoRoom` is no error of its own.
 */
type Escaping<Failure extends OnFailure, E> = Failure extends "discard" | { readonly error: "discard" }
  ? never
  : Exclude<E, NoRoom>

/**
 * Defines a fiber agent.
 *
 * `execute` is an Effect; it may use any service, which becomes a requirement of `Engine.run`. Its typed error ends the
 * job with `AgentFailed` (or is a diagnostic, with `onFailure: "discard"`); a defect with `AgentPanicked`. It is
 * interrupted when the job is cancelled, halted or out of time, and its finalizers run before the job is acknowledged as
 * ended. Synchronous endless loops on the main thread cannot be stopped by anyone: use `Agent.cpu` for computation.
 *
 * @throws InvalidProgram when an option cannot work
 */
export function make<
  const Name extends string,
  E,
  R,
  EachKind extends Kind.Any = never,
  Reads extends Kind.Any = never,
  Writes extends Kind.Any = never,
  const Failure extends OnFailure = "halt",
  R2 = never,
  Intents extends IntentKind.Any = never
>(
  name: Name,
  options: Common<Reads, Writes, Failure, Intents> &
    Each<EachKind, Reads> &
    Retrying<NoInfer<E>, R2> &
    Limited<FactOf<EachKind>> & {
      /** Gives what to add, from the view; with `each`, for this fact. */
      readonly execute: (
        ...given: Given<EachKind, Reads>
      ) => Effect.Effect<AgentEffect<NoInfer<Writes>, NoInfer<Intents>>, E, R>
    }
): Agent<
  Name,
  Reads | EachKind,
  Writes | IntentKind.Answers<Intents>,
  Escaping<Failure, E>,
  R | R2 | IntentKind.Needs<Intents>
>
export function make(name: string, options: object): Agent.Any {
  return defineAgent(name, "fiber", options as AgentOptions)
}

/**
 * Defines a CPU agent: a synchronous function that runs on a worker thread.
 *
 * The worker finds the agent by importing the program's `module`, so the function must not close over anything that is
 * made at run time. An endless loop, `process.exit`, an uncaught throw or too much memory ends only its own task, with a
 * typed error; the thread is replaced. `placement: "inline"` runs it on the main thread instead, where nothing can stop
 * it. A promise is not an effect: an async function does not compile here and is `InvalidEffect` at run time.
 *
 * @throws InvalidProgram when an option cannot work
 */
export function cpu<
  const Name extends string,
  EachKind extends Kind.Any = never,
  Reads extends Kind.Any = never,
  Writes extends Kind.Any = never,
  Intents extends IntentKind.Any = never
>(
  name: Name,
  options: Common<Reads, Writes, OnFailure, Intents> &
    Each<EachKind, Reads> &
    Placed & {
      /** Gives what to add, from the view; with `each`, for this fact. Synchronous. */
      readonly execute: (...given: Given<EachKind, Reads>) => AgentEffect<NoInfer<Writes>, NoInfer<Intents>>
    }
): Agent<Name, Reads | EachKind, Writes | IntentKind.Answers<Intents>, never, IntentKind.Needs<Intents>>
export function cpu(name: string, options: object): Agent.Any {
  return defineAgent(name, "cpu", options as AgentOptions)
}

/**
 * Defines a join: an agent that is given every pair of facts that meet on a key, exactly once, whichever of them came last.
 *
 * `left` and `right` are a kind each, with a function that gives the key of a value, or several keys as an array. Two facts meet
 * if they have a key in common. A pair is handled once, in the cycle after the later of its facts was committed; a revision of
 * either fact is a new meeting. A kind may meet itself. Each proposal has both facts as its reasons, unless `execute` gives
 * others.
 *
 * The join looks its facts up in indexes, so it costs what is new and what meets. There is an index for each kind and key
 * function, so both sides of a kind that meets itself share one only if they are given the same function. Two functions of the
 * same text take twice the memory.
 *
 * The tasks of a join are batches of new facts, and the effect of a task is that of all its pairs, in the order of the left facts
 * and then of the right ones. If pairs of a task propose the same fact, the rule of its kind decides, as if their effects were
 * merged one after the other.
 *
 * `execute` is a synchronous function, as that of `Agent.cpu`. The default of `placement` is `"auto"`.
 *
 * @throws InvalidProgram when an option cannot work
 */
export function join<
  const Name extends string,
  Left extends Kind.Any,
  Right extends Kind.Any,
  Key extends IndexKey,
  Reads extends Kind.Any = never,
  Writes extends Kind.Any = never,
  Intents extends IntentKind.Any = never
>(
  name: Name,
  options: Common<Reads, Writes, OnFailure, Intents> &
    Placed & {
      /** The one kind, and the key of its values. An array of keys means several; an empty one, none. */
      readonly left: readonly [kind: Left, key: (value: Kind.Value<Left>) => Key | ReadonlyArray<Key>]
      /** The other kind, and the key of its values. */
      readonly right: readonly [
        kind: Right,
        key: (value: Kind.Value<Right>) => NoInfer<Key> | ReadonlyArray<NoInfer<Key>>
      ]
      /**
       * Asked once per cycle in which the join could run, on the main thread. While it says false, the delta accumulates.
       * Default: always.
       */
      readonly accepts?: ((view: View<Left | Right | Reads>) => boolean) | undefined
      /** Gives what to add for two facts that meet. Synchronous. */
      readonly execute: (
        left: FactOf<Left>,
        right: FactOf<Right>,
        view: View<Left | Right | Reads>
      ) => AgentEffect<NoInfer<Writes>, NoInfer<Intents>>
    }
): Agent<Name, Left | Right | Reads, Writes | IntentKind.Answers<Intents>, never, IntentKind.Needs<Intents>>
export function join(name: string, options: object): Agent.Any {
  // The types of the options are forgotten here: `defineJoin` checks all of them again, for untyped callers.
  return defineJoin(name, options as JoinOptions)
}

/**
 * Defines a fold: an agent that keeps an aggregate of a kind, by group, at the cost of what is new.
 *
 * `by` gives the group of a value, and `into` is the kind of the totals, one fact for each group. `aggregate` is one of
 * `Fold.sum`, `Fold.count`, `Fold.min` and `Fold.max`, and `as` makes a total of it. Or give `add` and `remove`.
 *
 * New facts are added to the totals of their groups. A fact that was revised is taken out of its group as it was and added as it
 * is, and a fact that retention pruned is taken out. A total is a revision, so `into` needs `conflict: "keepLast"`. Its reasons
 * are the new facts of the group and the total before.
 *
 * A group of which all facts are gone keeps a total: that of no values. With `add` and `remove` the total in the context is the
 * state: `remove` must undo `add`, the order must play no part, and a total's id must depend on its group alone. A fold runs on
 * the main thread, in slices. What it cannot do ends the job.
 *
 * @throws InvalidProgram when an option cannot work
 */
export function fold<
  const Name extends string,
  Over extends Kind.Any,
  Key extends IndexKey,
  Into extends Kind.Any,
  Item = never
>(
  name: Name,
  // One signature, though it admits both ways at once: with two, the compiler infers less. `defineFold` refuses both.
  options: {
    /** The kind whose facts are aggregated. */
    readonly over: Over
    /** The key of a value's group. */
    readonly by: (value: Kind.Value<Over>) => Key
    /** The kind of the totals. */
    readonly into: Into
    /** Asked once per cycle in which the fold could run. While it says false, changes accumulate. Default: always. */
    readonly accepts?: ((view: View<Over | Into>) => boolean) | undefined
    /** `Fold.sum`, `Fold.count`, `Fold.min` or `Fold.max`. It needs `as`. Default: none; then `add` and `remove` are needed. */
    readonly aggregate?: Aggregate<Kind.Value<Over>, Item>
    /** Makes the total's value of a group's key and its aggregate. Default: none. */
    readonly as?: (key: NoInfer<Key>, item: NoInfer<Item>) => Kind.Value<Into>
    /**
     * In place of an aggregate: the total with a value. `total` is undefined for the first value of a group.
     * Default: none.
     */
    readonly add?: (total: Kind.Value<Into> | undefined, value: Kind.Value<Over>, key: NoInfer<Key>) => Kind.Value<Into>
    /** The total without a value that was added. Default: none; `add` needs it. */
    readonly remove?: (total: Kind.Value<Into>, value: Kind.Value<Over>, key: NoInfer<Key>) => Kind.Value<Into>
  }
): Agent<Name, Over | Into, Into, never, never>
export function fold(name: string, options: object): Agent.Any {
  // The types of the options are forgotten here: `defineFold` checks all of them again, for untyped callers.
  return defineFold(name, options as FoldOptions)
}

/** Whether a value is an agent made here. */
export const isAgent = (value: unknown): value is Agent.Any =>
  typeof value === "object" && value !== null && AgentTypeId in value
