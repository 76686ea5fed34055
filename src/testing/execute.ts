/**
 * `Testing.execute` and `Testing.view`: one execution of one agent, and a view of given facts, without an engine.
 *
 * The agent runs as in a job: its view shows what it reads, its output is validated, and a fault is a typed error. What belongs
 * to a job is left out: no retries, no limits of concurrency, no merge. Boundary: runs one agent; the public types are here.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { ContextView } from "../context/contextView.ts"
import type { Ledger } from "../context/Ledger.ts"
import { encodeEffect, EffectFault, type TaskFault } from "../cycle/encodeEffect.ts"
import { runFold } from "../cycle/folding.ts"
import { newSides, runBatch } from "../cycle/joining.ts"
import { CurrentWallet, type Wallet } from "../job/wallet.ts"
import type { Cause as HaltCause } from "../outcome/Cause.ts"
import type { InvalidInput } from "../outcome/JobError.ts"
import type { Agent } from "../program/Agent.ts"
import type { Evaluation, Intent } from "../program/AgentEffect.ts"
import { NoRoom } from "../program/Budget.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import { eraseAgent, type ErasedAgent, eraseKind } from "../program/erased.ts"
import type { Fact, FactRef, Kind, ProposalOf } from "../program/Fact.ts"
import { refKey } from "../program/keys.ts"
import type { IntentKindTypeId } from "../program/typeIds.ts"
import type { View } from "../program/View.ts"
import { describeError, describePanic } from "../values/panic.ts"
import { isUnderWay, runSteps } from "../values/steps.ts"
import { viewFor } from "../workers/runCpuTask.ts"
import { commit, commitAll, emptyLedger, type Given } from "./givenFacts.ts"

/** The kinds that an agent reads, and the kinds that it writes. */
type ReadsOf<A extends Agent.Any> =
  A extends Agent<string, infer Reads, infer _Writes, infer _E, infer _R> ? Reads : Kind.Any
type WritesOf<A extends Agent.Any> =
  A extends Agent<string, infer _Reads, infer Writes, infer _E, infer _R> ? Writes : Kind.Any

/** Nobody performs intents here, so no handler is needed, and the execution has a scope of its own. */
type WithoutHandlers<R> = R extends { readonly [IntentKindTypeId]: unknown } ? never : Exclude<R, Scope.Scope>

/** The services that an agent needs to be executed. */
export type ExecuteNeeds<A extends Agent.Any> = WithoutHandlers<Agent.Services<A>>

/** Options of `execute`. */
export interface ExecuteOptions<Reads extends Kind.Any> {
  /**
   * The fact that the task is about, for an agent with `each`. It is added to the facts, unless it is among them. Default: none.
   */
  readonly each?: ProposalOf<Reads> | undefined
  /** The facts that are there, in commit order. All of them are new to the agent. Default: none. */
  readonly facts?: ReadonlyArray<ProposalOf<Reads>> | undefined
  /** The job's input, as `view.input` shows it. It is frozen. Default: undefined. */
  readonly input?: unknown
  /** The cycle, as `view.cycle` shows it. Default: 1. */
  readonly cycle?: number | undefined
}

/** A fact that an agent proposes: validated, with its id and its frozen value. */
export type ExecutedFact<K extends Kind.Any> = K extends Kind.Any
  ? {
      readonly kind: K["name"]
      readonly id: string
      readonly value: Kind.Value<K>
      /** The facts that the agent gave as reasons. A join's are both of its facts. */
      readonly because: ReadonlyArray<FactRef>
    }
  : never

/** The effect of one execution, validated. */
export interface Executed<Writes extends Kind.Any> {
  readonly facts: ReadonlyArray<ExecutedFact<Writes>>
  readonly intents: ReadonlyArray<Intent>
  readonly evaluations: ReadonlyArray<Evaluation>
  /** The trace. For a join, the list of the traces of its pairs. Undefined if there is none. */
  readonly trace: unknown
  /** The sums that the execution paid with `Budget.spend`, and the tokens that its effect reports. */
  readonly usage: { readonly tokens: number; readonly cost: number }
}

