/**
 * The HTTP API, defined once: its handlers, its typed client and its OpenAPI document all come from here.
 *
 * Boundary: the definition. The handlers implement the routes; guard.ts checks each request before.
 */
import * as Context from "effect/Context"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { insightEndpoints } from "./insightApi.ts"
import { journalEndpoints } from "./journalApi.ts"
import { jobProblems, ofJob } from "./problemLists.ts"
import * as Problems from "./problems.ts"
import { bothWays, count, cycle, factName } from "./queries.ts"
import * as Shapes from "./shapes.ts"
import type { Access } from "./tokens.ts"

/** The sender of a request: its token's name and rights. */
export class Sender extends Context.Service<Sender, Access>()("effect-converge/server/Sender") {}

/** Requires a bearer token if the server has any. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: Sender }>()(
  "effect-converge/server/Authorization",
  { security: { bearer: HttpApiSecurity.bearer }, error: [Problems.Unauthorized, Problems.Forbidden] }
) {}

/** Turns each failure of a route into its problem, and counts the request. */
export class Guard extends HttpApiMiddleware.Service<Guard>()("effect-converge/server/Guard", {
  error: [Problems.InvalidRequest, Problems.ForeignOrigin, Problems.Unavailable, Problems.Internal]
}) {}

const job = { id: Schema.String }

const steered = [...ofJob, Problems.JobHalted] as const
const ofPast = [...ofJob, Problems.UnknownCycle, Problems.NoJournal] as const
const facts = Schema.optional(Schema.Literals(["counts", "all"]))
/** Characters of JSON up to which a value is sent whole. */
const cut = { valueLength: Schema.optional(cycle) }
/** The newest intents and diagnostics, at most so many of each. */
const newest = { limit: Schema.optional(count) }
const isBrief = { brief: Schema.optional(Schema.Literals(["true", "false"])) }

const start = HttpApiEndpoint.post("start", "/api/v1/jobs", {
  headers: {
    prefer: Schema.optional(Schema.String),
    "idempotency-key": Schema.optional(Schema.String)
  },
  query: { facts },
  payload: Shapes.NewJob,
  success: [
    Shapes.Result,
    HttpApiSchema.WithHeaders(Shapes.Accepted.pipe(HttpApiSchema.status(202)), { location: Schema.String })
  ],
  error: [
    ...jobProblems,
    Problems.InvalidInput,
    Problems.UnknownProgram,
    Problems.UnknownJob,
    Problems.JobExists,
    Problems.JobHeld,
    Problems.JobQuarantined,
    Problems.ProgramChanged,
    Problems.JournalCorrupt,
    Problems.BodyTooLarge,
    Problems.UnsupportedMediaType,
    Problems.QueueFull
  ]
}).annotateMerge(
  OpenApi.annotations({
    summary: "Start a job",
    description:
      "Answers with the job's result when it has halted or, with `Prefer: respond-async`, at once with its id. A client that goes away cancels the job, unless it gave an `Idempotency-Key` or did not want to wait."
  })
)

const list = HttpApiEndpoint.get("list", "/api/v1/jobs", {
  query: {
    program: Schema.optional(Schema.String),
    status: Schema.optional(Schema.Union([Shapes.State, Schema.Literal("unfinished")])),
    since: Schema.optional(cycle),
    until: Schema.optional(cycle),
    q: Schema.optional(Schema.String),
    attribute: Schema.optional(Schema.Array(Schema.String)),
    parent: Schema.optional(Schema.String),
    ...bothWays
  },
  success: Shapes.JobPage
}).annotateMerge(
  OpenApi.annotations({
    summary: "List jobs, newest first",
    description:
      "`since` and `until` are times of creation, in milliseconds since the epoch; both are included. `q` selects jobs with that text in their id, their program or the tag of their error, in capitals or not; a page may then be short, or empty, although `cursor` names another one. Each `attribute`, as `name:value`, selects jobs that have it. `parent` selects the child jobs of the job with that id. `before`, the `previous` of a page, asks for the page of newer jobs."
  })
)

const get = HttpApiEndpoint.get("get", "/api/v1/jobs/:id", {
  params: job,
  query: { facts, ...isBrief, ...cut, ...newest },
  success: Shapes.Job,
  error: ofJob
}).annotateMerge(
  OpenApi.annotations({
    summary: "Where a job stands, and its result if it has ended",
    description:
      "`valueLength` cuts an output and payloads whose JSON is longer, and long texts of errors: see `facts`. `limit` gives the newest intents and diagnostics, at most so many of each, and `omitted` counts the older ones. With `brief=true` the journal of an ended job that the server does not hold is not read, which may take a while: `usage` and `result` are then null."
  })
)

