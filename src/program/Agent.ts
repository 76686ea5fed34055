/**
 * Agents: what reads a job's context and proposes what to add.
 *
 * `make` defines a fiber agent (an Effect: I/O, services, typed errors), `cpu` a CPU agent (a synchronous function that
 * runs on a worker thread). Both come in two forms: with `each`, one task for every new fact of that kind; without, one
 * task for everything that is new.
 *
 * Boundary: definitions and their types. When an agent runs is eligibility.ts; what happens to its effect, merge.ts.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AgentEffect } from "./AgentEffect.ts"
import { type ErasedKind, eraseKind, type Fact, type FactOf, isKind, type Kind } from "./Fact.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import type { View } from "./View.ts"

/** Marks an agent. */
export const AgentTypeId: unique symbol = Symbol.for("effect-converge/Agent")

/** What a failed task does to its job: end it (`"halt"`, the default), or leave a diagnostic and go on. */
export type OnFailure = "halt" | "discard"

/**
 * Where a CPU agent runs.
 *
 * - `"worker"` (default): on a worker thread, where it can be stopped
 * - `"inline"`: on the main thread, where nothing can stop it
 * - `"auto"`: on the main thread while that is cheaper than the way to a worker, as the pool learns from what it measures.
 *   What runs there cannot be stopped either, and no timeout is enforced; an agent that is not known yet runs on a worker
 */
export type Placement = "worker" | "inline" | "auto"

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
   * Any agent. It says nothing of what an agent reads, writes, fails with and needs: an agent that is defined where one is
   * expected would be given that instead of what follows from its own definition.
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

/** An agent as the runtime holds it: types forgotten, defaults filled in. */
export interface ErasedAgent {
  readonly name: string
  /** What messages call it. */
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
  readonly accepts: ((view: View<Kind.Any>) => boolean) | undefined
  readonly executeFiber:
    | ((fact: Fact | undefined, view: View<Kind.Any>) => Effect.Effect<unknown, unknown, unknown>)
    | undefined
  readonly executeCpu: ((fact: Fact | undefined, view: View<Kind.Any>) => unknown) | undefined
  readonly timeoutMs: number | undefined
  readonly retry: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  readonly onFailure: OnFailure
  readonly placement: Placement
  readonly memoize: boolean
}

interface Common<Reads extends Kind.Any, Writes extends Kind.Any, Failure extends OnFailure> {
  /** The kinds that the view shows and, without `each`, whose new facts trigger the agent. Default: none. */
  readonly reads?: ReadonlyArray<Reads> | undefined
  /** The kinds that its effects may propose. Default: none. */
  readonly writes?: ReadonlyArray<Writes> | undefined
  /** The time that one attempt may take, from fork or claim; a failure with `AgentTimedOut` after it. Default: none. */
  readonly timeout?: Duration.Input | undefined
  /** What a failed task does to its job: end it, or leave a diagnostic (`"discard"`). Default: `"halt"`. */
  readonly onFailure?: Failure | undefined
}

interface Whole<Reads extends Kind.Any> {
  readonly each?: undefined
  /**
   * Asked once per cycle in which the agent could run, on the main thread. While it says false, the delta accumulates.
   * Default: always.
   */
  readonly accepts?: ((view: View<Reads>) => boolean) | undefined
}

interface Each<EachKind extends Kind.Any, Reads extends Kind.Any> {
  /** One task for each new fact of this kind. Default: one task for everything that is new. */
  readonly each: EachKind
  /**
   * Asked once per cycle in which the agent could run, on the main thread. While it says false, the delta accumulates.
   * Default: always.
   */
  readonly accepts?: ((view: View<Reads | EachKind>) => boolean) | undefined
}

