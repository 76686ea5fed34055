/**
 * The tasks of a cycle: what each agent gives for the frozen view of its cycle (G1, M2, F1, F2, J2 to J4).
 *
 * Boundary: pure; a task in, a validated effect or a cause out. The agents' own functions are in behave.ts.
 */
import { added, behave, faultOf, groupOf, itemsOf, keysOf, type Output, pairOf, removed, totalOf } from "../behave.ts"
import type { AgentSpec, Item, ProgramSpec } from "../spec.ts"
import { textOf } from "./canonical.ts"
import { again, checkIdempotent, combinedFact, Fault, isFunction } from "./merge.ts"
import {
  type Cause,
  type Context,
  type Effect,
  type Entry,
  find,
  kindOf,
  noEffect,
  ofKind,
  type Progress,
  type Pruned,
  sightOf
} from "./state.ts"

/** One execution of an agent. */
export interface Task {
  readonly program: ProgramSpec
  readonly agent: AgentSpec
  readonly cycle: number
  /** The context as it was when the cycle began. */
  readonly context: Context
  readonly progress: Progress
  readonly pruned: ReadonlyArray<Pruned>
  /** The fact of an agent with `each`. */
  readonly each: Entry | undefined
  /** Whether it found no room for its call, and does without it: its effect is empty. */
  readonly isWithout?: boolean | undefined
}

/** The kinds that an agent sees. */
const visible = ({ and, from, reads }: AgentSpec): ReadonlyArray<string> =>
  [from, and, ...reads].filter((kind): kind is string => kind !== undefined)

type Fact = Effect["facts"][number]

const factOf = (context: Context, agent: AgentSpec, { because, kind, value }: Output["facts"][number]): Fact => {
  if (!agent.writes.includes(kind) || typeof value.n !== "number") throw new Fault("InvalidEffect")
  const reasons = because?.map((fact) => {
    const entry = find(context, fact.kind, fact.id)
    if (entry === undefined || !visible(agent).includes(fact.kind)) throw new Fault("InvalidEffect")
    return entry.position
  })
  return { kind, id: value.k, value, text: textOf(value), because: reasons }
}

/** Validates an output (M2). */
const validated = (context: Context, agent: AgentSpec, output: Output): Effect => {
  const facts = output.facts.map((fact) => factOf(context, agent, fact))
  const names = facts.map(({ id, kind }) => textOf([kind, id]))
  if (new Set(names).size < names.length) throw new Fault("InvalidEffect")
  if (output.evaluations.some(({ score }) => score < 0 || score > 1)) throw new Fault("InvalidEffect")
  return { facts, intents: output.intents, evaluations: output.evaluations, tokens: output.tokens }
}

/** Runs a task. */
export const run = (task: Task): Effect | Cause => {
  const { agent, cycle } = task
  try {
    if (task.isWithout === true) return noEffect
    if (agent.form === "fold") return folded(task)
    return agent.form === "join" ? joined(task) : attempted(task)
  } catch (error) {
    const fault = error instanceof Fault ? error : new Fault("AgentPanicked")
    return fault.message === "MergeConflict"
      ? { _tag: fault.message, cycle, ...fault.fields }
      : { _tag: fault.message, agent: agent.name, cycle, ...fault.fields }
  }
}

/** The attempts of a task: typed errors and timeouts are tried again, as often as the agent says (F2). */
const attempted = ({ agent, context, each, progress }: Task): Effect => {
  const sight = sightOf(context, progress.mark)
  const items = itemsOf(agent, each, sight)
  const retries = agent.type === "fiber" ? (agent.retries ?? 0) : 0
  for (let attempt = 1; ; attempt++) {
    const how = faultOf(agent, items[0]?.value, attempt)
    const fails =
      how === "error" ? "AgentFailed" : how === "slow" && agent.timeoutMs !== undefined ? "AgentTimedOut" : undefined
    if (how === "crash") throw new Fault("WorkerCrashed", { exitCode: 1 })
    if (fails === undefined) return validated(context, agent, behave(agent, items, sight, attempt))
    if (attempt <= retries) continue
    const { n = 0 } = items[0]?.value ?? {}
    throw fails === "AgentFailed"
      ? new Fault(fails, { error: { _tag: "Refused", n } })
      : new Fault(fails, { timeoutMs: agent.timeoutMs })
  }
}

/** The pairs of a join that are new, each once, in the order of the left facts, then of the right ones (J2, J3). */
const pairsOf = ({ agent, context, progress }: Task): ReadonlyArray<readonly [Entry, Entry]> => {
  const pairs: Array<readonly [Entry, Entry]> = []
  for (const left of ofKind(context, agent.from ?? "")) {
    for (const right of ofKind(context, agent.and ?? "")) {
      const isNew = Math.max(left.position, right.position) > progress.mark
      const keys = keysOf(agent.key, right.value)
      if (isNew && keysOf(agent.key, left.value).some((key) => keys.includes(key))) pairs.push([left, right])
    }
  }
  return pairs
}

