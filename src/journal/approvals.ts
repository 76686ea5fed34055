/**
 * The open approvals of a stored job that no engine runs here.
 *
 * Boundary: the store in, values out; no agent runs and nothing is written. A live job knows its open approvals itself
 * (intents/outbox.ts).
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JournalCorrupt, StoreError } from "../outcome/JobError.ts"
import { ApprovalPayload, approvalKind, Decision } from "../program/answerKinds.ts"
import type { JobStore, StoredJournal } from "../store/JobStore.ts"
import { lastOf } from "./parts.ts"
import { JournalReader } from "./reader.ts"

const decodeApproval = Schema.decodeUnknownOption(ApprovalPayload)

/** An approval without a decision, and when it was asked for, in milliseconds since the epoch. */
export type StoredApproval = typeof ApprovalPayload.Type & { readonly at: number }

/** The approvals of a journal that have no decision, in commit order. */
export const approvalsIn = (
  store: JobStore["Service"],
  journal: StoredJournal
): Effect.Effect<ReadonlyArray<StoredApproval>, StoreError | JournalCorrupt> =>
  Effect.gen(function* () {
    const reader = yield* JournalReader.begun(store, journal)
    yield* reader.readTo(lastOf(journal), reader.parts.length - 1)
    const { ledger, pending } = reader.replay
    return [...pending.values()].flatMap(({ at, intent }) => {
      const asked = intent.kind === approvalKind ? Option.getOrUndefined(decodeApproval(intent.payload)) : undefined
      return asked === undefined || ledger.find(Decision.name, asked.id) !== undefined ? [] : [{ ...asked, at }]
    })
  })
