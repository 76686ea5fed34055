/**
 * The first place in which a run differs from another: a cycle, a task, a fact, and the child job in which it lies.
 *
 *     journals differ ──► the first row ──► its first outcome ──► its first fact
 *     the answer of a child job differs ──► the first row of the child's journal, and so on down
 *
 * Boundary: pure; records of runs in, a place and its words out.
 */
import { childIdsOf } from "../intents/childIds.ts"
import { childKind } from "../program/answerKinds.ts"
import { compiledOf } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import { intentKey, partOf } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import { canonicalText } from "../values/Canonical.ts"
import { parseJson } from "../values/parseJson.ts"
import { withoutRoot } from "./rest.ts"
import type { RunRecord } from "./runs.ts"

/** The first place in which a run differs from another. */
export interface RunDifference {
  readonly what: "hash" | "cycle" | "events" | "result"
  /** The child job in whose journal it is; null for the job itself. */
  readonly child: { readonly jobId: string; readonly program: string } | null
  readonly cycle: number | null
  /** The task: its place in merge order, its agent and its fact. */
  readonly outcome: number | null
  readonly agent: string | null
  readonly each: unknown
  readonly expected: unknown
  readonly found: unknown
}

/** The agent, the fact and the cycle of a difference, as the errors of checks name them. */
export interface Place {
  /** The agent of the outcome, or of the intent whose answer differs; "" if it is no agent's. */
  readonly agent: string
  /** The fact that its task was about; undefined for an agent without `each`. */
  readonly each: FactRef | undefined
  /** The first fact that differs; undefined if no fact does. */
  readonly fact: FactRef | undefined
  /** 0 for the beginning, and for a difference that lies in no cycle. */
  readonly cycle: number
  /** The id of the child job in which it lies, without that of the job at the top; "" for that job. */
  readonly child: string
  /** Whether it is the answer that the agent's intent got. */
  readonly isAnswer: boolean
}

type RowJson = Readonly<Record<string, unknown>>

const nowhere = { child: null, cycle: null, outcome: null, agent: null, each: null }

/** The first difference of a run from another; undefined if they are the same. */
export const differenceOf = (first: RunRecord, other: RunRecord): RunDifference | undefined => {
  const cycle = firstDifference(first.rows, other.rows)
  if (cycle !== undefined) {
    const difference = rowDifference(cycle, first.rows[cycle], other.rows[cycle])
    return below(first, other, first.of.jobId, difference) ?? difference
  }
  if (first.hash !== other.hash) return { ...nowhere, what: "hash", expected: first.hash, found: other.hash }
  const seq = firstDifference(first.events, other.events)
  if (seq !== undefined) {
    const [expected, found] = [jsonOr(first.events[seq]), jsonOr(other.events[seq])]
    const { agent = null, cycle = null, each = null } = (found ?? expected ?? {}) as Partial<Record<string, unknown>>
    return {
      ...{ what: "events", child: null, outcome: null, each, expected, found },
      cycle: typeof cycle === "number" ? cycle : null,
      agent: typeof agent === "string" ? agent : null
    }
  }
  if (first.result !== other.result) {
    return { ...nowhere, what: "result", expected: jsonOr(first.result), found: jsonOr(other.result) }
  }
  if (JSON.stringify(first.bill) === JSON.stringify(other.bill)) return undefined
  return { ...nowhere, what: "result", expected: first.bill, found: other.bill }
}

const jsonOr = (text: string | undefined): unknown => (text === undefined ? null : parseJson(text))

const firstDifference = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number | undefined => {
  const length = Math.max(a.length, b.length)
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return index
  return undefined
}

const differingIn = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>): number | undefined =>
  firstDifference(
    a.map((item) => JSON.stringify(item)),
    b.map((item) => JSON.stringify(item))
  )

/**
 * The difference in a cycle: the first signal or outcome that differs, or the whole cycle if none does or a run has none.
 * Signals come before tasks, and may be why these differ. One that answers an intent is named by the task of the intent.
 */
const rowDifference = (cycle: number, a: string | undefined, b: string | undefined): RunDifference => {
  const [expected, found] = [jsonOr(a), jsonOr(b)]
  const whole: RunDifference = { ...nowhere, what: "cycle", cycle, expected, found }
  if (expected === null || found === null) return whole
  for (const key of ["signals", "outcomes"]) {
    const [ours, theirs] = [listOf(expected, key), listOf(found, key)]
    const place = differingIn(ours, theirs)
    if (place === undefined) continue
    const item = ours[place] ?? theirs[place]
    const task = key === "outcomes" ? item : item?.["answers"]
    const { agent, each } = (task ?? {}) as Partial<RowJson>
    return {
      ...whole,
      outcome: key === "outcomes" ? place : null,
      agent: typeof agent === "string" ? agent : null,
      each: each ?? null,
      expected: ours[place] ?? null,
      found: theirs[place] ?? null
    }
  }
  return whole
}

