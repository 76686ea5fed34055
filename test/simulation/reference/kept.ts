/**
 * The work of a commit beside the effects: retention (M5), and the facts about invariants (I2, I3).
 *
 * Boundary: pure; a context in, a context out.
 */
import { verdictOf } from "../behave.ts"
import type { InvariantSpec, ProgramSpec } from "../spec.ts"
import { textOf } from "./canonical.ts"
import { triggersOf } from "./eligible.ts"
import { type By, type Cause, type Context, type Entry, find, ofKind, type Progress, type Waiting } from "./state.ts"

/** The facts that are pruned: all but the newest of kinds with retention, unless they are unread or waited for (M5). */
export const prunedFrom = (
  context: Context,
  program: ProgramSpec,
  progressOf: (agent: string) => Progress,
  waiting: ReadonlyArray<Waiting>
): ReadonlyArray<Entry> =>
  program.kinds.flatMap(({ latest, name }) => {
    if (latest === undefined) return []
    const readers = program.agents.filter((agent) => triggersOf(agent).includes(name))
    const readUpTo = Math.min(...readers.map((agent) => progressOf(agent.name).mark))
    const isHeld = ({ id, kind }: Entry) => waiting.some(({ each }) => each?.kind === kind && each.id === id)
    const facts = ofKind(context, name)
    return facts
      .slice(0, Math.max(facts.length - latest, 0))
      .filter((entry) => entry.position <= readUpTo && !isHeld(entry))
  })

interface Violation {
  readonly reason: string
  readonly repaired: boolean
}

const violationOf = (context: Context, name: string): Violation | undefined =>
  find(context, "Violation", name)?.value as unknown as Violation | undefined

const verdictIn = (context: Context, invariant: InvariantSpec): true | string =>
  verdictOf(invariant, ofKind(context, invariant.kind).length)

/** Checks the semantic invariants. Gives the violations that are new, revised or repaired, and the context with them. */
export const violate = (before: Context, { invariants }: ProgramSpec, cycle: number, since: number) => {
  let context = before
  const changed: Array<Entry> = []
  const semantic = invariants.filter(({ type }) => type === "semantic")
  const verdicts = semantic.map((invariant) => ({ name: invariant.name, verdict: verdictIn(before, invariant) }))
  for (const { name, verdict } of verdicts) {
    const violation = violationOf(context, name)
    const isOpen = violation !== undefined && !violation.repaired
    if (verdict === true ? !isOpen : isOpen && violation.reason === verdict) continue
    const reason = verdict === true ? (violation?.reason ?? "") : verdict
    const made = { invariant: name, reason, repaired: verdict === true }
    const by: By = { cycle, origin: "invariant", agent: name, each: undefined, since, until: before.version }
    const position = context.version + 1
    const revised = find(context, "Violation", name)
    const rest = { text: textOf(made), position, by, because: undefined, revises: revised?.position }
    const entry: Entry = { kind: "Violation", id: name, value: made as never, ...rest }
    context = { ...context, live: [...context.live.filter((other) => other !== revised), entry], version: position }
    changed.push(entry)
  }
  return { context, changed }
}

/** The verdict at the fixed point: undefined if the job converges (I2, I3). */
export const verdict = (context: Context, { invariants }: ProgramSpec, cycle: number): Cause | undefined => {
  const violated = (name: string, type: string, reason: string, facts: ReadonlyArray<unknown>): Cause => ({
    ...{ _tag: "InvariantViolated", cycle, name, class: type, reason, facts }
  })
  for (const invariant of invariants.filter(({ type }) => type === "semantic")) {
    const { name, type } = invariant
    const open = violationOf(context, name)
    if (open === undefined || open.repaired) continue
    const now = verdictIn(context, invariant)
    // Retention may have changed what the check sees, after it was made.
    return now === true
      ? violated(name, type, open.reason, [{ kind: "Violation", id: name }])
      : violated(name, type, now, [])
  }
  for (const invariant of invariants.filter(({ type }) => type === "acceptance")) {
    const now = verdictIn(context, invariant)
    if (now !== true) return violated(invariant.name, "acceptance", now, [])
  }
  return undefined
}
