/**
 * One effect on its way into the context (M2 to M4, B2, I1): applied whole, or not at all.
 *
 * Boundary: pure; a context in, a context and an outcome out.
 */
import { combine, verdictOf } from "../behave.ts"
import type { Item, ProgramSpec, Rule } from "../spec.ts"
import { textOf } from "./canonical.ts"
import { type Budget, exhausted, type Funds, limitOf } from "./funds.ts"
import {
  bytesOf,
  type By,
  type Cause,
  type Context,
  type Effect,
  type Entry,
  find,
  kindOf,
  ofKind,
  type Outcome
} from "./state.ts"

type Fact = Effect["facts"][number]

/** A fault of what the program computes: it is the cause of the agent's failure. */
export class Fault extends Error {
  readonly fields: Readonly<Record<string, unknown>>
  constructor(tag: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(tag)
    this.fields = fields
  }
}

/** The rules that the engine gives, and that need no check. */
const given: ReadonlyArray<Rule> = ["max", "min", "union"]

/** The value that a rule makes of two (M3). */
const combined = (rule: Rule, existing: Item, proposed: Item): Item => {
  const [a, b] = [textOf(existing), textOf(proposed)]
  if (rule === "max") return existing.n > proposed.n || (existing.n === proposed.n && a >= b) ? existing : proposed
  if (rule === "min") return existing.n < proposed.n || (existing.n === proposed.n && a <= b) ? existing : proposed
  if (rule === "union") {
    const rest = ({ k, n }: Item) => textOf({ k, n })
    const tags = [...new Set([...existing.t, ...proposed.t])].sort((x, y) => (textOf(x) < textOf(y) ? -1 : 1))
    return { ...(rest(existing) >= rest(proposed) ? existing : proposed), t: tags }
  }
  try {
    return combine(rule, existing, proposed)
  } catch {
    throw new Fault("AgentPanicked")
  }
}

/** The combined value, which must keep its id. */
export const combinedFact = (rule: Rule, existing: Item, fact: Fact): Fact => {
  const value = combined(rule, existing, fact.value)
  if (value.k !== fact.id) throw new Fault("InvalidEffect")
  return { ...fact, value, text: textOf(value) }
}

/** Whether a rule is a function. */
export const isFunction = (rule: Rule): boolean => !["reject", "keepFirst", "keepLast"].includes(rule)

/** The mark of a kind whose function was checked where a value was proposed again. */
export const again = (kind: string): string => `${kind} again`

/** The mark of a kind whose function was found to go by the order of two values. */
const ordered = (kind: string): string => `${kind} ordered`

/** Checks that a function makes no other value of two equal ones. */
export const checkIdempotent = (rule: Rule, values: ReadonlyArray<Item>): void => {
  if (given.includes(rule)) return
  for (const value of values) {
    const twice = combined(rule, value, value)
    if (twice.k !== value.k || textOf(twice) !== textOf(value)) throw new Fault("InvalidEffect")
  }
}

export interface Merged {
  readonly context: Context
  readonly outcome: Outcome
  /** The kinds whose functions have been checked. */
  readonly checked: ReadonlyArray<string>
}

/** An effect that is to be merged: from whom, in which cycle, and after which kinds were checked. */
export interface Merging {
  readonly program: ProgramSpec
  readonly by: By
  readonly effect: Effect
  readonly checked: ReadonlyArray<string>
  readonly funds: Funds
  /** The tokens that agents have paid (B7). */
  readonly paidTokens: number
  /** Whether the facts replace existing ones, whatever their rules. */
  readonly isForced: boolean
}

const proposer = ({ agent, origin }: By): string => (origin === "agent" ? agent : origin)

/** Merges an effect. */
export const merge = (before: Context, merging: Merging): Merged => {
  const { by, checked, effect, program } = merging
  const of = { agent: by.agent, ...(by.each === undefined ? {} : { each: by.each }) }
  try {
    const plan = planned(before, merging)
    const after = applied(before, plan.commits, effect, by)
    refuseBudgets(merging, before, after)
    refuseGhosts(after, effect)
    const facts = after.live.filter(({ position }) => position > before.version)
    refuseStructure(program, after, effect, facts)
    const outcome = { ...of, effect, facts, notCommutative: plan.notCommutative }
    return { context: after, outcome, checked: plan.checked }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const isOfAgent = error.message === "InvalidEffect" || error.message === "AgentPanicked"
    const who = isOfAgent ? { agent: by.agent } : {}
    const cause: Cause = { _tag: error.message, ...who, cycle: by.cycle, ...error.fields }
    return { context: before, outcome: { ...of, cause, facts: [], proposals: effect.facts.length }, checked }
  }
}