/** An execution that gave no effect, for another reason than the agent's own typed error. */
export class NotExecuted extends Data.TaggedError("NotExecuted")<{
  readonly agent: string
  /** The fact that the task was about; undefined for an agent without `each`. */
  readonly fact: FactRef | undefined
  readonly cycle: number
  /**
   * The reason, by the `_tag` that a job would give: `AgentFailed` only for an error that `onFailure` discards. `NotAccepted`:
   * the agent's `accepts` says false of the facts.
   */
  readonly reason: HaltCause["_tag"] | "NotAccepted"
  /** The agent's error, the panic, or the two values that are in conflict. Undefined if the message says all. */
  readonly error: unknown
  readonly message: string
}> {}

/**
 * Executes an agent once, without an engine, and gives its validated effect. It takes every agent: of fibers, of CPU, joins,
 * which get all pairs of the facts, and folds, which get all facts as new.
 *
 * Everything runs here: a CPU agent on the calling thread. One attempt is made; its `timeout` counts for a fiber agent, and
 * `retry`, `concurrency` and `memoize` do not. `Budget.reserve` finds room always. The effect is not merged, so a conflict with a
 * fact that is there is no failure.
 *
 * Fails with the agent's own typed error; with `NotExecuted` for a throw, a timeout, an output that is no valid effect, an
 * `accepts` that says false, and an error that `onFailure` discards; with `InvalidInput` for facts that do not fit.
 */
export const execute = <A extends Agent.Any>(
  agent: A,
  options?: ExecuteOptions<ReadsOf<A>>
): Effect.Effect<Executed<WritesOf<A>>, Agent.Error<A> | NotExecuted | InvalidInput, ExecuteNeeds<A>> =>
  // The runtime knows no types of agents. The validation of the output makes them true again.
  executed(eraseAgent(agent), options ?? {}) as Effect.Effect<
    Executed<WritesOf<A>>,
    Agent.Error<A> | NotExecuted | InvalidInput,
    ExecuteNeeds<A>
  >

/**
 * Gives a view of some facts, to test a function that takes one. All facts are new to it: `delta` shows what `all` shows. The
 * view stays usable. `kinds` are the kinds that it shows; proposals know only their names.
 *
 * Fails with `InvalidInput` for facts that do not fit.
 */
export const view = <K extends Kind.Any>(options: {
  /** The kinds that the view shows. */
  readonly kinds: ReadonlyArray<K>
  /** The facts, in commit order. Default: none. */
  readonly facts?: ReadonlyArray<ProposalOf<NoInfer<K>>> | undefined
  /** The job's input. It is frozen. Default: undefined. */
  readonly input?: unknown
  /** The cycle, as `view.cycle` shows it. Default: 1. */
  readonly cycle?: number | undefined
}): Effect.Effect<View<K>, InvalidInput> =>
  Effect.suspend(() => {
    const ledger = emptyLedger(options.input)
    const kinds = options.kinds.map(eraseKind)
    const visible = new Set(kinds.map(({ name }) => name))
    const facts: ReadonlyArray<Given> = options.facts ?? []
    return Effect.map(commitAll(ledger, kinds, facts, "the view"), () => {
      const gate = { open: true }
      const { cycle = 1 } = options
      return ContextView.frozen({ ledger, visible, since: 0, cycle, gate, holder: "the test", onProgress: undefined })
    })
  })

interface ErasedOptions {
  readonly each?: Given | undefined
  readonly facts?: ReadonlyArray<Given> | undefined
  readonly input?: unknown
  readonly cycle?: number | undefined
}

/** The agent in its context, and what it paid so far. */
interface Execution {
  readonly agent: ErasedAgent
  readonly fact: Fact | undefined
  readonly cycle: number
  readonly ledger: Ledger
  readonly view: View<Kind.Any>
  readonly paid: { tokens: number; cost: number }
}