const events = HttpApiEndpoint.get("events", "/api/v1/jobs/:id/events", {
  params: job,
  headers: { "last-event-id": Schema.optional(Schema.String), accept: Schema.optional(Schema.String) },
  query: { after: Schema.optional(cycle), ...isBrief },
  success: [
    HttpApiSchema.StreamSse({
      events: Schema.Struct({
        id: Schema.optional(Schema.String),
        event: Schema.String,
        data: Schema.fromJsonString(Shapes.Streamed)
      })
    }),
    HttpApiSchema.NoContent
  ],
  error: ofJob
}).annotateMerge(
  OpenApi.annotations({
    summary: "A job's event log, as server-sent events or as NDJSON",
    description:
      "From its beginning, or after `Last-Event-ID`; ends after `JobHalted`, or with a `Goodbye` of a server that shuts down. 204 if there is nothing after that id. With `brief=true` long events are cut: `isBrief` marks them, and `omitted` counts the facts that they lack."
  })
)

const telemetry = HttpApiEndpoint.get("telemetry", "/api/v1/jobs/:id/telemetry", {
  params: job,
  headers: { "last-event-id": Schema.optional(Schema.String) },
  query: { after: Schema.optional(Schema.String) },
  success: [
    HttpApiSchema.StreamSse({
      events: Schema.Struct({
        id: Schema.optional(Schema.String),
        event: Schema.String,
        data: Schema.fromJsonString(Shapes.Telemetry)
      })
    }),
    HttpApiSchema.NoContent
  ],
  error: steered
}).annotateMerge(
  OpenApi.annotations({
    summary: "The live progress and partial output of a job, as server-sent events",
    description:
      "From the oldest item that is kept, or after `Last-Event-ID`. `Missed` names items that are lost. Ends with `Ended`, or with a `Goodbye` of a server that shuts down. 204 if the job has ended and there is nothing after that id; 409 `JobHalted` if it has ended and nothing is kept."
  })
)

const approvals = HttpApiEndpoint.get("approvals", "/api/v1/jobs/:id/approvals", {
  params: job,
  query: { ...cut, ...bothWays },
  success: Shapes.ApprovalPage,
  error: ofJob
}).annotateMerge(OpenApi.annotations({ summary: "The open approvals of a job, oldest first" }))

const openApprovals = HttpApiEndpoint.get("openApprovals", "/api/v1/approvals", {
  query: { program: Schema.optional(Schema.String), ...cut, ...bothWays },
  success: Shapes.ApprovalPage,
  error: ofJob
}).annotateMerge(
  OpenApi.annotations({
    summary: "The open approvals of all jobs, those of the newest jobs first",
    description:
      "A page may be shorter than its limit, or empty, although `cursor` or `previous` names another one. `before`, the `previous` of a page, asks for the page before."
  })
)

const answered = [...steered, Problems.SignalRefused, Problems.BodyTooLarge, Problems.UnsupportedMediaType] as const

const answerApproval = HttpApiEndpoint.post("answerApproval", "/api/v1/jobs/:id/approvals", {
  params: job,
  payload: Shapes.NamedAnswer,
  success: Shapes.Job,
  error: answered
}).annotateMerge(
  OpenApi.annotations({
    summary: "Decide an approval that the body names; answers when the decision is committed",
    description: "For every id, also one that is no segment of a path."
  })
)

const answerNamed = HttpApiEndpoint.post("answerNamed", "/api/v1/jobs/:id/approvals/:approvalId", {
  params: { id: Schema.String, approvalId: Schema.String },
  payload: Shapes.Answer,
  success: Shapes.Job,
  error: answered
}).annotateMerge(
  OpenApi.annotations({
    summary: "Decide an approval that the path names; answers when the decision is committed",
    description: "For ids that are plain segments of a path; see `answerApproval`."
  })
)

const steer = <const Name extends "cancel" | "pause" | "resume">(name: Name, summary: string) =>
  HttpApiEndpoint.post(name, `/api/v1/jobs/:id/${name}`, {
    params: job,
    success: Shapes.Job,
    error: steered
  }).annotateMerge(OpenApi.annotations({ summary }))

const signal = HttpApiEndpoint.post("signal", "/api/v1/jobs/:id/signals", {
  params: job,
  payload: Shapes.Signal,
  success: Shapes.Job,
  error: answered
}).annotateMerge(OpenApi.annotations({ summary: "Add facts to a running job; answers when they are committed" }))

