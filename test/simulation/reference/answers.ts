/**
 * Answers to intents: of handlers, of time that is over, and of child jobs (IN6, AP4, CH1 to CH10).
 *
 * Boundary: pure; an intent in, an effect or a cause out.
 */
import { answerOf, approvalKind, childKind } from "../behave.ts"
import type { Proposed } from "../spec.ts"
import { textOf } from "./canonical.ts"
import { type Share, spendingOf } from "./funds.ts"
import type { Beginning, Engine, Given } from "./given.ts"
import type { Referred } from "./referred.ts"
import { type Cause, type Effect, idOf, noEffect, type Waiting } from "./state.ts"

/** The effect of proposals from outside. */
export const effectOf = (proposals: ReadonlyArray<Proposed>): Effect => ({
  ...noEffect,
  facts: proposals.map(({ kind, value }) => ({
    kind,
    id: idOf(kind, value),
    value,
    text: textOf(value),
    because: undefined
  }))
})

/** An answer: an effect, or the cause why there is none, and whether it ends the job. */
export interface Answer {
  readonly effect: Effect | Cause
  readonly halts: boolean
  /** The spending of a child and all jobs below it. */
  readonly spent?: Share | undefined
}

const failed = ({ agent, cycle, key, kind }: Waiting, error: unknown): Cause => ({
  ...{ _tag: "IntentFailed", agent, cycle, kind, key, error }
})

/** Whether somebody performs an intent of a kind. */
export const isPerformed = ({ handlers }: Engine, kind: string): boolean =>
  kind === approvalKind || kind === childKind || handlers.some((handler) => handler.kind === kind)

/** The answer of a handler. */
export const handled = ({ handlers }: Engine, waiting: Waiting): Answer => {
  const handler = handlers.find(({ kind }) => kind === waiting.kind)
  const answer = handler === undefined ? [] : answerOf(handler, waiting.payload)
  if ("_tag" in answer) return { effect: failed(waiting, answer), halts: handler?.onFailure === "halt" }
  return { effect: effectOf(answer), halts: true }
}

/** The answer of an approval whose time is over. */
export const expired = (waiting: Waiting): Answer => {
  const { id = "", onTimeout, timeoutMs } = waiting.payload
  if (onTimeout === "halt") return { effect: failed(waiting, { _tag: "ApprovalTimedOut" }), halts: true }
  const reason = `nobody decided within ${timeoutMs} ms`
  const value = { approval: id, approved: onTimeout === "approve", by: "timeout", reason }
  return { effect: effectOf([{ kind: "Decision", value: value as never }]), halts: true }
}

/** The child that an intent asks for, or the error for which there is none. */
export const childOf = (engine: Engine, depth: number, { payload }: Waiting, handed: Share): Beginning | Cause => {
  const program = engine.programs.find(({ name }) => name === payload.program)
  if (program === undefined) return { _tag: "UnknownProgram" }
  if (depth + 1 > engine.maxDepth) return { _tag: "TooDeep" }
  return {
    ...{ program, engine, handed, depth: depth + 1, standing: undefined, changed: undefined },
    ...{ input: payload.input ?? null, budget: payload.budget ?? {} }
  }
}

/** The answer of a child that has ended. */
export const reported = (waiting: Waiting, child: Referred, words: unknown): Answer => {
  const { cause, funds, hash, own, program, sizes, status } = child
  const spent = spendingOf(funds, own)
  if (cause !== undefined && waiting.payload.onFailure !== "report")
    return { effect: failed(waiting, cause), halts: true, spent }
  const value = {
    child: waiting.payload.id ?? waiting.key,
    ...{ key: waiting.key, program: program.name, status, hash },
    output: status === "converged" ? sizes : null,
    error: cause === undefined ? null : worded(cause, words)
  }
  return { effect: effectOf([{ kind: "ChildResult", value: value as never }]), halts: true, spent }
}

/** The answer of an intent for which no child was started. */
export const notStarted = (waiting: Waiting, cause: Cause): Answer => ({ effect: failed(waiting, cause), halts: true })

/** The words of an error are given, since no rule gives them. They count only if all else of the error is as it must be. */
const worded = (cause: Cause, words: unknown): unknown => (textOf(wordless(words)) === textOf(cause) ? words : cause)

const wordless = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(wordless)
  if (typeof value !== "object" || value === null) return value
  const fields = Object.entries(value).filter(([name]) => !["message", "busy", "stack"].includes(name))
  return Object.fromEntries(fields.map(([name, field]) => [name, wordless(field)]))
}

/** A `Given` that gives nothing, such as that of an unknown child. */
export const nothingGiven: Given = {
  inputs: new Map(),
  answered: new Set(),
  cycles: 0,
  isCancelled: false,
  clock: undefined,
  lateCycle: undefined,
  switches: [],
  reader: undefined,
  paid: () => [],
  refused: () => undefined,
  overspent: undefined,
  child: () => undefined
}