const executed = (
  agent: ErasedAgent,
  { cycle = 1, each, facts = [], input }: ErasedOptions
): Effect.Effect<Executed<Kind.Any>, unknown, unknown> =>
  Effect.gen(function* () {
    const ledger = emptyLedger(input, new Map([[agent.name, agent.triggers.map(({ name }) => name)]]))
    yield* commitAll(ledger, agent.visible, facts, agent.label)
    const fact = yield* eachOf(agent, ledger, each)
    const gate = { open: true }
    const view = viewFor(agent, 0, cycle, ledger, gate, undefined)
    const execution: Execution = { agent, fact, cycle, ledger, view, paid: { tokens: 0, cost: 0 } }
    yield* accepted(execution)
    const result = yield* agent.executeFiber === undefined ? Effect.sync(() => ofCpu(execution)) : ofFiber(execution)
    gate.open = false
    return "_tag" in result ? yield* notExecuted(execution, result) : shown(execution, result)
  })

/** The fact of the task, which is committed if it is not there. */
const eachOf = (agent: ErasedAgent, ledger: Ledger, each: Given | undefined) => {
  const { each: kind, label } = agent
  if (kind !== undefined && each !== undefined) return commit(ledger, [kind], each, "each", `the \`each\` of ${label}`)
  if (kind === undefined && each === undefined) return Effect.succeed(undefined)
  const why =
    kind === undefined
      ? `${label} has no \`each\`: give the fact among \`facts\``
      : `${label} is executed for a fact: give one of kind ${JSON.stringify(kind.name)} as \`each\``
  return Effect.fail(failure({ agent, fact: undefined, cycle: 0 }, "NotAccepted", undefined, why))
}

const failure = (
  { agent, cycle, fact }: Pick<Execution, "agent" | "cycle" | "fact">,
  reason: NotExecuted["reason"],
  error: unknown,
  message: string
): NotExecuted => {
  const ref = fact === undefined ? undefined : { kind: fact.kind, id: fact.id }
  return new NotExecuted({ agent: agent.name, fact: ref, cycle, reason, error, message })
}

const accepted = (execution: Execution): Effect.Effect<void, NotExecuted> =>
  Effect.suspend(() => {
    const { agent, view } = execution
    try {
      if (agent.accepts === undefined || agent.accepts(view)) return Effect.void
    } catch (error) {
      return Effect.fail(panicked(execution, error))
    }
    return Effect.fail(
      failure(execution, "NotAccepted", undefined, `${agent.label}: its \`accepts\` says false of these facts`)
    )
  })

const panicked = (execution: Execution, thrown: unknown): NotExecuted => {
  const panic = describePanic(thrown)
  return failure(execution, "AgentPanicked", panic, `${execution.agent.label} panicked: ${panic.message}`)
}

/** Runs a CPU agent, a join or a fold. */
const ofCpu = ({ agent, fact, ledger, view }: Execution): EncodedEffect | TaskFault => {
  const { fold, join } = agent
  if (join !== undefined) return runSteps(runBatch(agent, join, runSteps(newSides(join, 0, ledger)), view, ledger))
  if (fold !== undefined) return runSteps(runFold(fold, { since: 0, pruned: 0 }, undefined, ledger)).result
  let output: unknown
  try {
    output = agent.executeCpu?.(fact, view)
  } catch (error) {
    return { _tag: "AgentPanicked", ...describePanic(error) }
  }
  return encoded(agent, output, ledger)
}

const encoded = (agent: ErasedAgent, output: unknown, ledger: Ledger): EncodedEffect | TaskFault => {
  const result = encodeEffect(agent, output, ledger)
  return isUnderWay(result) ? runSteps(result) : result
}

const timedOut = Symbol("timed out")

