/**
 * From an agent's options to an agent: everything is checked once, and defaults are filled in.
 *
 * Boundary: refuses with `InvalidProgram` what cannot work; runs nothing.
 */
import * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import { type Fact, isKind, type Kind } from "./Fact.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
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

export const defineAgent = (
  name: string,
  type: "fiber" | "cpu",
  options: AgentOptions
): ErasedAgent & { readonly [AgentTypeId]: unknown } => {
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