const factPage = HttpApiEndpoint.get("facts", "/api/v1/jobs/:id/facts", {
  params: job,
  query: {
    kind: Schema.optional(Schema.String),
    at: Schema.optional(cycle),
    q: Schema.optional(Schema.String),
    offset: Schema.optional(cycle),
    ...cut,
    ...bothWays
  },
  success: Shapes.FactPage,
  error: ofPast
}).annotateMerge(
  OpenApi.annotations({
    summary: "The facts of a job, in commit order",
    description:
      "`at` gives those after a cycle, from the journal. `q` selects facts with that text in their id, in the JSON of their id, or in the JSON of their value, in capitals or not; a page may then be short, or empty, although `cursor` names another one. `offset` skips so many facts after the cursor, and a search begins behind them; it does not count for a page before another. `valueLength` cuts values whose JSON is longer: `value` is then the beginning of that text, and `length` its whole length."
  })
)

const diff = HttpApiEndpoint.get("diff", "/api/v1/jobs/:id/diff", {
  params: job,
  query: { from: Schema.optional(cycle), to: Schema.optional(cycle), ...cut, ...bothWays },
  success: Shapes.Diff,
  error: ofPast
}).annotateMerge(
  OpenApi.annotations({
    summary: "The changes of some cycles of a job",
    description: "From the context after `from` (default: the seeds) to that after `to` (default: the last cycle)."
  })
)

const diffJobs = HttpApiEndpoint.get("diffJobs", "/api/v1/jobs/:id/diff/:otherId", {
  params: { id: Schema.String, otherId: Schema.String },
  query: { at: Schema.optional(cycle), otherAt: Schema.optional(cycle), ...cut, ...bothWays },
  success: Shapes.Diff,
  error: ofPast
}).annotateMerge(OpenApi.annotations({ summary: "The changes from one job to another, such as to a fork of it" }))

const lineage = HttpApiEndpoint.get("lineage", "/api/v1/jobs/:id/lineage", {
  params: job,
  query: {
    ...factName,
    without: Schema.optional(Schema.Literals(["true", "false"])),
    at: Schema.optional(cycle),
    ...cut,
    ...bothWays
  },
  success: Shapes.Lineage,
  error: [...ofPast, Problems.UnknownFact]
}).annotateMerge(
  OpenApi.annotations({
    summary: "The facts that follow from a fact",
    description:
      "With `without=true` only those that would go without it. Each names its direct causes among them by their versions, and the fact that was asked about by 0. The id of the fact is `fact`, or `factJson`, as for `explainFact`."
  })
)

const replay = HttpApiEndpoint.get("replay", "/api/v1/jobs/:id/replay", {
  params: job,
  query: { at: Schema.optional(cycle), ...cut, ...newest },
  success: Shapes.Replayed,
  error: ofPast
}).annotateMerge(
  OpenApi.annotations({
    summary: "A job as it was after a cycle, from its journal",
    description:
      "`valueLength` cuts an input and payloads whose JSON is longer to the beginnings of their texts. `limit` gives the newest intents and diagnostics, at most so many of each list, and `omitted` counts the older ones."
  })
)

const verify = HttpApiEndpoint.get("verify", "/api/v1/jobs/:id/verify", {
  params: job,
  success: Shapes.Verified,
  error: ofPast
}).annotateMerge(OpenApi.annotations({ summary: "Whether a job's journal is what was written" }))

const fork = HttpApiEndpoint.post("fork", "/api/v1/jobs/:id/fork", {
  params: job,
  headers: { "idempotency-key": Schema.optional(Schema.String) },
  payload: Shapes.NewFork,
  success: HttpApiSchema.WithHeaders(Shapes.Forked.pipe(HttpApiSchema.status(202)), { location: Schema.String }),
  error: [...ofPast, Problems.JobExists, Problems.BodyTooLarge, Problems.UnsupportedMediaType]
}).annotateMerge(
  OpenApi.annotations({
    summary: "Start a new job from a past cycle of a job",
    description:
      "The same fork again, by its `id` or an `Idempotency-Key`, is answered with the same job. Another one with that id is a 409."
  })
)

const prune = HttpApiEndpoint.post("prune", "/api/v1/prune", {
  payload: Shapes.Prune,
  success: Shapes.Pruned,
  error: [Problems.NoJournal, Problems.BodyTooLarge, Problems.UnsupportedMediaType]
}).annotateMerge(
  OpenApi.annotations({
    summary: "Delete the journals of jobs that ended some time ago",
    description: "For tokens that are not limited to some programs."
  })
)

