/**
 * From a fold's options to an agent: everything is checked once, and defaults are filled in.
 *
 * Boundary: refuses with `InvalidProgram` what cannot work; runs nothing.
 */
import { callable, complaintOf, must, type Rules } from "../values/options.ts"
import { type AgentOptions, complaintOfConcurrency, defineAgent, rules } from "./defineAgent.ts"
import { eraseKind, type ErasedAgent, type ErasedFold } from "./erased.ts"
import { isKind, type Kind } from "./Fact.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import type { AgentTypeId } from "./typeIds.ts"

/** The options of a fold, as untyped callers may pass them. */
export interface FoldOptions extends Pick<AgentOptions, "accepts"> {
  readonly over: Kind.Any
  readonly by: (value: never) => unknown
  readonly into: Kind.Any
  readonly add?: ErasedFold["add"]
  readonly remove?: ErasedFold["remove"]
  readonly aggregate?: { readonly empty: ErasedFold["aggregate"] }
  readonly as?: ErasedFold["as"]
}

const isAggregate = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "empty" in value && typeof value.empty === "function"

const foldRules: Rules<FoldOptions> = {
  over: must("a kind", isKind, true),
  by: callable(true),
  into: must("a kind", isKind, true),
  accepts: rules.accepts,
  add: callable(),
  remove: callable(),
  aggregate: must("one of Fold.sum, Fold.count, Fold.min and Fold.max", isAggregate),
  as: callable()
}

/** The complaint about an `onFailure`: a task that fails consumes its facts, so the totals would leave them out for good. */
const complaintOfFailure = (options: object): string | undefined =>
  Reflect.get(options, "onFailure") === undefined
    ? undefined
    : "a fold has no onFailure: its failure ends the job, because a total without the facts of a failed task would be wrong. " +
      "Let by, add, remove and as give a value for every fact, such as a group of its own for what does not fit"

/** The complaint about options of which each is right by itself. */
const complaintOfAll = ({ add, aggregate, as, into, over, remove }: FoldOptions): string | undefined => {
  const [source, total] = [eraseKind(over), eraseKind(into)]
  const [ours, own] = [
    [aggregate, as],
    [add, remove]
  ]
  const isRight = (ways: ReadonlyArray<unknown>, others: ReadonlyArray<unknown>): boolean =>
    ways.every((way) => way !== undefined) && others.every((way) => way === undefined)
  if (!isRight(ours, own) && !isRight(own, ours)) {
    return "give either aggregate and as, such as Fold.count() and (key, count) => ({ key, count }), or add and remove"
  }
  if (source === total) return `it would fold its own totals: into must be another kind than over, ${total.name}`
  if (total.conflict !== "keepLast") {
    return `a total is revised when its group changes: give ${total.name} conflict: "keepLast"`
  }
  if (total.retention !== "all") return `a total that is pruned is lost: leave out the retention of ${total.name}`
  return undefined
}

/**
 * Checks a fold's options and makes the agent.
 *
 * @throws InvalidProgram for the first option that cannot work
 */
export const defineFold = (name: string, options: FoldOptions): ErasedAgent & { readonly [AgentTypeId]: unknown } => {
  const label = `agent ${JSON.stringify(name)}`
  const refuse = (message: string): never => {
    throw new InvalidProgram({ program: "", message: `${label}: ${message}` })
  }
  if (typeof options !== "object" || options === null) return refuse("options are missing")
  const complaint =
    complaintOfConcurrency(options) ??
    complaintOfFailure(options) ??
    complaintOf(options, foldRules)?.message ??
    complaintOfAll(options)
  if (complaint !== undefined) return refuse(complaint)
  const { accepts, add, aggregate, as, by, remove } = options
  const over = eraseKind(options.over)
  const into = eraseKind(options.into)
  const fold: ErasedFold = {
    over,
    into,
    keyOf: by,
    label: `the group of ${label}`,
    add,
    remove,
    aggregate: aggregate?.empty,
    as
  }
  const agent = defineAgent(name, "cpu", {
    reads: [over, into],
    writes: [into],
    accepts,
    placement: "inline",
    execute: () => undefined
  })
  return Object.freeze({ ...agent, triggers: [over], fold })
}
