/**
 * The effects from outside that a cycle takes before its agents are selected (M1, S2, IN4, IN6, AP4, CH10).
 *
 * Boundary: applies them to a job of the reference.
 */
import { childKind } from "../behave.ts"
import { type Answer, childOf, effectOf, expired, handled, notStarted } from "./answers.ts"
import { type Funds, settle, type Share } from "./funds.ts"
import type { Beginning, Input } from "./given.ts"
import { type By, type Cause, type Context, type Effect, find, type Outcome, type Waiting } from "./state.ts"

export type Inputs = ReadonlyArray<Input>

/** The effects from outside that a cycle has taken. */
export interface Staged {
  readonly outcomes: ReadonlyArray<Outcome>
  readonly answered: ReadonlyArray<Waiting>
  /** The intents that handlers and children have answered. */
  readonly due: ReadonlyArray<Waiting>
  readonly halt: Cause | undefined
}

/** The job that takes them. */
export interface Staging {
  readonly beginning: Beginning
  readonly context: Context
  readonly open: ReadonlyArray<Waiting>
  funds: Funds
  readonly apply: (by: By, effect: Effect, isForced: boolean) => Outcome
  readonly childAnswer: (waiting: Waiting, child: Beginning) => Answer
  readonly complain: (complaint: string) => void
}

/** Applies signals in the order of their arrival, then answers in the commit order of their intents (M1, S2, IN4, IN6, AP4). */
export const stage = (job: Staging, cycle: number, inputs: Inputs, due: ReadonlyArray<Waiting>): Staged => {
  const outcomes: Array<Outcome> = []
  const answered: Array<Waiting> = []
  let halt: Cause | undefined
  const take = (effect: Effect | Cause, answering: Waiting | undefined, isTentative = false): void => {
    const by: By = { cycle, origin: "signal", agent: "", each: undefined, since: 0, until: 0 }
    const outcome = "_tag" in effect ? { agent: "", cause: effect, facts: [] } : job.apply(by, effect, false)
    const isAnswer = answering !== undefined && (outcome.cause === undefined || !isTentative)
    outcomes.push(isAnswer ? { ...outcome, answers: answering } : outcome)
    if (outcome.cause?._tag === "BudgetExhausted") halt ??= outcome.cause
  }
  const answer = (waiting: Waiting, { effect, halts }: Answer): void => {
    take(effect, waiting)
    answered.push(waiting)
    if ("_tag" in effect && halts) halt ??= effect
  }
  const isDecided = (id: string | undefined) => find(job.context, "Decision", id ?? "") !== undefined
  const last = inputs.findLastIndex((input) => "signal" in input)
  const overdue = inputs.flatMap((input) => ("expired" in input ? [openOf(job, input.expired)] : []))
  const children = answersOf(job, due, cycle)
  for (const input of inputs.slice(0, last + 1)) {
    if ("expired" in input) {
      const waiting = openOf(job, input.expired)
      answer(waiting, expired(waiting))
      continue
    }
    const effect = effectOf(input.signal)
    const decided = effect.facts.find(({ kind }) => kind === "Decision")?.id
    const open = job.open.find(({ payload }) => payload.id === decided && decided !== undefined)
    take(effect, open === undefined || answered.includes(open) ? undefined : open, true)
  }
  for (const waiting of [...due, ...overdue].toSorted((a, b) => a.order - b.order)) {
    const isLate = overdue.includes(waiting)
    if (answered.includes(waiting) || (isLate && isDecided(waiting.payload.id))) continue
    answer(waiting, isLate ? expired(waiting) : (children.get(waiting.key) ?? handled(job.beginning.engine, waiting)))
  }
  return { outcomes, answered: [...due, ...answered], due, halt }
}

/** The approval of a key whose time is over. */
const openOf = (job: Staging, key: string): Waiting => {
  const waiting = job.open.find((one) => one.key === key)
  if (waiting === undefined) throw new Error(`the approval ${key} is not open, and its time is over (AP2)`)
  if (waiting.payload.timeoutMs === undefined) job.complain(`the approval ${key} has no timeout (AP4)`)
  return waiting
}

/** The answers of child jobs, whose shares come back before anything of the cycle is applied (CH10). */
const answersOf = (job: Staging, due: ReadonlyArray<Waiting>, cycle: number): ReadonlyMap<string, Answer> => {
  const answers = new Map<string, Answer>()
  const spent = new Map<string, Share>()
  for (const waiting of due.filter(({ kind }) => kind === childKind)) {
    const { engine, depth } = job.beginning
    const handed = job.funds.given.get(waiting.key)?.share ?? {}
    const child = childOf(engine, depth, waiting, handed)
    const answer = "_tag" in child ? notStarted(waiting, child) : job.childAnswer(waiting, child)
    answers.set(waiting.key, answer)
    spent.set(waiting.key, answer.spent ?? {})
  }
  job.funds = settle(job.funds, spent, cycle - 1)
  return answers
}
