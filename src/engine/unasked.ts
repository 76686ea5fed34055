/**
 * The intents that a fork leaves behind: the job waited for their answers, and nobody asks for them in the fork.
 *
 * A fork has the facts of a cycle, and an intent is none: its answer belongs to the job that asked. An agent of the fork
 * asks again only if it runs again.
 *
 * Boundary: reads a replay; the warning is a line of the log. The session of the fork keeps the answer for its caller.
 */
import * as Effect from "effect/Effect"
import type { Unasked } from "../job/view.ts"
import { intentName, unansweredOf } from "../journal/unanswered.ts"
import type { Replay } from "../journal/replay.ts"
import { Decision } from "../program/answerKinds.ts"
import type { EncodedFact } from "../program/encoded.ts"

/** The unanswered intents of a past cycle, without those that the facts of the fork decide. Undefined if there are none. */
export const unaskedIn = (replay: Replay, given: ReadonlyArray<EncodedFact>): Unasked | undefined => {
  const decided = new Set(given.filter(({ kind }) => kind.name === Decision.name).map(({ id }) => id))
  const open = unansweredOf(replay).filter((intent) => {
    const name = intentName(intent)
    return name === undefined || !decided.has(name)
  })
  const [first] = open
  if (first === undefined) return undefined
  const { agent, cycle, kind } = first
  const id = intentName(first)
  return { count: open.length, first: { kind, ...(id === undefined ? {} : { id }), agent, cycle } }
}

/** Warns of the intents that a fork does not ask for. */
export const warnOfUnasked = (jobId: string, { count, first }: Unasked): Effect.Effect<void> => {
  const intents = count === 1 ? "1 intent" : `${count} intents`
  const name = first.id === undefined ? first.kind : `${first.kind} ${JSON.stringify(first.id)}`
  const which =
    `the first is ${name} of agent ${JSON.stringify(first.agent)}, of cycle ${first.cycle}. ` +
    `Fork from a cycle before ${first.cycle} to have it asked anew, or give its answer as a fact`
  return Effect.annotateLogs(
    Effect.logWarning(`the fork ${jobId} does not wait for ${intents} without an answer: ${which}`),
    { job: jobId, intents: count }
  )
}
