/**
 * The routes that give journals as the store has them. api.ts puts them behind its middleware. Boundary: the definition.
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as Shapes from "./journalShapes.ts"
import { ofJob } from "./problemLists.ts"
import * as Problems from "./problems.ts"
import { bothWays } from "./queries.ts"
import { Status } from "./shapes.ts"

const job = { id: Schema.String }
const cycle = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const ofJournal = [...ofJob, Problems.NoJournal] as const

const about = (summary: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary } : { summary, description })

const list = HttpApiEndpoint.get("list", "/api/v1/journals", {
  query: {
    program: Schema.optional(Schema.String),
    status: Schema.optional(Schema.Union([Status, Schema.Literal("unfinished")])),
    attribute: Schema.optional(Schema.Array(Schema.String)),
    parent: Schema.optional(Schema.String),
    ...bothWays
  },
  success: Shapes.JournalPage,
  error: Problems.NoJournal
}).annotateMerge(
  about("The jobs as the store has them, newest first", "Without what only a running job knows: see the list of jobs.")
)

const head = HttpApiEndpoint.get("head", "/api/v1/jobs/:id/journal", {
  params: job,
  success: Shapes.JournalHead,
  error: ofJournal
}).annotateMerge(about("The beginning and the end of a job's journal"))

const rows = HttpApiEndpoint.get("rows", "/api/v1/jobs/:id/journal/rows", {
  params: job,
  query: { after: Schema.optional(cycle), until: Schema.optional(cycle) },
  success: Shapes.JournalRows,
  error: ofJournal
}).annotateMerge(
  about(
    "Rows of a job's journal, in order",
    "Those after the cycle `after` (default: 0), up to `until` (default: the last). An answer has a few megabytes, and at least one row; `hasMore` says that others follow."
  )
)

const base = HttpApiEndpoint.get("base", "/api/v1/jobs/:id/journal/base", {
  params: job,
  query: { cycle: Schema.optional(cycle), after: Schema.optional(cycle) },
  success: Shapes.JournalBase,
  error: ofJournal
}).annotateMerge(
  about(
    "The context that stands under a cycle of a job's journal, in pieces",
    "The pieces after the first `after` (default: 0). Default of `cycle`: 0. There are none if the cycle has no such context."
  )
)

const kept = HttpApiEndpoint.get("kept", "/api/v1/jobs/:id/journal/kept", {
  params: job,
  success: Shapes.JournalKept,
  error: ofJournal
}).annotateMerge(about("The results of tasks of a job whose cycle is not committed yet"))

const backup = HttpApiEndpoint.post("backup", "/api/v1/backup", {
  success: HttpApiSchema.StreamUint8Array({ contentType: "application/vnd.sqlite3" }),
  error: Problems.NoJournal
}).annotateMerge(
  about(
    "A copy of the store's file, as it is at this moment",
    "For tokens that are not limited to some programs, one copy at a time. The copy is whole before the first byte is sent. Check it before you need it: a connection that is cut leaves a part."
  )
)

/** The routes, in the order of the document. */
export const journalEndpoints = [list, head, rows, base, kept, backup] as const
