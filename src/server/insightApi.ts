/**
 * The routes that say more of a job than its state. api.ts puts them behind its middleware. Boundary: the definition.
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as Shapes from "./insightShapes.ts"
import { ofJob } from "./problemLists.ts"
import { NoJournal, UnknownCycle } from "./problems.ts"
import { bothWays, count, cycle, factName } from "./queries.ts"

const job = { id: Schema.String }

const about = (summary: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary } : { summary, description })

const diagnosis = HttpApiEndpoint.get("diagnosis", "/api/v1/jobs/:id/diagnosis", {
  params: job,
  query: { at: Schema.optional(cycle) },
  success: Shapes.Diagnosis,
  error: [...ofJob, UnknownCycle]
}).annotateMerge(
  about(
    "Why a job failed, does not end, or gave less than it should",
    "From the job's events: equal failures counted, facts that change again and again, and the growth of each kind. The headline of a job that runs here says what runs at this moment and what waits. `at` goes by the events up to that cycle, and `standing` says where the job stood."
  )
)

const tasks = HttpApiEndpoint.get("tasks", "/api/v1/jobs/:id/tasks", {
  params: job,
  success: Shapes.TasksNow,
  error: ofJob
}).annotateMerge(about("The tasks of a job that run and wait at this moment"))

const timeline = HttpApiEndpoint.get("timeline", "/api/v1/jobs/:id/timeline", {
  params: job,
  query: { after: Schema.optional(cycle), before: Schema.optional(cycle), limit: Schema.optional(count) },
  success: Shapes.TimelinePage,
  error: ofJob
}).annotateMerge(
  about(
    "When the cycles of a job were committed, and when its tasks ran",
    "The cycles after `after`, or before `before`, from the journal: empty on a server without a durable store. Tasks of less than a millisecond are counted and not named."
  )
)

const work = HttpApiEndpoint.get("work", "/api/v1/jobs/:id/work", {
  params: job,
  query: { at: Schema.optional(cycle), agents: Schema.optional(Schema.Literals(["true", "false"])) },
  success: Shapes.Work,
  error: [...ofJob, UnknownCycle]
}).annotateMerge(
  about(
    "Where the time of a job went, and how many tasks each agent had",
    "From the journal, and from what this server measured since it has the job. `at` goes by the cycles up to that one. `agents=true` counts the tasks, for which each row is read."
  )
)

const kinds = HttpApiEndpoint.get("kinds", "/api/v1/jobs/:id/kinds", {
  params: job,
  query: { at: Schema.optional(cycle) },
  success: Shapes.Kinds,
  error: [...ofJob, UnknownCycle]
}).annotateMerge(about("The number of facts of each kind, now or after a cycle"))

const input = HttpApiEndpoint.get("input", "/api/v1/jobs/:id/input", {
  params: job,
  success: Shapes.JobInput,
  error: ofJob
}).annotateMerge(about("The input of a job, and its budget"))

const history = HttpApiEndpoint.get("history", "/api/v1/jobs/:id/history", {
  params: job,
  query: { ...factName, at: Schema.optional(cycle), valueLength: Schema.optional(cycle), ...bothWays },
  success: Shapes.History,
  error: ofJob
}).annotateMerge(
  about(
    "The values that a fact has had, oldest first",
    "From the job's events: the seed or the first commit, and each revision. `at` leaves out those of later cycles."
  )
)

const intents = HttpApiEndpoint.get("intents", "/api/v1/jobs/:id/intents", {
  params: job,
  query: { at: Schema.optional(cycle), valueLength: Schema.optional(cycle), ...bothWays },
  success: Shapes.IntentPage,
  error: [...ofJob, UnknownCycle, NoJournal]
}).annotateMerge(
  about(
    "The intents of a job, and what became of each",
    "Of an approval the decision, of a child job its result, of other intents the facts that the handler gave; or what it waits for. `at` shows them as of a cycle, from the journal."
  )
)

const me = HttpApiEndpoint.get("me", "/api/v1/me", { success: Shapes.Me }).annotateMerge(
  about("The rights of the token that the request carries", "A server without tokens allows everything.")
)

/** The routes, in the order of the document. */
export const insightEndpoints = [diagnosis, tasks, timeline, work, kinds, input, history, intents, me] as const