interface Commit {
  readonly fact: Fact
  readonly existing: Entry | undefined
}

/** Decides about each proposal (M3). */
const planned = (context: Context, { by, checked: checkedBefore, effect, isForced, program }: Merging) => {
  const commits: Array<Commit> = []
  const notCommutative: Array<Cause> = []
  let checked = checkedBefore
  for (const fact of effect.facts) {
    const { id, kind, text, value } = fact
    const existing = find(context, kind, id)
    const rule = isForced ? "keepLast" : kindOf(program, kind).rule
    if (existing === undefined) commits.push({ fact, existing })
    else if (rule === "keepFirst") continue
    else if (existing.text === text) {
      if (!isFunction(rule) || checked.includes(kind) || checked.includes(again(kind))) continue
      checked = [...checked, again(kind)]
      checkIdempotent(rule, [value])
    } else if (rule === "keepLast") commits.push({ fact, existing })
    else if (rule === "reject") {
      const agents = [proposer(existing.by), proposer(by)]
      throw new Fault("MergeConflict", { kind, id, existing: existing.value, proposed: value, agents })
    } else {
      if (!checked.includes(kind)) {
        checked = [...checked, kind]
        checkIdempotent(rule, [existing.value, value])
      }
      // Pairs are compared until one differs. The programs of a simulation are too small for the limit of 1,024 pairs.
      if (!checked.includes(ordered(kind))) {
        const other = given.includes(rule) ? undefined : combinedFact(rule, value, { ...fact, value: existing.value })
        if (other !== undefined && other.text !== combinedFact(rule, existing.value, fact).text) {
          checked = [...checked, ordered(kind)]
          const values = { kind, id, existing: existing.value, proposed: value }
          notCommutative.push({ _tag: "NotCommutative", cycle: by.cycle, ...values })
        }
      }
      const made = combinedFact(rule, existing.value, fact)
      if (made.text !== existing.text) commits.push({ fact: made, existing })
    }
  }
  return { commits, checked, notCommutative }
}

/** The context with the facts of an effect. */
const applied = (before: Context, commits: ReadonlyArray<Commit>, effect: Effect, by: By): Context => {
  const revised = commits.flatMap(({ existing }) => existing ?? [])
  const added = commits.map(({ existing, fact: { because, id, kind, text, value } }, index): Entry => {
    const position = before.version + 1 + index
    return { kind, id, value, text, position, by, because, revises: existing?.position }
  })
  const evaluations = effect.evaluations.map((evaluation) => ({ ...evaluation, agent: by.agent, cycle: by.cycle }))
  return {
    live: [...before.live.filter((entry) => !revised.includes(entry)), ...added],
    version: before.version + added.length,
    facts: before.facts + commits.filter(({ existing }) => existing === undefined).length,
    tokens: before.tokens + effect.tokens,
    evaluations: [...before.evaluations, ...evaluations]
  }
}

/** No counted budget is crossed (B2). */
const refuseBudgets = ({ by, effect, funds, paidTokens }: Merging, before: Context, after: Context): void => {
  const refuse = (name: Budget, used: number): never => {
    const { _tag, ...fields } = exhausted(funds, by.cycle, name, used, by.agent === "" ? undefined : by.agent)
    throw new Fault(_tag, fields)
  }
  if (after.facts > before.facts && after.facts > limitOf(funds, "facts")) refuse("facts", before.facts)
  if (effect.tokens > 0 && after.tokens + paidTokens > limitOf(funds, "tokens"))
    refuse("tokens", before.tokens + paidTokens)
  const bytes = bytesOf(before)
  if (bytesOf(after) > bytes && bytesOf(after) > limitOf(funds, "contextBytes")) refuse("contextBytes", bytes)
}

/** An evaluation names a fact that is there (M4). */
const refuseGhosts = (after: Context, effect: Effect): void => {
  for (const { fact } of effect.evaluations) {
    if (find(after, fact.kind, fact.id) === undefined) throw new Fault("InvalidEffect")
  }
}

/** The structural invariants, on the context as it would be (I1). */
const refuseStructure = (
  { invariants }: ProgramSpec,
  after: Context,
  effect: Effect,
  added: ReadonlyArray<Entry>
): void => {
  for (const invariant of invariants) {
    if (invariant.type !== "structural") continue
    const verdict = verdictOf(invariant, ofKind(after, invariant.kind).length)
    if (verdict === true) continue
    const facts = (added.length > 0 ? added : effect.facts).map(({ id, kind }) => ({ kind, id }))
    throw new Fault("InvariantViolated", { name: invariant.name, class: "structural", reason: verdict, facts })
  }
}