/** The outputs of all new pairs, as one effect: M3 decides between two proposals of one fact. */
const joined = (task: Task): Effect => {
  const { agent, context, program, progress } = task
  const sight = sightOf(context, progress.mark)
  let effect = noEffect
  const checked = new Set<string>()
  for (const [left, right] of pairsOf(task)) {
    const output = behave(agent, pairOf(left, right), sight, 1)
    const because = left === right ? [left.position] : [left.position, right.position]
    let { facts } = effect
    for (const proposal of output.facts) {
      const fact = factOf(context, agent, proposal)
      const own = fact.because === undefined ? { ...fact, because } : fact
      facts = together(program, agent, facts, own, checked)
    }
    const { evaluations, intents, tokens } = output
    if (evaluations.some(({ score }) => score < 0 || score > 1)) throw new Fault("InvalidEffect")
    effect = {
      facts,
      intents: [...effect.intents, ...intents],
      evaluations: [...effect.evaluations, ...evaluations],
      tokens: effect.tokens + tokens
    }
  }
  return effect
}

const together = (
  program: ProgramSpec,
  { name }: AgentSpec,
  facts: ReadonlyArray<Fact>,
  fact: Fact,
  checked: Set<string>
): ReadonlyArray<Fact> => {
  const { id, kind, text, value } = fact
  const place = facts.findIndex((other) => other.kind === kind && other.id === id)
  const present = facts[place]
  if (present === undefined) return [...facts, fact]
  const { rule } = kindOf(program, kind)
  if (rule === "keepFirst") return facts
  if (present.text === text) {
    if (isFunction(rule) && !checked.has(kind) && !checked.has(again(kind))) checkIdempotent(rule, [value])
    checked.add(again(kind))
    return facts
  }
  if (rule === "reject") {
    throw new Fault("MergeConflict", { kind, id, existing: present.value, proposed: value, agents: [name, name] })
  }
  if (rule === "keepLast") return facts.with(place, fact)
  if (!checked.has(kind)) checkIdempotent(rule, [present.value, value])
  checked.add(kind)
  const made = combinedFact(rule, present.value, fact)
  return made.text === present.text ? facts : facts.with(place, made)
}

type Group = string | number

interface Change {
  readonly added: Array<Entry>
  readonly removed: Array<Entry>
}

/** The changes since a fold last executed, by group, in the order of the groups' first changes (J4). */
const changesOf = ({ agent, context, progress, pruned }: Task): ReadonlyMap<Group, Change> => {
  const changes = new Map<Group, Change>()
  const changeOf = (entry: Entry): Change => {
    const group = groupOf(agent.key, entry.value)
    const change = changes.get(group) ?? { added: [], removed: [] }
    changes.set(group, change)
    return change
  }
  const seen = progress.seen.filter(({ kind }) => kind === agent.from)
  const prunedSince = pruned.slice(progress.pruned).filter(({ kind }) => kind === agent.from)
  const isPruned = (entry: Entry): boolean => prunedSince.includes(entry)
  for (const entry of ofKind(context, agent.from ?? "")) {
    if (entry.position <= progress.mark) continue
    const before = seen.find((old) => old.id === entry.id && !isPruned(old))
    if (before !== undefined) changeOf(before).removed.push(before)
    changeOf(entry).added.push(entry)
  }
  for (const entry of prunedSince) if (seen.includes(entry)) changeOf(entry).removed.push(entry)
  return changes
}

/** The total of a group of facts: of all that are there, whatever came when. */
const totalIn = ({ agent, context }: Task, group: Group): Item => {
  const numbers = ofKind(context, agent.from ?? "")
    .filter(({ value }) => groupOf(agent.key, value) === group)
    .map(({ value }) => value.n)
  const least = numbers.length === 0 ? undefined : Math.min(...numbers)
  const most = numbers.length === 0 ? undefined : Math.max(...numbers)
  const sum = numbers.reduce((a, b) => a + b, 0)
  const totals = { sum, count: numbers.length, min: least, max: most }
  return totalOf(group, totals[agent.aggregate === "own" ? "sum" : (agent.aggregate ?? "sum")])
}

/** The total of a group by the program's own functions: the one in the context, with what changed. */
const ownTotal = ({ agent, context, progress }: Task, group: Group, change: Change): Item | undefined => {
  const present = find(context, agent.writes[0] ?? "", String(group))?.value
  let total = progress.mark === 0 ? undefined : present
  if (total !== undefined) for (const { value } of change.removed) total = removed(total, value)
  for (const { value } of change.added) total = added(total, value, group)
  return total
}

const folded = (task: Task): Effect => {
  const { agent, context } = task
  const [kind = ""] = agent.writes
  const facts: Array<Fact> = []
  for (const [group, change] of changesOf(task)) {
    const value = agent.aggregate === "own" ? ownTotal(task, group, change) : totalIn(task, group)
    if (value === undefined) continue
    const before = find(context, kind, value.k)
    const because = [
      ...change.added.map(({ position }) => position),
      ...(before === undefined ? [] : [before.position])
    ]
    facts.push({ kind, id: value.k, value, text: textOf(value), because: because.length === 0 ? undefined : because })
  }
  const names = facts.map(({ id }) => id)
  if (new Set(names).size < names.length) throw new Fault("InvalidEffect")
  return { ...noEffect, facts }
}