const remove = HttpApiEndpoint.delete("delete", "/api/v1/jobs/:id", {
  params: job,
  success: Shapes.Deleted,
  error: [Problems.UnknownJob, Problems.JobUnfinished, Problems.JobNeeded, Problems.JobHeld]
}).annotateMerge(
  OpenApi.annotations({
    summary: "Delete a job with its journal, and all jobs below it",
    description:
      "For tokens that are not limited to some programs. A job that an engine runs, or that waits for something there, is a 409: cancel it first."
  })
)

const explain = HttpApiEndpoint.get("explain", "/api/v1/jobs/:id/facts/:kind/:factId/explain", {
  params: { id: Schema.String, kind: Schema.String, factId: Schema.String },
  success: Shapes.Explanation,
  error: [...ofJob, Problems.UnknownFact]
}).annotateMerge(
  OpenApi.annotations({
    summary: "Where a fact comes from, by a path",
    description:
      "For kinds and ids that are plain segments of a path. An id that is empty, is `.` or `..`, or has a slash, a semicolon or a percent sign in it may not reach the server as it is: see `explainFact`."
  })
)

const factNamed = HttpApiEndpoint.get("explainFact", "/api/v1/jobs/:id/explain", {
  params: job,
  query: { ...factName, at: Schema.optional(cycle), ...cut },
  success: Shapes.Explanation,
  error: [...ofPast, Problems.UnknownFact]
}).annotateMerge(
  OpenApi.annotations({
    summary: "Where a fact comes from, by its kind and its id",
    description:
      "Takes every id: either `fact`, the id as it is, or `factJson`, the id as a string of JSON, in which `\\ud800` stands for a lone surrogate that no URL can hold. `at` explains the fact as it was after a cycle, from the journal."
  })
)

const factAt = HttpApiEndpoint.get("explainVersion", "/api/v1/jobs/:id/versions/:version/explain", {
  params: { id: Schema.String, version: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)) },
  query: cut,
  success: Shapes.Explanation,
  error: [...ofJob, Problems.UnknownFact]
}).annotateMerge(
  OpenApi.annotations({
    summary: "Where the fact that was committed at a version comes from",
    description: "`version` is that of the fact's provenance. It names every fact, also one whose id is no Unicode."
  })
)

class Jobs extends HttpApiGroup.make("jobs")
  .add(
    start,
    list,
    get,
    events,
    telemetry,
    approvals,
    openApprovals,
    answerApproval,
    answerNamed,
    steer("cancel", "Stop a job; answers when it has let go of everything"),
    steer("pause", "Halt a job between two cycles"),
    steer("resume", "Go on with a paused or suspended job"),
    signal,
    factPage,
    diff,
    diffJobs,
    lineage,
    replay,
    verify,
    fork,
    prune,
    remove,
    explain,
    factNamed,
    factAt
  )
  .middleware(Authorization)
  .middleware(Guard) {}

class Insight extends HttpApiGroup.make("insight")
  .add(...insightEndpoints)
  .middleware(Authorization)
  .middleware(Guard) {}

class Journals extends HttpApiGroup.make("journals")
  .add(...journalEndpoints)
  .middleware(Authorization)
  .middleware(Guard) {}

class Programs extends HttpApiGroup.make("programs")
  .add(
    HttpApiEndpoint.get("list", "/api/v1/programs", { success: Shapes.Programs }).annotateMerge(
      OpenApi.annotations({ summary: "The programs, with the JSON Schemas of what they take" })
    )
  )
  .middleware(Authorization)
  .middleware(Guard) {}

const text = Schema.String.pipe(HttpApiSchema.asText())

class Metrics extends HttpApiGroup.make("metrics")
  .add(
    HttpApiEndpoint.get("get", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
    }).annotateMerge(OpenApi.annotations({ summary: "Metrics, in the text format of Prometheus" }))
  )
  .middleware(Authorization)
  .middleware(Guard) {}

class Health extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("live", "/health", { success: text }).annotateMerge(
      OpenApi.annotations({ summary: "Answers ok as long as the process does" })
    ),
    HttpApiEndpoint.get("ready", "/ready", {
      success: [Shapes.Readiness, Shapes.Readiness.pipe(HttpApiSchema.status(503))]
    }).annotateMerge(OpenApi.annotations({ summary: "Whether jobs are taken, and if not, why" }))
  )
  .middleware(Guard) {}

/** The API, with everything at the root. */
export class Api extends HttpApi.make("effect-converge")
  .add(Jobs, Insight, Journals, Programs, Metrics, Health)
  .annotateMerge(
    OpenApi.annotations({
      title: "effect-converge",
      description: "Jobs that converge: agents work on one shared context of facts until nothing new follows."
    })
  ) {}