/** Runs one attempt of a fiber agent. */
const ofFiber = (execution: Execution): Effect.Effect<EncodedEffect | TaskFault, unknown, unknown> => {
  const { agent, fact, ledger, paid, view } = execution
  const { timeoutMs } = agent
  const work = Effect.suspend((): Effect.Effect<unknown, unknown, unknown> => {
    const effect: unknown = agent.executeFiber?.(fact, view)
    if (Effect.isEffect(effect)) return effect
    return Effect.die(new EffectFault("InvalidEffect", { message: "execute returned no Effect", stack: "" }))
  }).pipe(Effect.scoped, Effect.provideService(CurrentWallet, walletOf(paid)))
  const once =
    timeoutMs === undefined
      ? work
      : Effect.timeoutOrElse(work, { duration: Duration.millis(timeoutMs), orElse: () => Effect.succeed(timedOut) })
  return Effect.flatMap(Effect.exit(once), (exit): Effect.Effect<EncodedEffect | TaskFault, unknown> => {
    if (Exit.isFailure(exit)) return failed(execution, exit.cause)
    if (exit.value !== timedOut) return Effect.succeed(encoded(agent, exit.value, ledger))
    return Effect.fail(failure(execution, "AgentTimedOut", undefined, `${agent.label} exceeded ${timeoutMs} ms`))
  })
}

/** There is always room, and what is paid is counted. */
const walletOf = (paid: { tokens: number; cost: number }): Wallet => ({
  reserve: ({ cost, tokens }) => Effect.succeed({ id: "", tokens, cost }),
  spend: ({ cost, tokens }, reservation) =>
    Effect.sync(() => {
      paid.tokens += tokens ?? reservation?.tokens ?? 0
      paid.cost += cost ?? reservation?.cost ?? 0
    })
})

/** The failure of an agent that failed with this cause: its own error, if its type names it. */
const failed = (execution: Execution, cause: Cause.Cause<unknown>): Effect.Effect<never, unknown> => {
  const { agent } = execution
  const die = cause.reasons.find(Cause.isDieReason)
  if (die?.defect instanceof EffectFault) {
    return Effect.fail(failure(execution, "InvalidEffect", undefined, `${agent.label}: ${die.defect.message}`))
  }
  if (die !== undefined) return Effect.fail(panicked(execution, die.defect))
  const fail = cause.reasons.find(Cause.isFailReason)
  if (fail === undefined) return Effect.failCause(cause)
  if (agent.onFailure.error === "halt" && !(fail.error instanceof NoRoom)) return Effect.fail(fail.error)
  const message = `${agent.label} failed: ${describeError(fail.error)}`
  return Effect.fail(failure(execution, "AgentFailed", fail.error, message))
}

/** The failure of an output with a fault. */
const notExecuted = (execution: Execution, fault: TaskFault): Effect.Effect<never, NotExecuted> => {
  const { label } = execution.agent
  if (fault._tag === "MergeConflict") {
    const { existing, proposed } = fault
    const name = refKey({ kind: existing.kind.name, id: existing.id })
    const values = { existing: existing.value, proposed: proposed.value }
    const message = `${label}: two of its pairs propose different values for ${name}, and its kind rejects that`
    return Effect.fail(failure(execution, "MergeConflict", values, message))
  }
  const { _tag, ...panic } = fault
  return Effect.fail(
    failure(execution, _tag, _tag === "AgentPanicked" ? panic : undefined, `${label}: ${panic.message}`)
  )
}

const shown = ({ ledger, paid }: Execution, effect: EncodedEffect): Executed<Kind.Any> => ({
  facts: effect.facts.map(({ because = [], id, kind, value }) => ({
    kind: kind.name,
    id,
    value,
    because: because.flatMap((position) => {
      const fact = ledger.entryAt(position)?.fact
      return fact === undefined ? [] : [{ kind: fact.kind, id: fact.id }]
    })
  })),
  intents: effect.intents.map(({ kind, payload }) => ({ kind, payload })),
  evaluations: effect.evaluations,
  trace: effect.trace,
  usage: { tokens: paid.tokens + effect.tokens, cost: paid.cost }
})