/** The same difference in the journal of the child job whose answer differs; undefined if it does not come from a child. */
const below = (
  first: RunRecord,
  other: RunRecord,
  parent: string,
  { expected, found }: RunDifference
): RunDifference | undefined => {
  const key = childKeyOf(expected) ?? childKeyOf(found)
  const jobId = key === undefined ? "" : childIdsOf(parent, true)(key)
  const [before, after] = [first.children.get(jobId), other.children.get(jobId)]
  const cycle = before && after && firstDifference(before.rows, after.rows)
  // A child that begins otherwise was asked for otherwise.
  if (before === undefined || cycle === undefined || cycle === 0) return undefined
  const difference = rowDifference(cycle, before.rows[cycle], after?.rows[cycle])
  return below(first, other, jobId, difference) ?? { ...difference, child: { jobId, program: before.program } }
}

/** The key of the intent for a child job that an outcome answers; undefined if it answers none. */
const childKeyOf = (signal: unknown): string | undefined => {
  const answers: unknown = typeof signal === "object" && signal !== null ? Reflect.get(signal, "answers") : undefined
  if (typeof answers !== "object" || answers === null || Reflect.get(answers, "kind") !== childKind) return undefined
  // The cast is safe: the row is one that the merge wrote.
  const { agent, cycle, each, index, part } = answers as {
    readonly agent: string
    readonly cycle: number
    readonly each?: readonly [kind: string, id: string]
    readonly index: number
    readonly part?: number
  }
  const about = each === undefined ? undefined : { kind: each[0], id: each[1] }
  return intentKey({ agent, cycle, each: about, index, ...partOf(part) })
}

const listOf = (row: unknown, key: string): ReadonlyArray<RowJson> => {
  const list: unknown = typeof row === "object" && row !== null ? Reflect.get(row, key) : undefined
  return Array.isArray(list) ? (list as ReadonlyArray<RowJson>) : []
}

/** The place of a difference between runs of a program. `programs` are those of its child jobs. */
export const placeOf = (
  program: Program.Any,
  programs: ReadonlyArray<Program.Any>,
  root: string,
  difference: RunDifference
): Place => {
  const { agent, child, cycle, outcome, what } = difference
  const owner = child === null ? program : programs.find(({ name }) => name === child.program)
  return {
    agent: agent ?? "",
    each: eachOf(difference),
    fact: owner && factOf(owner, difference),
    cycle: cycle ?? 0,
    child: child === null ? "" : withoutRoot(child.jobId, root),
    isAnswer: what === "cycle" && outcome === null && agent !== null
  }
}

/** The words for a task and its fact: `agent "price" on Order/o1 of the child job x`, and `, in Bill/o1`. */
export const wordsOf = ({ agent, child, each, fact, isAnswer }: Place, otherwise: string) => {
  const about = each === undefined ? "" : ` on ${each.kind}/${each.id}`
  const named = `${isAnswer ? "the answer to " : ""}agent ${JSON.stringify(agent)}${about}`
  const task = agent === "" ? otherwise : named
  return {
    who: child === "" ? task : `${task} of the child job ${child}`,
    named: fact === undefined ? "" : `, in ${fact.kind}/${fact.id}`
  }
}

/** Names the first fact in which a difference of two rows lies, where it lies in one. */
const factOf = (program: Program.Any, { expected, found }: RunDifference): FactRef | undefined => {
  for (const key of ["signals", "seeds", "facts"]) {
    const [ours, theirs] = [listOf(expected, key), listOf(found, key)].map((list) =>
      key === "signals" ? list.flatMap((signal) => listOf(signal, "facts")) : list
    ) as [ReadonlyArray<RowJson>, ReadonlyArray<RowJson>]
    const place = differingIn(ours, theirs)
    const fact = place === undefined ? undefined : (ours[place] ?? theirs[place])
    if (fact !== undefined) return refOf(program, fact)
  }
  return undefined
}

/** A row has the values of facts. Their kinds know the ids. */
const refOf = (program: Program.Any, fact: RowJson): FactRef | undefined => {
  const kind = compiledOf(program).kinds.get(String(fact["kind"]))
  if (kind === undefined) return undefined
  try {
    return { kind: kind.name, id: kind.id(kind.codec.decode(canonicalText(fact["value"]))) }
  } catch {
    return undefined
  }
}

/** The fact of a task, as a row names it. */
const eachOf = ({ each }: RunDifference): FactRef | undefined => {
  if (Array.isArray(each)) return { kind: String(each[0]), id: String(each[1]) }
  return typeof each === "object" && each !== null && "kind" in each && "id" in each
    ? { kind: String(each.kind), id: String(each.id) }
    : undefined
}

/** Whether an outcome was discarded because the budget had no room. */
export const isUnpaid = (outcome: unknown): boolean =>
  typeof outcome === "object" && outcome !== null && Reflect.get(outcome, "discarded") === "BudgetExhausted"
