/**
 * The use of the client that Hey API makes: every operation once, with its types. check.mjs writes this text beside the generated
 * client, compiles it and runs it.
 */
export const heyApi = String.raw`
import { check, until } from "./checks"
import * as api from "./client/index"
import { client } from "./client/client.gen"

/** The items of a stream. The client gives the data of each event, and its types have the whole event. */
const tagsOf = async (stream: AsyncIterable<unknown>, last: string): Promise<ReadonlyArray<string>> => {
  const tags: Array<string> = []
  for await (const item of stream) {
    const { _tag } = item as { readonly _tag: string }
    tags.push(_tag)
    if (_tag === last) break
  }
  return tags
}

const jobs = async (): Promise<void> => {
  const attributes: api.Attributes = { customer: "Ada & Co: =", client: "hey-api" }
  const budget = { maxCycles: 50, maxDuration: "10 seconds" }
  for (const id of ["hey-1", "hey-2", "hey-3"]) {
    const { data } = await api.jobsStart({ body: { program: "count", id, input: { to: 5 }, budget, attributes } })
    check("start", data !== undefined && "status" in data && data.status === "converged", data)
  }
  const refused = await api.jobsStart({ body: { program: "count", id: "hey-1", input: { to: 6 } } })
  check("start again", refused.response?.status === 409 && refused.error !== undefined, refused.error)
  const query = { attribute: ["customer:Ada & Co: =", "client:hey-api"], status: "converged" as const, limit: 2 }
  const first = await api.jobsList({ query })
  const cursor = first.data?.cursor ?? ""
  const second = await api.jobsList({ query: { ...query, cursor } })
  const back = await api.jobsList({ query: { ...query, before: second.data?.previous ?? "" } })
  check("list", first.data?.jobs.length === 2 && second.data?.jobs.length === 1, [first.data, second.data])
  check("list back", back.data?.jobs[0]?.jobId === first.data?.jobs[0]?.jobId, back.data)
  check("list attributes", first.data?.jobs[0]?.attributes?.["client"] === "hey-api", first.data)
  const found = await api.jobsGet({ path: { id: "hey-1" }, query: { facts: "counts", brief: false, valueLength: 1_000, limit: 5 } })
  check("get", found.data?.result?.facts !== undefined && found.data.attributes?.["client"] === "hey-api", found.data)
}

const past = async (): Promise<void> => {
  const path = { id: "hey-1" }
  const facts = await api.jobsFacts({ path, query: { kind: "Step", limit: 2 } })
  const earlier = await api.jobsFacts({ path, query: { kind: "Step", limit: 2, before: "9999" } })
  check("facts", facts.data?.facts.length === 2 && earlier.data?.facts.length === 2, [facts.data, earlier.data])
  const odd = { kind: "Odd", factJson: '"\\ud800"' }
  const explained = await api.jobsExplainFact({ path, query: odd })
  check("explainFact", explained.data?.nodes[0]?.id === "\ud800", explained.data)
  const named = await api.jobsExplain({ path: { ...path, kind: "Step", factId: "3" } })
  const version = named.data?.nodes[0]?.provenance.version ?? 0
  const at = await api.jobsExplainVersion({ path: { ...path, version } })
  check("explain", at.data?.nodes[0]?.id === "3", [named.data, at.data])
  const lineage = await api.jobsLineage({ path, query: { kind: "Step", fact: "1", without: true } })
  check("lineage", (lineage.data?.count ?? 0) > 3, lineage.data)
  const history = await api.insightHistory({ path, query: { kind: "Last", fact: "it", limit: 2 } })
  check("history", history.data?.revisions.length === 2 && history.data.previous === null, history.data)
  const diff = await api.jobsDiff({ path, query: { from: 1, to: 3 } })
  check("diff", (diff.data?.counts.added ?? 0) > 0, diff.data)
  const forked = await api.jobsFork({ path, body: { at: 1, id: "hey-fork", facts: [{ kind: "Step", value: { n: 40 } }] } })
  check("fork", forked.data?.jobId === "hey-fork", forked.data ?? forked.error)
  await until(async () => (await api.jobsGet({ path: { id: "hey-fork" } })).data?.state === "converged")
  const between = await api.jobsDiffJobs({ path: { ...path, otherId: "hey-fork" } })
  check("diffJobs", (between.data?.changes.length ?? 0) > 0, between.data)
  const replay = await api.jobsReplay({ path, query: { at: 2 } })
  check("replay", replay.data?.cycle === 2, replay.data)
  const verified = await api.jobsVerify({ path })
  check("verify", verified.data?.isIntact === true, verified.data)
  const diagnosis = await api.insightDiagnosis({ path })
  check("diagnosis", diagnosis.data?.headline !== undefined, diagnosis.data)
  const timeline = await api.insightTimeline({ path, query: { limit: 3 } })
  check("timeline", timeline.data?.cycles.length === 3 && timeline.data.cursor === "3", timeline.data)
  const kinds = await api.insightKinds({ path, query: { at: 0 } })
  check("kinds", kinds.data?.kinds["Odd"] === 2, kinds.data)
  const input = await api.insightInput({ path })
  check("input", input.data?.budget["cycles"] === 50, input.data)
  const { stream } = await api.jobsEvents({ path })
  const events = await tagsOf(stream, "JobHalted")
  check("events", events[0] === "JobStarted" && events.at(-1) === "JobHalted", events)
}

const begin = async (id: string): Promise<void> => {
  const { data } = await api.jobsStart({ body: { program: "asks", id }, headers: { prefer: "respond-async" } })
  check("start without waiting", data !== undefined && "jobId" in data && data.jobId === id, data)
  await until(async () => (await api.jobsGet({ path: { id } })).data?.state === "awaiting")
}

const steering = async (): Promise<void> => {
  for (const id of ["hey-4", "hey-5", "hey-6"]) await begin(id)
  const path = { id: "hey-4" }
  const { stream } = await api.jobsTelemetry({ path })
  const told = tagsOf(stream, "Ended")
  const tasks = await api.insightTasks({ path })
  check("tasks", tasks.data?.running.length === 0 && tasks.data.pool.size >= 0, tasks.data)
  const approvals = await api.jobsApprovals({ path })
  check("approvals", approvals.data?.approvals[0]?.question === "Go on?", approvals.data)
  const open = await api.jobsOpenApprovals({ query: { program: "asks" } })
  check("openApprovals", (open.data?.approvals.length ?? 0) >= 3, open.data)
  const paused = await api.jobsPause({ path })
  check("pause", paused.data?.state === "paused", paused.data ?? paused.error)
  const resumed = await api.jobsResume({ path })
  check("resume", resumed.data !== undefined, resumed.error)
  const signalled = await api.jobsSignal({ path, body: { facts: [{ kind: "Note", value: { text: "hello" } }] } })
  check("signal", signalled.data !== undefined, signalled.error)
  const live = await api.jobsDelete({ path })
  check("delete a live job", live.response?.status === 409, live.error)
  const named = await api.jobsAnswerNamed({ path: { ...path, approvalId: "go" }, body: { decision: "approve", by: "Ada" } })
  check("answerNamed", named.data !== undefined, named.error)
  const answer = { approval: "go", decision: "reject" as const, note: "no" }
  const answered = await api.jobsAnswerApproval({ path: { id: "hey-5" }, body: answer })
  check("answerApproval", answered.data !== undefined, answered.error)
  const cancelled = await api.jobsCancel({ path: { id: "hey-6" } })
  check("cancel", cancelled.data?.state === "cancelled", cancelled.data ?? cancelled.error)
  const items = await told
  check("telemetry", items.at(-1) === "Ended", items)
}

const system = async (): Promise<void> => {
  const me = await api.insightMe()
  check("me", me.data?.programs === null, me.data)
  const programs = await api.programsList()
  check("programs", programs.data?.programs.length === 2, programs.data)
  const metrics = await api.metricsGet({ parseAs: "text" })
  check("metrics", String(metrics.data).includes("converge_http_requests_total"), metrics.data)
  const health = await api.healthLive({ parseAs: "text" })
  check("health", health.data === "ok", health.data)
  const ready = await api.healthReady()
  check("ready", ready.data?.status === "ready", ready.data)
}

const journals = async (): Promise<void> => {
  const path = { id: "hey-1" }
  const work = await api.insightWork({ path, query: { agents: true } })
  check("work", work.data !== undefined && work.data.cycle > 3, work.data ?? work.error)
  const intents = await api.insightIntents({ path: { id: "hey-5" } })
  check("intents", intents.data?.intents[0]?.kind !== undefined, intents.data ?? intents.error)
  const listed = await api.journalsList({ query: { program: "count", limit: 2 } })
  check("journals", listed.data?.jobs.length === 2, listed.data ?? listed.error)
  const head = await api.journalsHead({ path })
  check("journal", head.data?.status === "converged", head.data ?? head.error)
  const rows = await api.journalsRows({ path, query: { after: 1, until: 3 } })
  check("journal rows", rows.data?.rows.map(({ cycle }) => cycle).join() === "2,3", rows.data ?? rows.error)
  const base = await api.journalsBase({ path: { id: "hey-fork" } })
  check("journal base", base.response !== undefined, base.error)
  const kept = await api.journalsKept({ path })
  check("journal kept", kept.data?.kept.length === 0, kept.data ?? kept.error)
  const copy = await api.journalsBackup({ parseAs: "blob" })
  const bytes = copy.data as unknown as Blob
  check("backup", (await bytes.slice(0, 15).text()) === "SQLite format 3", copy.error)
}

const deletion = async (): Promise<void> => {
  const gone = await api.jobsDelete({ path: { id: "hey-1" } })
  check("delete", gone.data?.deleted === 1, gone.data ?? gone.error)
  const again = await api.jobsDelete({ path: { id: "hey-1" } })
  check("delete again", again.response?.status === 404, again.error)
  const pruned = await api.jobsPrune({ body: { olderThan: "1 hour" } })
  check("prune", pruned.data?.deleted === 0, pruned.data ?? pruned.error)
}

export const use = async (baseUrl: string): Promise<void> => {
  client.setConfig({ baseUrl })
  for (const part of [jobs, past, steering, system, journals, deletion]) await part()
}
`
