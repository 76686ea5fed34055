/**
 * The performer of the intent `ChildJob`: it starts a job under an id that follows from the intent, and waits for its end.
 *
 * An intent that is performed again after a crash finds the job of that id: live, in its journal, or at its end. A failure that
 * may pass (no place, the store, another engine that holds the child) is retried for as long as the parent lives.
 *
 * Invariants: an interrupt of the performer is acknowledged when the child has let go (G10), and the child is cancelled with its
 * parent or left in its journal as its parent is; no answer names a job's id (G3). Boundary: between a parent and the engine,
 * which starts jobs.
 */
import { isOfProcess } from "../outcome/Cause.ts"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { intentKey } from "../program/keys.ts"
import type { HandledIntent } from "../intents/IntentHandler.ts"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import { type JobError, type StartError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { Limits } from "../Limits.ts"
import { childKind, ChildPayload, ChildResult } from "../program/answerKinds.ts"
import { cancel } from "../job/jobHandle.ts"
import type { ParentJob, Performer } from "../intents/outbox.ts"
import { jsonText } from "../values/jsonText.ts"
import { parseJson } from "../values/parseJson.ts"
import type { JobSession } from "../job/session.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { Amounts } from "../program/resolveBudget.ts"
import { spendingOf } from "../job/children.ts"
import { StoreError, type StoreErrorReason } from "../store/JobStore.ts"
import { nextTurn } from "../platform/slices.ts"
import { encodedOutput, errorToJson } from "../outcome/resultJson.ts"
import { leaveInJournal } from "./sessionMarks.ts"

/** A job that an intent asks for. */
export interface ChildJob {
  readonly program: CompiledProgram
  readonly jobId: string
  /** Its `input` is in the JSON that the program's schema encodes to. */
  readonly payload: typeof ChildPayload.Type
  /** The parent's id, and the key of the intent within the parent. */
  readonly parent: string
  readonly key: string
  /** The child's depth in the tree of child jobs. */
  readonly depth: number
  /** The share of its parent's budget. Undefined if its parent shares none. */
  readonly share: Amounts | undefined
}

/** The limits of child jobs. */
export interface ChildLimits {
  /** The children of one level that may be under way at a time. */
  readonly most: number
  /** The depth that a child may have. */
  readonly deepest: number
  /** The jobs that a tree may have below its topmost job. */
  readonly mostBelow: number
}

/** The operations of the engine that child jobs need. */
export interface ChildStarter extends ChildLimits {
  readonly programOf: (name: string) => CompiledProgram | undefined
  /** Starts a job, or takes it up. */
  readonly start: (child: ChildJob) => Effect.Effect<JobSession, StartError | InvalidProgram>
  /** Ends the job of an id, wherever it is. */
  readonly end: (jobId: string) => Effect.Effect<void, unknown>
  readonly services: Context.Context<never>
}

/** An error as JSON, without the ids of jobs. */
const errorJson = (error: { readonly _tag: string }): Record<string, unknown> => {
  const { jobId, key, ...rest } = errorToJson(error)
  if (typeof key !== "string") return rest
  // The key loses its prefix, the job's id, because answers name no job (G3).
  return shortened({
    ...rest,
    key: error._tag === "IntentFailed" && typeof jobId === "string" ? key.slice(jobId.length + 1) : key
  })
}

const decodePayload = Schema.decodeUnknownOption(ChildPayload)

/** The errors that may pass. */
const passing = new Set(["AdmissionRejected", "StoreError", "StoreFailed", "WorkersUnavailable"])

/** The schedule of retries, without a limit. The pauses grow up to the interval of the store's scans. */
const again = Schedule.min([Schedule.exponential(Limits.handlerRetryMs), Schedule.spaced(Limits.resumeScanMs)])

export const childPerformer = (starter: ChildStarter): Performer => {
  const permitsOf = permitsByLevel(starter.most)
  return {
    services: starter.services,
    onFailure: "halt",
    isBuiltIn: true,
    endJob: starter.end,
    tooMany: tooMany(starter.mostBelow),
    perform: (intent, parent) => perform({ starter, permits: permitsOf(parent.level() + 1) }, intent, parent)
  }
}

/**
 * Makes a semaphore for each level. Children that wait for each other are of different levels, so the deepest children under way
 * can always continue, and after them all children above.
 */
const permitsByLevel = (most: number): ((level: number) => Semaphore.Semaphore) => {
  const levels: Array<Semaphore.Semaphore> = []
  return (level) => (levels[level] ??= Semaphore.makeUnsafe(most))
}

const perform = (
  { permits, starter }: { readonly starter: ChildStarter; readonly permits: Semaphore.Semaphore },
  intent: HandledIntent,
  parent: ParentJob
): Effect.Effect<unknown, unknown> =>
  Effect.suspend(() => {
    const payload = Option.getOrUndefined(decodePayload(intent.payload))
    if (payload === undefined) return refuse("InvalidIntent", "it was not made by Intent.child")
    const program = starter.programOf(payload.program)
    if (program === undefined) {
      const name = JSON.stringify(payload.program)
      return refuse("UnknownProgram", `the engine was given no program that is called ${name}`)
    }
    const depth = parent.level() + 1
    if (depth > starter.deepest) return refuse("TooDeep", tooDeep(depth, starter.deepest))
    // The outbox has answered the intents of the topmost job, whose end interrupts the others.
    if (!parent.descendants.add(starter.mostBelow)) return Effect.never
    const key = intentKey(intent)
    const share = parent.shareOf(key)
    const child = { program, jobId: parent.childId(key), payload, parent: parent.jobId, key, depth, share }
    const once = permits.withPermit(attempt(starter, child, parent))
    const retried = Effect.retry(once, { schedule: again, while: ({ _tag }) => passing.has(_tag) })
    return Effect.matchEffect(retried, {
      onFailure: (error) => Effect.fail(errorJson(error)),
      onSuccess: (end) =>
        "error" in end && payload.onFailure !== "report"
          ? Effect.fail(errorJson(end.error))
          : Effect.succeed([ChildResult.of(resultOf(payload.id ?? key, key, end))])
    })
  })

const tooDeep = (depth: number, deepest: number): string =>
  `the child job would have depth ${depth}, and ${deepest} is the most (maxDepth of Engine.layer): let the program ask for a ` +
  `child only while there is something left for it, or allow a greater depth`

/** The error of an intent of a tree that has too many jobs. */
const tooMany = (most: number): { readonly _tag: string; readonly message: string } => ({
  _tag: "TooManyDescendants",
  message:
    `a tree of child jobs has at most ${most} jobs below its first one (maxDescendants of Engine.layer): let the program ask ` +
    `for children only while there is something left for them, or allow more jobs`
})

const refuse = (_tag: string, message: string): Effect.Effect<never, { readonly _tag: string }> =>
  Effect.fail({ _tag, message })

type End = { readonly result: JobResult } | { readonly error: JobError }

/** Runs one child from its start to its end. Fails with errors that may pass, and with errors of its start. */
const attempt = (
  { start }: ChildStarter,
  job: ChildJob,
  parent: ParentJob
): Effect.Effect<End, StartError | InvalidProgram | JobError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(start(job), (child) => {
      child.level = Math.max(child.level, job.depth)
      child.descendants.join(parent.descendants)
      noteSpent(job, parent, job.share)
      parent.noteChild(job.key, child)
      return Effect.flatMap(
        ended(Effect.onInterrupt(restore(Effect.exit(Deferred.await(child.done))), () => letGo(parent, child))),
        (exit) => {
          parent.noteChild(job.key, undefined)
          return Effect.matchEffect(exit, {
            onSuccess: (result): Effect.Effect<End> => {
              noteSpent(job, parent, spendingOf(child))
              return Effect.succeed({ result })
            },
            onFailure: (error): Effect.Effect<End, JobError | StoreError> => {
              if (isOfProcess(error)) return Effect.fail(error)
              // Its journal does not say that it ends, so it is taken up again, with its own children.
              if (child.endRefused !== undefined) return Effect.fail(notNoted(child.endRefused))
              noteSpent(job, parent, spendingOf(child))
              return Effect.succeed({ error })
            }
          })
        }
      )
    })
  )

