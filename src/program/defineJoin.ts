/**
 * From a join's options to an agent: everything is checked once, and defaults are filled in.
 *
 * Boundary: refuses with `InvalidProgram` what cannot work; runs nothing.
 */
import { complaintOf, callable, must, type Rule, type Rules } from "../values/options.ts"
import { type AgentOptions, complaintOfConcurrency, defineAgent, rules } from "./defineAgent.ts"
import { eraseKind, type ErasedAgent, type ErasedJoin, type JoinSide } from "./erased.ts"
import { isKind, type Kind } from "./Fact.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import type { AgentTypeId } from "./typeIds.ts"

type Side = readonly [kind: Kind.Any, keyOf: JoinSide["keyOf"]]

/** The options of a join, as untyped callers may pass them. */
export interface JoinOptions extends Pick<
  AgentOptions,
  "reads" | "writes" | "intents" | "accepts" | "timeout" | "onFailure" | "placement"
> {
  readonly left: Side
  readonly right: Side
  readonly execute: ErasedJoin["execute"]
}

const isSide = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isKind(value[0]) && typeof value[1] === "function"

const side: Rule = must(
  "a kind and a function that gives its key, as in [Order, (order) => order.customer]",
  isSide,
  true
)

const joinRules: Rules<JoinOptions> = {
  left: side,
  right: side,
  reads: rules.reads,
  writes: rules.writes,
  intents: rules.intents,
  accepts: rules.accepts,
  timeout: rules.timeout,
  onFailure: rules.onFailure,
  placement: rules.placement,
  execute: callable(true)
}

/**
 * Checks a join's options and makes the agent.
 *
 * @throws InvalidProgram for the first option that cannot work
 */
export const defineJoin = (name: string, options: JoinOptions): ErasedAgent & { readonly [AgentTypeId]: unknown } => {
  const label = `agent ${JSON.stringify(name)}`
  if (typeof options === "object" && options !== null) {
    const complaint = complaintOfConcurrency(options) ?? complaintOf(options, joinRules)?.message
    if (complaint !== undefined) throw new InvalidProgram({ program: "", message: `${label}: ${complaint}` })
  }
  const { left, right, ...rest } = options
  const sideOf = ([kind, keyOf]: Side, name: "left" | "right"): JoinSide => ({
    kind: eraseKind(kind),
    keyOf,
    label: `the ${name} key of ${label}`
  })
  const join: ErasedJoin = {
    left: sideOf(left, "left"),
    right: sideOf(right, "right"),
    execute: (l, r, view) => Reflect.apply(options.execute, undefined, [l, r, view])
  }
  const triggers = [...new Set([join.left.kind, join.right.kind])]
  const agent = defineAgent(name, "cpu", {
    ...rest,
    reads: [...triggers, ...(options.reads ?? [])],
    placement: options.placement ?? "auto",
    execute: () => undefined
  })
  return Object.freeze({ ...agent, triggers, join })
}
