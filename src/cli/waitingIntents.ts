/**
 * Intents that this command cannot answer: their handler is not here, or a person decides.
 *
 * Boundary: intents in, lines out; the engine performs intents.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ApprovalPayload, approvalKind } from "../program/answerKinds.ts"
import { viewOf } from "../job/jobHandle.ts"
import type { Job } from "../job/Job.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import type { Program } from "../program/Program.ts"
import type { Host } from "./hostProcess.ts"
import { oneLine, plural } from "./text.ts"
import { intentKey } from "../program/keys.ts"

/** Intents that are named at a time; the others are counted. */
const most = 10

const decodeApproval = Schema.decodeUnknownOption(ApprovalPayload)

/** The question of an intent that asks for a decision; undefined for other intents. */
export const approvalOf = ({ kind, payload }: CommittedIntent): typeof ApprovalPayload.Type | undefined =>
  kind === approvalKind ? Option.getOrUndefined(decodeApproval(payload)) : undefined

const quoted = (text: string): string => oneLine(JSON.stringify(text))

const lineOf = (intent: CommittedIntent): string => {
  const from = `(${oneLine(intentKey(intent))}, by the agent ${oneLine(intent.agent)})`
  const approval = approvalOf(intent)
  if (approval === undefined) {
    return `awaits a handler of ${quoted(intent.kind)} ${from}: an engine that has one can resume the job`
  }
  const { id, question } = approval
  const fact = { kind: "Decision", value: { approval: id, approved: true, by: "you", reason: "" } }
  const asked = question === undefined ? "" : `: ${oneLine(question)}`
  return (
    `awaits a decision about ${quoted(id)} ${from}${asked}\n` +
    `  to decide, serve the store and signal the job with ${oneLine(JSON.stringify({ facts: [fact] }))}`
  )
}

/** Reports each intent that waits for an answer from outside, once. */
export const tellAwaited = (host: Host, job: Job<Program.Any>): Effect.Effect<void> => {
  const told = new Set<string>()
  const name = `converge: the job ${oneLine(job.id)}`
  return Stream.runForEach(job.events, (event) => {
    if (event._tag !== "JobAwaiting") return Effect.void
    const waiting = (viewOf(job)?.awaited ?? []).filter((intent) => !told.has(intentKey(intent)))
    for (const intent of waiting) told.add(intentKey(intent))
    const lines = waiting.slice(0, most).map((intent) => `${name} ${lineOf(intent)}`)
    if (waiting.length > most) lines.push(`${name} awaits ${plural(waiting.length - most, "more intent")}`)
    return lines.length === 0 ? Effect.void : host.warn(lines.join("\n"))
  })
}