interface Retrying<E, R2> {
  /**
   * When to try again after a typed failure or a timeout. Panics, conflicts and invalid effects are never retried.
   * Default: never.
   */
  readonly retry?: Schedule.Schedule<unknown, E, never, R2> | undefined
  /**
   * Keep what a task gave as soon as it ends, before its cycle is committed: if the process dies in between, the cycle runs
   * again with that effect instead of executing the agent. For what is expensive to get. Only with a durable store; an
   * effect, not a failure, is kept. Default: no.
   */
  readonly memoize?: boolean | undefined
}

interface Placed {
  /** Where the agent runs. Default: `"worker"`. */
  readonly placement?: Placement | undefined
}

type Escaping<Failure extends OnFailure, E> = Failure extends "discard" ? never : E

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
  EachKind extends Kind.Any,
  E,
  R,
  Reads extends Kind.Any = never,
  Writes extends Kind.Any = never,
  const Failure extends OnFailure = "halt",
  R2 = never
>(
  name: Name,
  options: Common<Reads, Writes, Failure> &
    Each<EachKind, Reads> &
    Retrying<NoInfer<E>, R2> & {
      /** Gives what to add, from the view; with `each`, for this fact. */
      readonly execute: (
        fact: FactOf<EachKind>,
        view: View<Reads | EachKind>
      ) => Effect.Effect<AgentEffect<NoInfer<Writes>>, E, R>
    }
): Agent<Name, Reads | EachKind, Writes, Escaping<Failure, E>, R | R2>
export function make<
  const Name extends string,
  E,
  R,
  Reads extends Kind.Any = never,
  Writes extends Kind.Any = never,
  const Failure extends OnFailure = "halt",
  R2 = never
