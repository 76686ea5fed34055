/**
 * The intents that the engine performs itself, and the kinds of facts that answer them: approvals and child jobs.
 *
 * Handlers (`Engine.handle`) perform all other intents. docs/semantics.md says how intents are performed, and when their
 * answers come. Boundary: makers of plain data, for agents on any thread.
 */
import * as Duration from "effect/Duration"
import type { Intent } from "../program/AgentEffect.ts"
import type { Budget } from "../program/Budget.ts"
import { approvalKind, childKind } from "../program/answerKinds.ts"
import { describeError } from "../values/panic.ts"
import { isProgram, type Program } from "../program/Program.ts"
import { compiledOf } from "../program/erased.ts"
import { parseCanonical } from "../values/frozen.ts"

export { ChildResult, Decision } from "../program/answerKinds.ts"

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

const named = (what: string, id: unknown): string =>
  typeof id === "string" && id !== "" ? id : refuse(what, "id must be a string that is not empty")

/**
 * Asks for a decision. The job goes on with its other work, and then awaits a fact of the kind `Decision`, most often from a
 * signal: `job.signal([Intent.Decision.of({ approval: id, approved: true, by: "Ada", reason: "" })])`.
 *
 * @throws TypeError when an option cannot work
 */
export const approval = (options: ApprovalOptions): Intent => {
  const { data, onTimeout, question, timeout } = options
  const id = named("Intent.approval", options.id)
  if (onTimeout !== undefined && !["approve", "reject", "halt"].includes(onTimeout)) {
    refuse("Intent.approval", `onTimeout must be "approve", "reject" or "halt", not ${JSON.stringify(onTimeout)}`)
  }
  const timeoutMs = timeout === undefined ? Infinity : Duration.toMillis(Duration.fromInputUnsafe(timeout))
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
  /** Overrides the budget of the child's program, field by field. Plain data. Default: the program's. */
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
  const { budget, id, onFailure } = options ?? {}
  if (onFailure !== undefined && onFailure !== "halt" && onFailure !== "report") {
    refuse(what, `onFailure must be "halt" or "report", not ${JSON.stringify(onFailure)}`)
  }
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
      ...(id === undefined ? {} : { id: named(what, id) }),
      ...(onFailure === undefined ? {} : { onFailure }),
      ...(budget === undefined ? {} : { budget })
    }
  }
}
