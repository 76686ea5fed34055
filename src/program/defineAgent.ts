/**
 * From an agent's options to an agent: everything is checked once, and defaults are filled in.
 *
 * Boundary: refuses with `InvalidProgram` what cannot work; runs nothing.
 */
import type * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import { type Fact, isKind, type Kind } from "./Fact.ts"
import { InvalidProgram, type Refuse } from "./InvalidProgram.ts"
import { eraseIntentKind, type IntentKind, isIntentKind } from "./intentKind.ts"
import type { View } from "./View.ts"
import { AgentTypeId } from "./typeIds.ts"
import { eraseKind, type ErasedAgent } from "./erased.ts"
import { type Concurrency, type FailureRules, failureRulesOf, type OnFailure, type Placement } from "./agentOptions.ts"
import {
  callable,
  complaintOf,
  complaintOfName,
  count,
  isTrueOrFalse,
  listOf,
  millisOf,
  must,
  oneOf,
  type Rule,
  type Rules,
  timeout
} from "../values/options.ts"

type ErasedView = View<Kind.Any>

/** The options of all four forms, as untyped callers may pass them. */
export interface AgentOptions {
  readonly each?: Kind.Any | undefined
  readonly reads?: ReadonlyArray<Kind.Any> | undefined
  readonly writes?: ReadonlyArray<Kind.Any> | undefined
  readonly intents?: ReadonlyArray<IntentKind.Any> | undefined
  readonly accepts?: ((view: ErasedView) => boolean) | undefined
  readonly timeout?: Duration.Input | undefined
  readonly retry?: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  readonly onFailure?: OnFailure | undefined
  readonly placement?: Placement | undefined
  readonly memoize?: boolean | undefined
  readonly concurrency?: Concurrency<Fact> | undefined
  readonly execute: (...args: ReadonlyArray<unknown>) => unknown
}

const schedule: Rule = must("a Schedule", Schedule.isSchedule)

const kinds: Rule = listOf("kinds", "a kind", isKind)

const haltOrDiscard = oneOf("halt", "discard")

const failureRules: Rules<FailureRules> = {
  error: haltOrDiscard,
  timeout: haltOrDiscard,
  panic: haltOrDiscard,
  crash: haltOrDiscard,
  conflict: haltOrDiscard,
  invalid: haltOrDiscard
}

const atLeastOne: Rule = count(1)

const concurrencyRules: Rules<Exclude<Concurrency<Fact>, number>> = {
  limit: atLeastOne,
  gap: must('a duration that is finite, such as "50 millis"', (value) => {
    const ms = millisOf(value)
    return ms >= 0 && ms < Infinity
  }),
  per: callable()
}

export const rules: Rules<AgentOptions> = {
  each: (option, value) =>
    value === undefined || isKind(value) ? undefined : { option, message: `${option} is not a kind` },
  reads: kinds,
  writes: kinds,
  intents: listOf("kinds of intents", "a kind of intents: make it with Intent.kind", isIntentKind),
  accepts: callable(),
  timeout,
  retry: schedule,
  onFailure: (option, value) =>
    typeof value === "object" && value !== null
      ? complaintOf(value, failureRules, option)
      : must(
          '"halt", "discard" or an object such as {error: "discard"}',
          (value) => value === "halt" || value === "discard"
        )(option, value),
  placement: oneOf("worker", "inline", "auto"),
  memoize: isTrueOrFalse,
  concurrency: (option, value) => {
    if (value === undefined) return undefined
    if (typeof value !== "object") return atLeastOne(option, value)
    const complaint = complaintOf(value, concurrencyRules, option)
    if (complaint !== undefined || value === null) return complaint
    const isEmpty = Reflect.get(value, "limit") === undefined && Reflect.get(value, "gap") === undefined
    return isEmpty ? { option, message: `${option} needs a limit, a gap or both` } : undefined
  },
  execute: callable(true)
}

/**
 * Checks an agent's options and makes the agent.
 *
 * @throws InvalidProgram for the first option that cannot work
 */
export const defineAgent = (
  name: string,
  type: "fiber" | "cpu",
  options: AgentOptions
): ErasedAgent & { readonly [AgentTypeId]: unknown } => {
  const refuse: Refuse = (message) => {
    throw new InvalidProgram({ program: "", message: `agent ${JSON.stringify(name)}: ${message}` })
  }
  const unnamed = complaintOfName("an agent", name)
  if (unnamed !== undefined) refuse(unnamed)
  if (options === undefined || options === null) return refuse("options are missing")
  const complaint = forOtherType(type, options) ?? complaintOf(options, rules)?.message
  if (complaint !== undefined) return refuse(complaint)
  const each = options.each === undefined ? undefined : eraseKind(options.each)
  const reads = (options.reads ?? []).map(eraseKind)
  const visible = [...new Set(each === undefined ? reads : [each, ...reads])]
  const { execute } = options
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
    writes: [...new Set((options.writes ?? []).map(eraseKind))],
    intents: [...new Set((options.intents ?? []).map(eraseIntentKind))],
    accepts: options.accepts,
    // The overloads of `Agent.make` take no function that gives anything but an Effect; what an untyped one gives is checked.
    executeFiber: type === "fiber" ? (called as ErasedAgent["executeFiber"]) : undefined,
    executeCpu: type === "cpu" ? called : undefined,
    timeoutMs: timeoutMs(options.timeout),
    retry: options.retry,
    onFailure: failureRulesOf(type, options.onFailure),
    placement: options.placement ?? "worker",
    memoize: options.memoize ?? false,
    concurrency: concurrencyOf(options.concurrency),
    join: undefined,
    fold: undefined
  }
  return Object.freeze(Object.assign(erased, { [AgentTypeId]: undefined as never }))
}

const withoutConcurrency =
  "concurrency is for fiber agents: CPU agents, joins and folds run on the threads of the pool, as many as its size says, or " +
  "one after the other on the main thread"

/** The complaint about a `concurrency` among the options of a join or a fold. */
export const complaintOfConcurrency = (options: object): string | undefined =>
  Reflect.get(options, "concurrency") === undefined ? undefined : withoutConcurrency

/** The complaint about an option that is for the other type of agent. */
const forOtherType = (
  type: "fiber" | "cpu",
  { concurrency, each, memoize, placement, retry }: AgentOptions
): string | undefined => {
  if (type === "fiber") {
    if (placement !== undefined) return "placement is for CPU agents"
    const isKeyed = typeof concurrency === "object" && concurrency !== null && concurrency.per !== undefined
    return isKeyed && each === undefined ? "concurrency.per needs each: the key is made of a task's fact" : undefined
  }
  if (concurrency !== undefined) return withoutConcurrency
  if (retry !== undefined) return "retry is for fiber agents: a function gives the same again"
  return memoize === undefined ? undefined : "memoize is for fiber agents: a function gives the same again"
}

const concurrencyOf = (input: Concurrency<Fact> | undefined): ErasedAgent["concurrency"] => {
  if (input === undefined || input === Infinity) return undefined
  const { gap, limit = Infinity, per } = typeof input === "number" ? { limit: input } : input
  return { limit, gapMs: gap === undefined ? 0 : millisOf(gap), per }
}

/** A timeout in milliseconds; undefined for none, or one that is infinite. */
const timeoutMs = (input: Duration.Input | undefined): number | undefined => {
  const ms = input === undefined ? Infinity : millisOf(input)
  return ms === Infinity ? undefined : ms
}
