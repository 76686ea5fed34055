/**
 * From an agent's options to an agent: everything is checked once, and defaults are filled in.
 *
 * Boundary: refuses with `InvalidProgram` what cannot work; runs nothing.
 */
import * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import { type Fact, isKind, type Kind } from "./Fact.ts"
import { InvalidProgram, type Refuse } from "./InvalidProgram.ts"
import type { View } from "./View.ts"
import { AgentTypeId } from "./typeIds.ts"
import { type ErasedKind, eraseKind, type ErasedAgent } from "./erased.ts"
import type { OnFailure, Placement } from "./agentOptions.ts"

type ErasedView = View<Kind.Any>

/** The options of all four forms, as untyped callers may pass them. */
export interface AgentOptions {
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
  if (typeof name !== "string" || name === "") refuse("an agent needs a name that is not empty")
  if (typeof options !== "object" || options === null) return refuse("options are missing")
  checkOptions(type, options, refuse)
  const each = options.each === undefined ? undefined : kindsOf([options.each], "each", refuse)[0]
  const reads = kindsOf(options.reads, "reads", refuse)
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
    writes: [...new Set(kindsOf(options.writes, "writes", refuse))],
    accepts: options.accepts,
    // The overloads of `Agent.make` take no function that gives anything but an Effect; what an untyped one gives is checked.
    executeFiber: type === "fiber" ? (called as ErasedAgent["executeFiber"]) : undefined,
    executeCpu: type === "cpu" ? called : undefined,
    timeoutMs: timeoutMs(options.timeout, refuse),
    retry: options.retry,
    onFailure: options.onFailure ?? "halt",
    placement: options.placement ?? "worker",
    memoize: options.memoize ?? false
  }
  return Object.freeze(Object.assign(erased, { [AgentTypeId]: undefined as never }))
}

/** Refuses options that do not exist, are of the wrong type, or do not fit the type of agent. */
const checkOptions = (type: "fiber" | "cpu", options: AgentOptions, refuse: Refuse): void => {
  const { accepts, execute, memoize, onFailure, placement, retry } = options
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) refuse(`there is no option ${JSON.stringify(unknown)}`)
  if (typeof execute !== "function") refuse("execute must be a function")
  if (accepts !== undefined && typeof accepts !== "function") refuse("accepts must be a function")
  if (type === "cpu" && retry !== undefined) refuse("retry is for fiber agents: a function gives the same again")
  if (retry !== undefined && !Schedule.isSchedule(retry)) refuse("retry must be a Schedule")
  if (type === "fiber" && placement !== undefined) refuse("placement is for CPU agents")
  if (placement !== undefined && !["worker", "inline", "auto"].includes(placement)) {
    refuse(`placement must be "worker", "inline" or "auto", not ${JSON.stringify(placement)}`)
  }
  if (type === "cpu" && memoize !== undefined) refuse("memoize is for fiber agents: a function gives the same again")
  if (memoize !== undefined && typeof memoize !== "boolean") refuse("memoize must be true or false")
  // An untyped caller may pass null, which counts as no choice.
  if (!["halt", "discard"].includes(onFailure ?? "halt")) {
    refuse(`onFailure must be "halt" or "discard", not ${JSON.stringify(onFailure)}`)
  }
}

/** The kinds of a list, erased. `of` is what messages call the list. Default: none. */
const kindsOf = (list: ReadonlyArray<Kind.Any> | undefined, of: string, refuse: Refuse): ReadonlyArray<ErasedKind> => {
  if (list !== undefined && !Array.isArray(list)) refuse(`${of} must be an array of kinds`)
  return (list ?? []).map((kind, index) => (isKind(kind) ? eraseKind(kind) : refuse(`${of}[${index}] is not a kind`)))
}

/** A timeout in milliseconds; undefined for none, or one that is infinite. */
const timeoutMs = (input: Duration.Input | undefined, refuse: Refuse): number | undefined => {
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
