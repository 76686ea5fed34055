/**
 * The intents that the engine performs itself, and the kinds of facts that answer them: approvals and child jobs.
 *
 * Handlers (`Engine.handle`) perform all other intents. docs/semantics.md says how intents are performed, and when their
 * answers come. Boundary: makers of plain data, for agents on any thread.
 */
import type * as Duration from "effect/Duration"
import type { Intent } from "../program/AgentEffect.ts"
import type { Budget } from "../program/Budget.ts"
import { approvalKind, childKind } from "../program/answerKinds.ts"
import { describeError } from "../values/panic.ts"
import { isProgram, type Program } from "../program/Program.ts"
import { compiledOf } from "../program/erased.ts"
import { budgetComplaint } from "../program/resolveBudget.ts"
import { parseCanonical } from "../values/frozen.ts"
import {
  anything,
  complaintOf,
  duration,
  millisOf,
  must,
  nonEmptyText,
  oneOf,
  type Rules,
  text
} from "../values/options.ts"

export { ChildResult, Decision } from "../program/answerKinds.ts"
export { type Handler, type IntentKind, intentKind as kind, type TypedIntent } from "../program/intentKind.ts"

/** A question that a job asks somebody outside. */
export interface ApprovalOptions {
  /** Names the approval within its job, and its `Decision`. An approval that is asked again keeps its decision. */
  readonly id: string
  /** The question, for the person who decides. Default: none. */
  readonly question?: string | undefined
  /** Plain data for the person who decides. Default: none. */
  readonly data?: unknown
  /** The time that the decision may take, from the commit of the intent on. Default: for ever. */
  readonly timeout?: Duration.Input | undefined
  /** The end of that time: a decision by "timeout", or the job ends with `IntentFailed`. Default: `"reject"`. */
  readonly onTimeout?: "approve" | "reject" | "halt" | undefined
}

const refuse = (what: string, message: string): never => {
  throw new TypeError(`${what}: ${message}`)
}

const approvalRules: Rules<ApprovalOptions> = {
  id: must("a string that is not empty", (value) => typeof value === "string" && value !== "", true),
  question: text,
  // The effect that carries the intent refuses what is no plain data.
  data: anything,
  timeout: duration(),
  onTimeout: oneOf("approve", "reject", "halt")
}

const childRules: Rules<ChildOptions> = {
  id: nonEmptyText,
  onFailure: oneOf("halt", "report"),
  budget: (option, value) => {
    const message = value === undefined ? undefined : budgetComplaint(value)
    return message === undefined ? undefined : { option, message }
  }
}

const check = <O>(what: string, options: unknown, rules: Rules<O>): void => {
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) refuse(what, complaint.message)
}

/**
 * Asks for a decision. The job goes on with its other work, and then awaits a fact of the kind `Decision`, most often from a
 * signal: `job.signal([Intent.Decision.of({ approval: id, approved: true, by: "Ada", reason: "" })])`.
 *
 * @throws TypeError when an option cannot work
 */
export const approval = (options: ApprovalOptions): Intent => {
  check("Intent.approval", options, approvalRules)
  const { data, id, onTimeout, question, timeout } = options
  const timeoutMs = timeout === undefined ? Infinity : millisOf(timeout)
  return {
    kind: approvalKind,
    payload: {
      id,
      ...(question === undefined ? {} : { question }),
      ...(data === undefined ? {} : { data }),
      ...(timeoutMs === Infinity ? {} : { timeoutMs }),
      ...(onTimeout === undefined ? {} : { onTimeout })
    }
  }
}

/** Options of a child job. */
export interface ChildOptions {
  /** Names the child within its parent, and its `ChildResult`. Default: the intent's key. */
  readonly id?: string | undefined
  /**
   * The effect of a child that does not converge on its parent: it ends the parent with `IntentFailed` (`"halt"`, the
   * default), or is reported like any other (`"report"`).
   */
  readonly onFailure?: "halt" | "report" | undefined
  /**
   * Overrides the budget of the child's program, field by field. Plain data. Where the parent's budget is limited, it also names
   * the share that is set aside for the child, as far as the rest of that budget goes. Default: the program's budget, and an
   * equal share.
   */
  readonly budget?: Budget | undefined
}

/**
 * Asks for a job of one of the engine's programs (`programs` or `children` of `Engine.layer`). Its end comes back as a fact of
 * the kind `ChildResult`. Cancelling the parent cancels the child.
 *
 * @throws TypeError when the input does not fit, or an option cannot work
 */
export const child = <P extends Program.Any>(program: P, input: Program.Input<P>, options?: ChildOptions): Intent => {
  const what = "Intent.child"
  if (!isProgram(program)) return refuse(what, "the program was not made by Program.make")
  const given = options === undefined ? {} : options
  check(what, given, childRules)
  const { budget, id, onFailure } = given
  const { inputCodec, name } = compiledOf(program)
  let text = "null"
  try {
    text = inputCodec.encode(input).text
  } catch (error) {
    refuse(what, `input: ${describeError(error)}`)
  }
  return {
    kind: childKind,
    payload: {
      program: name,
      input: parseCanonical(text),
      ...(id === undefined ? {} : { id }),
      ...(onFailure === undefined ? {} : { onFailure }),
      ...(budget === undefined ? {} : { budget })
    }
  }
}
