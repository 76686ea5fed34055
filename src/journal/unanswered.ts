/**
 * The intents of a replayed job that have no answer. Boundary: the pure core; a replay in, intents out.
 */
import type { CommittedIntent } from "../outcome/JobResult.ts"
import { approvalKind, Decision } from "../program/answerKinds.ts"
import type { Replay } from "./replay.ts"

/** The id of the approval that an intent asks for. Undefined for any other intent. */
export const intentName = ({ kind, payload }: CommittedIntent): string | undefined =>
  kind === approvalKind &&
  typeof payload === "object" &&
  payload !== null &&
  "id" in payload &&
  typeof payload.id === "string"
    ? payload.id
    : undefined

/** Returns the intents that a handler performs and that have no answer. A decision by anybody answers an approval. */
export const unansweredOf = ({ ledger, pending }: Replay): ReadonlyArray<CommittedIntent> =>
  [...pending.values()]
    .map(({ intent }) => intent)
    .filter((intent) => {
      const id = intentName(intent)
      return id === undefined || ledger.find(Decision.name, id) === undefined
    })