>(
  name: Name,
  options: Common<Reads, Writes, Failure> &
    Whole<Reads> &
    Retrying<NoInfer<E>, R2> & {
      readonly execute: (view: View<Reads>) => Effect.Effect<AgentEffect<NoInfer<Writes>>, E, R>
    }
): Agent<Name, Reads, Writes, Escaping<Failure, E>, R | R2>
export function make(name: string, options: object): Agent.Any {
  return define(name, "fiber", options as Options)
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
  EachKind extends Kind.Any,
  Reads extends Kind.Any = never,
  Writes extends Kind.Any = never
>(
  name: Name,
  options: Common<Reads, Writes, OnFailure> &
    Each<EachKind, Reads> &
    Placed & {
      /** Gives what to add, from the view; with `each`, for this fact. Synchronous. */
      readonly execute: (fact: FactOf<EachKind>, view: View<Reads | EachKind>) => AgentEffect<NoInfer<Writes>>
    }
): Agent<Name, Reads | EachKind, Writes, never, never>
export function cpu<const Name extends string, Reads extends Kind.Any = never, Writes extends Kind.Any = never>(
  name: Name,
  options: Common<Reads, Writes, OnFailure> &
    Whole<Reads> &
    Placed & {
      readonly execute: (view: View<Reads>) => AgentEffect<NoInfer<Writes>>
    }
): Agent<Name, Reads, Writes, never, never>
export function cpu(name: string, options: object): Agent.Any {
  return define(name, "cpu", options as Options)
}

/** Whether a value is an agent made here. */
export const isAgent = (value: unknown): value is Agent.Any =>
  typeof value === "object" && value !== null && AgentTypeId in value

/** The runtime's view of an agent. Every agent is made by `define` below, which sets all of it: the cast is sound. */
export const eraseAgent = (agent: Agent.Any): ErasedAgent => agent as unknown as ErasedAgent

type ErasedView = View<Kind.Any>

/** The options of all four forms, as untyped callers may pass them. */
interface Options {
  readonly each?: Kind.Any | undefined
  readonly reads?: ReadonlyArray<Kind.Any> | undefined
  readonly writes?: ReadonlyArray<Kind.Any> | undefined
  readonly accepts?: ((view: ErasedView) => boolean) | undefined
  readonly timeout?: Duration.Input | undefined
  readonly retry?: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  readonly onFailure?: OnFailure | undefined
  readonly placement?: Placement | undefined
  readonly memoize?: boolean | undefined
  readonly execute: (...args: ReadonlyArray<unknown>) => unknown
}

const known = ["each", "reads", "writes", "accepts", "timeout", "retry", "onFailure", "placement", "memoize", "execute"]

const define = (name: string, type: "fiber" | "cpu", options: Options): Agent.Any => {
  const refuse = (message: string): never => {
    throw new InvalidProgram({ program: "", message: `agent ${JSON.stringify(name)}: ${message}` })
  }
  if (typeof name !== "string" || name === "") refuse("an agent needs a name that is not empty")
  if (typeof options !== "object" || options === null) return refuse("options are missing")
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) refuse(`there is no option ${JSON.stringify(unknown)}`)
  if (typeof options.execute !== "function") refuse("execute must be a function")
  if (options.accepts !== undefined && typeof options.accepts !== "function") refuse("accepts must be a function")
  if (type === "cpu" && options.retry !== undefined)
    refuse("retry is for fiber agents: a function gives the same again")
  if (options.retry !== undefined && !Schedule.isSchedule(options.retry)) refuse("retry must be a Schedule")
  if (type === "fiber" && options.placement !== undefined) refuse("placement is for CPU agents")
  if (options.placement !== undefined && !["worker", "inline", "auto"].includes(options.placement)) {
    refuse(`placement must be "worker", "inline" or "auto", not ${JSON.stringify(options.placement)}`)
  }
  if (type === "cpu" && options.memoize !== undefined)
    refuse("memoize is for fiber agents: a function gives the same again")
  if (options.memoize !== undefined && typeof options.memoize !== "boolean") refuse("memoize must be true or false")
  const onFailure = options.onFailure ?? "halt"
  if (onFailure !== "halt" && onFailure !== "discard") {
    refuse(`onFailure must be "halt" or "discard", not ${JSON.stringify(onFailure)}`)
  }
  const kinds = (list: ReadonlyArray<Kind.Any> | undefined, of: string): ReadonlyArray<ErasedKind> => {
    if (list !== undefined && !Array.isArray(list)) refuse(`${of} must be an array of kinds`)
    return (list ?? []).map((kind, index) => (isKind(kind) ? eraseKind(kind) : refuse(`${of}[${index}] is not a kind`)))
  }
  const each = options.each === undefined ? undefined : kinds([options.each], "each")[0]
  const reads = kinds(options.reads, "reads")
  const visible = [...new Set(each === undefined ? reads : [each, ...reads])]
  const execute = options.execute
  const called =
    each === undefined
      ? (_fact: Fact | undefined, view: ErasedView): unknown => Reflect.apply(execute, undefined, [view])
      : (fact: Fact | undefined, view: ErasedView): unknown => Reflect.apply(execute, undefined, [fact, view])
  const erased: ErasedAgent = {
    name,
    label: `agent ${JSON.stringify(name)}`,
    type,
    triggers: each === undefined ? visible : [each],
    visible,
    visibleNames: new Set(visible.map((kind) => kind.name)),
    each,
    writes: [...new Set(kinds(options.writes, "writes"))],
    accepts: options.accepts,
    executeFiber: type === "fiber" ? (called as ErasedAgent["executeFiber"]) : undefined,
    executeCpu: type === "cpu" ? called : undefined,
    timeoutMs: timeoutMs(options.timeout, refuse),
    retry: options.retry,
    onFailure,
    placement: options.placement ?? "worker",
    memoize: options.memoize ?? false
  }
  return Object.freeze(Object.assign(erased, { [AgentTypeId]: undefined as never }))
}

const timeoutMs = (input: Duration.Input | undefined, refuse: (message: string) => never): number | undefined => {
  if (input === undefined) return undefined
  let ms: number
  try {
    ms = Duration.toMillis(Duration.fromInputUnsafe(input))
  } catch {
    return refuse(`timeout is not a duration: ${JSON.stringify(input)}`)
  }
  if (ms === Infinity) return undefined
  return ms > 0 ? ms : refuse("timeout must be longer than 0")
}