const notNoted = (reason: StoreErrorReason): StoreError =>
  new StoreError({ reason, message: "the store did not take the note of the child's end" })

/** Takes note of what a child has spent of its share: all of it until the child has ended. */
const noteSpent = ({ key, share }: ChildJob, parent: ParentJob, spent: Amounts | undefined): void => {
  if (share !== undefined && spent !== undefined) parent.noteSpent(key, spent)
}

/**
 * A child's end resumes its parent, whose end resumes its own parent, and so on up the tree. Each end takes its own turn of the
 * event loop, because a call stack with a whole branch of the tree would overflow.
 */
const ended = <A>(end: Effect.Effect<A>): Effect.Effect<A> => Effect.tap(end, () => nextTurn)

/** Lets go of a child. An ending parent cancels its child; a parent that stays in its journal leaves its child there, too. */
const letGo = (parent: ParentJob, child: JobSession): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (parent.isLeft()) leaveInJournal(child)
    // A cancellation goes down the tree, so it needs turns for the same reason.
    return Effect.andThen(nextTurn, ended(cancel(child)))
  })

const resultOf = (child: string, key: string, end: End) => {
  const result = "error" in end ? end.error.partial : end.result
  const { hash, program, status } = result
  return {
    child,
    key,
    program,
    status,
    hash,
    output: jsonOf(encodedOutput(result)),
    error: "error" in end ? jsonOf(errorJson(end.error)) : null
  }
}

/** A value as JSON; null if it has no JSON form. */
const jsonOf = (value: unknown): Schema.Json => {
  try {
    return parseJson(jsonText(value, (inner) => inner) ?? "null") as Schema.Json
  } catch {
    return null
  }
}

/**
 * Shortens nested errors. The error of a job holds that of its failed child, which holds that of the grandchild, and so on. In a
 * long row, only the topmost and the lowest errors stay, and `omitted` counts the others. So the size of an error does not grow
 * with the depth of the tree.
 */
const shortened = (error: Record<string, unknown>): Record<string, unknown> => {
  const below = childErrorOf(error)
  if (below === undefined || depthOf(below) < Limits.childErrors) return error
  return { ...error, omitted: countOf(below["omitted"]) + 1, error: below["error"] }
}

/** Returns the child's error within that of its parent, or undefined if there is none. */
const childErrorOf = ({ _tag, error, kind }: Record<string, unknown>): Record<string, unknown> | undefined =>
  _tag === "IntentFailed" && kind === childKind && typeof error === "object" && error !== null
    ? { ...error }
    : undefined

const depthOf = (error: Record<string, unknown>): number => {
  let depth = 0
  for (let at: typeof error | undefined = error; at !== undefined; at = childErrorOf(at)) depth++
  return depth
}

const countOf = (omitted: unknown): number => (typeof omitted === "number" ? omitted : 0)
