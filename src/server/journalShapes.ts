/**
 * Schemas of journals as the HTTP API gives them: the records of the store's port, in JSON.
 *
 * They repeat `StoredJob`, `StoredJournal`, `StoredRow` and `Kept` of store/JobStore.ts, with null for what is not there. Texts
 * travel as they are, because a reader checks the hashes over them. Boundary: data.
 */
import * as Schema from "effect/Schema"
import { Status } from "./shapes.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const ofJob = {
  jobId: Schema.String,
  program: Schema.String,
  /** Null while the job is unfinished. */
  status: Schema.NullOr(Status),
  /** Milliseconds since the epoch. */
  createdAt: Schema.Number,
  haltedAt: Schema.NullOr(Schema.Number),
  /** The last committed cycle; 0 before the first. */
  cycle: count,
  hash: Schema.String,
  /** Whether an engine holds the job now: one of this server, or of another process with the same store. */
  isHeld: Schema.Boolean,
  /** The leases of the job without progress; null if there are none. */
  attempts: Schema.NullOr(
    Schema.Struct({
      count,
      at: Schema.Number,
      failure: Schema.NullOr(Schema.String),
      quarantine: Schema.NullOr(Schema.String)
    })
  ),
  /** The `_tag` of the error that ended the job; null if none did. */
  error: Schema.NullOr(Schema.String),
  /** The attributes of the job; left out if it has none. */
  attributes: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** The id of the job's parent; left out if it has none. */
  parent: Schema.optionalKey(Schema.String)
}

/** A job as the store has it. */
export const StoredJob = Schema.Struct(ofJob).annotate({ identifier: "StoredJob" })

/** One page of the jobs of the store. */
export const JournalPage = Schema.Struct({
  jobs: Schema.Array(StoredJob),
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page with newer jobs; null if there is none. */
  previous: Schema.NullOr(Schema.String)
}).annotate({ identifier: "JournalPage" })

/** The beginning and the end of a journal. */
export const JournalHead = Schema.Struct({
  ...ofJob,
  /** The first text of the chain, and its hash. */
  text: Schema.String,
  genesisHash: Schema.String,
  header: Schema.String,
  /** The newest note since the last row, or "". */
  note: Schema.String,
  /** The cycles with a base. */
  bases: Schema.Array(count),
  /** The text of the end; null while the job is unfinished. */
  end: Schema.NullOr(Schema.String)
}).annotate({ identifier: "JournalHead" })

/** Some rows of a journal, in order. `hasMore`: others follow, up to the cycle that was asked for. */
export const JournalRows = Schema.Struct({
  rows: Schema.Array(
    Schema.Struct({
      cycle: count,
      text: Schema.String,
      hash: Schema.String,
      extra: Schema.String,
      isIntact: Schema.Boolean
    })
  ),
  hasMore: Schema.Boolean
}).annotate({ identifier: "JournalRows" })

/** Some pieces of the context that stands under a cycle of a journal, in order. */
export const JournalBase = Schema.Struct({
  pieces: Schema.Array(Schema.String),
  hasMore: Schema.Boolean
}).annotate({ identifier: "JournalBase" })

/** The results of tasks whose cycle is not committed yet. */
export const JournalKept = Schema.Struct({
  kept: Schema.Array(Schema.Struct({ cycle: count, key: Schema.String, text: Schema.String }))
}).annotate({ identifier: "JournalKept" })
