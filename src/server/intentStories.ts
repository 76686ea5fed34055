/**
 * The story of each intent of a job: its answer, or what it waits for.
 *
 * An approval is answered by a fact, the `Decision` with its id, whoever gave it. All other intents have an answer of their own,
 * or wait for one, or nobody performs them. Boundary: pure; a job at one moment in, JSON out.
 */
import type { IntentsOfJob, JobView } from "../job/view.ts"
import { intentName } from "../journal/unanswered.ts"
import { Limits } from "../Limits.ts"
import type { CommittedAnswer } from "../outcome/CommittedCycle.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import { errorToJson } from "../outcome/resultJson.ts"
import { approvalKind, childKind, Decision } from "../program/answerKinds.ts"
import { intentKey, partOf } from "../program/keys.ts"
import { parseJson } from "../values/parseJson.ts"
import type * as Shapes from "./insightShapes.ts"
import { errorJson, plain } from "./json.ts"

type Story = typeof Shapes.IntentStory.Type
type Answer = NonNullable<Story["answer"]>

/** A job at one moment. */
export interface Asking {
  readonly intents: IntentsOfJob
  /** The context, of which the facts up to the version are there. */
  readonly context: Pick<JobView["committed"]["context"], "find">
  readonly version: number
  readonly hasEnded: boolean
  /** The intents for which there is no handler here, although one should perform them. Undefined if that is not known. */
  readonly missing: ReadonlyArray<CommittedIntent> | undefined
  readonly childId: (key: string) => string
}

/** The decision of an approval. */
const decisionOf = (name: string, { context, version }: Asking): Answer | undefined => {
  const fact = context.find(Decision.name, name)
  if (fact === undefined || fact.provenance.version > version) return undefined
  const { id, kind, provenance, value } = fact
  return {
    cycle: provenance.cycle,
    origin: provenance.origin,
    count: 1,
    facts: [{ kind, id, value: plain(value) }],
    error: null
  }
}

const answerOf = ({ cause, cycle, facts }: CommittedAnswer): Answer => ({
  cycle,
  origin: "intent",
  count: facts.length,
  facts: facts.slice(0, Limits.serverAnswerFacts).map(({ id, kind, text }) => ({
    kind: kind.name,
    id,
    value: plain(parseJson(text))
  })),
  error: cause === undefined ? null : errorJson(errorToJson(cause))
})

const waitsFor = ({ kind }: CommittedIntent, isMissing: boolean): NonNullable<Story["waitsFor"]> => {
  if (kind === approvalKind) return "decision"
  if (kind === childKind) return "child"
  return isMissing ? "missing-handler" : "handler"
}

/** Tells of single intents of a job. */
export const storyTeller = (asking: Asking): ((intent: CommittedIntent) => Story) => {
  const { childId, hasEnded, intents, missing = [] } = asking
  const open = new Set(intents.unanswered.map(intentKey))
  const unhandled = new Set(missing.map(intentKey))
  return (intent) => {
    const { agent, cycle, each, idempotencyKey, index, kind, part, payload } = intent
    const key = intentKey(intent)
    const given = intents.answers.get(key)
    const name = intentName(intent)
    const answer =
      given?.cause === undefined && name !== undefined
        ? (decisionOf(name, asking) ?? (given && answerOf(given)))
        : given && answerOf(given)
    const isOpen = answer === undefined && open.has(key)
    return {
      kind,
      payload: plain(payload),
      agent,
      cycle,
      ...(each === undefined ? {} : { each }),
      ...partOf(part),
      index,
      idempotencyKey,
      state: stateOf(answer, isOpen, hasEnded),
      waitsFor: isOpen && !hasEnded ? waitsFor(intent, unhandled.has(key)) : null,
      child: kind === childKind && (isOpen || answer !== undefined) ? childId(key) : null,
      answer: answer ?? null
    }
  }
}

const stateOf = (answer: Answer | undefined, isOpen: boolean, hasEnded: boolean): Story["state"] => {
  if (answer !== undefined) return answer.error === null ? "answered" : "failed"
  if (!isOpen) return "unperformed"
  return hasEnded ? "left" : "waits"
}
