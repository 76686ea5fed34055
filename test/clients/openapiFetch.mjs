/**
 * The use of the types that openapi-typescript makes, with openapi-fetch: every operation once. check.mjs writes this text beside
 * the generated types, compiles it and runs it.
 */
export const openapiFetch = String.raw`
import createClient from "openapi-fetch"
import { check, until } from "./checks"
import type { components, paths } from "./types"

type Client = ReturnType<typeof createClient<paths>>

const tagsIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^event: (\w+)$/gm)].map(([, tag]) => tag ?? "")

const jobs = async (client: Client): Promise<void> => {
  const attributes: components["schemas"]["Attributes"] = { customer: "Ada & Co: =", client: "fetch" }
  const budget: components["schemas"]["Budget"] = { maxCycles: 50, maxDuration: "10 seconds" }
  for (const id of ["fetch-1", "fetch-2", "fetch-3"]) {
    const body = { program: "count", id, input: { to: 5 }, budget, attributes }
    const { data } = await client.POST("/api/v1/jobs", { body })
    check("start", data !== undefined && "status" in data && data.status === "converged", data)
  }
  const refused = await client.POST("/api/v1/jobs", { body: { program: "count", id: "fetch-1", input: { to: 6 } } })
  check("start again", refused.response.status === 409 && refused.error !== undefined, refused.error)
  const query = { attribute: ["customer:Ada & Co: =", "client:fetch"], status: "converged" as const, limit: 2 }
  const first = await client.GET("/api/v1/jobs", { params: { query } })
  const next = { query: { ...query, cursor: first.data?.cursor ?? "" } }
  const second = await client.GET("/api/v1/jobs", { params: next })
  const before = { query: { ...query, before: second.data?.previous ?? "" } }
  const back = await client.GET("/api/v1/jobs", { params: before })
  check("list", first.data?.jobs.length === 2 && second.data?.jobs.length === 1, [first.data, second.data])
  check("list back", back.data?.jobs[0]?.jobId === first.data?.jobs[0]?.jobId, back.data)
  check("list attributes", first.data?.jobs[0]?.attributes?.["client"] === "fetch", first.data)
  const params = { path: { id: "fetch-1" }, query: { facts: "counts" as const } }
  const found = await client.GET("/api/v1/jobs/{id}", { params })
  check("get", found.data?.result?.facts !== undefined && found.data.attributes?.["client"] === "fetch", found.data)
}

const past = async (client: Client): Promise<void> => {
  const path = { id: "fetch-1" }
  const facts = await client.GET("/api/v1/jobs/{id}/facts", { params: { path, query: { kind: "Step", limit: 2 } } })
  const place = { kind: "Step", limit: 2, before: "9999" }
  const earlier = await client.GET("/api/v1/jobs/{id}/facts", { params: { path, query: place } })
  check("facts", facts.data?.facts.length === 2 && earlier.data?.facts.length === 2, [facts.data, earlier.data])
  const odd = { kind: "Odd", factJson: '"\\ud800"' }
  const explained = await client.GET("/api/v1/jobs/{id}/explain", { params: { path, query: odd } })
  check("explainFact", explained.data?.nodes[0]?.id === "\ud800", explained.data)
  const fact = { ...path, kind: "Step", factId: "3" }
  const named = await client.GET("/api/v1/jobs/{id}/facts/{kind}/{factId}/explain", { params: { path: fact } })
  const version = named.data?.nodes[0]?.provenance.version ?? 0
  const of = { path: { ...path, version } }
  const at = await client.GET("/api/v1/jobs/{id}/versions/{version}/explain", { params: of })
  check("explain", at.data?.nodes[0]?.id === "3", [named.data, at.data])
  const from = { kind: "Step", fact: "1", without: true }
  const lineage = await client.GET("/api/v1/jobs/{id}/lineage", { params: { path, query: from } })
  check("lineage", (lineage.data?.count ?? 0) > 3, lineage.data)
  const last = { kind: "Last", fact: "it", limit: 2 }
  const history = await client.GET("/api/v1/jobs/{id}/history", { params: { path, query: last } })
  check("history", history.data?.revisions.length === 2 && history.data.previous === null, history.data)
  const diff = await client.GET("/api/v1/jobs/{id}/diff", { params: { path, query: { from: 1, to: 3 } } })
  check("diff", (diff.data?.counts.added ?? 0) > 0, diff.data)
  const body = { at: 1, id: "fetch-fork", facts: [{ kind: "Step", value: { n: 40 } }] }
  const forked = await client.POST("/api/v1/jobs/{id}/fork", { params: { path }, body })
  check("fork", forked.data?.jobId === "fetch-fork", forked.data ?? forked.error)
  const fork = { path: { id: "fetch-fork" } }
  await until(async () => (await client.GET("/api/v1/jobs/{id}", { params: fork })).data?.state === "converged")
  const both = { path: { ...path, otherId: "fetch-fork" } }
  const between = await client.GET("/api/v1/jobs/{id}/diff/{otherId}", { params: both })
  check("diffJobs", (between.data?.changes.length ?? 0) > 0, between.data)
  const replay = await client.GET("/api/v1/jobs/{id}/replay", { params: { path, query: { at: 2 } } })
  check("replay", replay.data?.cycle === 2, replay.data)
  const verified = await client.GET("/api/v1/jobs/{id}/verify", { params: { path } })
  check("verify", verified.data?.isIntact === true, verified.data)
  const diagnosis = await client.GET("/api/v1/jobs/{id}/diagnosis", { params: { path } })
  check("diagnosis", diagnosis.data?.headline !== undefined, diagnosis.data)
  const timeline = await client.GET("/api/v1/jobs/{id}/timeline", { params: { path, query: { limit: 3 } } })
  check("timeline", timeline.data?.cycles.length === 3 && timeline.data.cursor === "3", timeline.data)
  const kinds = await client.GET("/api/v1/jobs/{id}/kinds", { params: { path, query: { at: 0 } } })
  check("kinds", kinds.data?.kinds["Odd"] === 2, kinds.data)
  const input = await client.GET("/api/v1/jobs/{id}/input", { params: { path } })
  check("input", input.data?.budget["cycles"] === 50, input.data)
  const events = await client.GET("/api/v1/jobs/{id}/events", { params: { path }, parseAs: "text" })
  const tags = tagsIn(String(events.data))
  check("events", tags[0] === "JobStarted" && tags.at(-1) === "JobHalted", tags)
}

const begin = async (client: Client, id: string): Promise<void> => {
  const params = { header: { prefer: "respond-async" } }
  const { data } = await client.POST("/api/v1/jobs", { params, body: { program: "asks", id } })
  check("start without waiting", data !== undefined && "jobId" in data && data.jobId === id, data)
  const of = { path: { id } }
  await until(async () => (await client.GET("/api/v1/jobs/{id}", { params: of })).data?.state === "awaiting")
}

const steering = async (client: Client): Promise<void> => {
  for (const id of ["fetch-4", "fetch-5", "fetch-6"]) await begin(client, id)
  const path = { id: "fetch-4" }
  const told = client.GET("/api/v1/jobs/{id}/telemetry", { params: { path }, parseAs: "text" })
  const tasks = await client.GET("/api/v1/jobs/{id}/tasks", { params: { path } })
  check("tasks", tasks.data?.running.length === 0 && tasks.data.pool.size >= 0, tasks.data)
  const approvals = await client.GET("/api/v1/jobs/{id}/approvals", { params: { path } })
  check("approvals", approvals.data?.approvals[0]?.question === "Go on?", approvals.data)
  const open = await client.GET("/api/v1/approvals", { params: { query: { program: "asks" } } })
  check("openApprovals", (open.data?.approvals.length ?? 0) >= 3, open.data)
  const paused = await client.POST("/api/v1/jobs/{id}/pause", { params: { path } })
  check("pause", paused.data?.state === "paused", paused.data ?? paused.error)
  const resumed = await client.POST("/api/v1/jobs/{id}/resume", { params: { path } })
  check("resume", resumed.data !== undefined, resumed.error)
  const facts = [{ kind: "Note", value: { text: "hello" } }]
  const signalled = await client.POST("/api/v1/jobs/{id}/signals", { params: { path }, body: { facts } })
  check("signal", signalled.data !== undefined, signalled.error)
  const live = await client.DELETE("/api/v1/jobs/{id}", { params: { path } })
  check("delete a live job", live.response.status === 409, live.error)
  const named = await client.POST("/api/v1/jobs/{id}/approvals/{approvalId}", {
    params: { path: { ...path, approvalId: "go" } },
    body: { decision: "approve", by: "Ada" }
  })
  check("answerNamed", named.data !== undefined, named.error)
  const answered = await client.POST("/api/v1/jobs/{id}/approvals", {
    params: { path: { id: "fetch-5" } },
    body: { approval: "go", decision: "reject", note: "no" }
  })
  check("answerApproval", answered.data !== undefined, answered.error)
  const cancelled = await client.POST("/api/v1/jobs/{id}/cancel", { params: { path: { id: "fetch-6" } } })
  check("cancel", cancelled.data?.state === "cancelled", cancelled.data ?? cancelled.error)
  const items = tagsIn(String((await told).data))
  check("telemetry", items.at(-1) === "Ended", items)
}

const system = async (client: Client): Promise<void> => {
  const me = await client.GET("/api/v1/me")
  check("me", me.data?.programs === null, me.data)
  const programs = await client.GET("/api/v1/programs")
  check("programs", programs.data?.programs.length === 2, programs.data)
  const metrics = await client.GET("/metrics", { parseAs: "text" })
  check("metrics", String(metrics.data).includes("converge_http_requests_total"), metrics.data)
  const health = await client.GET("/health", { parseAs: "text" })
  check("health", health.data === "ok", health.data)
  const ready = await client.GET("/ready")
  check("ready", ready.data?.status === "ready", ready.data)
}

const journals = async (client: Client): Promise<void> => {
  const path = { id: "fetch-1" }
  const counted = { path, query: { agents: true } }
  const work = await client.GET("/api/v1/jobs/{id}/work", { params: counted })
  check("work", work.data !== undefined && work.data.cycle > 3, work.data ?? work.error)
  const intents = await client.GET("/api/v1/jobs/{id}/intents", { params: { path: { id: "fetch-5" } } })
  check("intents", intents.data?.intents[0]?.kind !== undefined, intents.data ?? intents.error)
  const listed = await client.GET("/api/v1/journals", { params: { query: { program: "count", limit: 2 } } })
  check("journals", listed.data?.jobs.length === 2, listed.data ?? listed.error)
  const head = await client.GET("/api/v1/jobs/{id}/journal", { params: { path } })
  check("journal", head.data?.status === "converged", head.data ?? head.error)
  const some = { path, query: { after: 1, until: 3 } }
  const rows = await client.GET("/api/v1/jobs/{id}/journal/rows", { params: some })
  check("journal rows", rows.data?.rows.map(({ cycle }) => cycle).join() === "2,3", rows.data ?? rows.error)
  const base = await client.GET("/api/v1/jobs/{id}/journal/base", { params: { path: { id: "fetch-fork" } } })
  check("journal base", base.response !== undefined, base.error)
  const kept = await client.GET("/api/v1/jobs/{id}/journal/kept", { params: { path } })
  check("journal kept", kept.data?.kept.length === 0, kept.data ?? kept.error)
  const copy = await client.POST("/api/v1/backup", { parseAs: "blob" })
  const bytes = copy.data as unknown as Blob
  check("backup", (await bytes.slice(0, 15).text()) === "SQLite format 3", copy.error)
}

const deletion = async (client: Client): Promise<void> => {
  const params = { path: { id: "fetch-1" } }
  const gone = await client.DELETE("/api/v1/jobs/{id}", { params })
  check("delete", gone.data?.deleted === 1, gone.data ?? gone.error)
  const again = await client.DELETE("/api/v1/jobs/{id}", { params })
  check("delete again", again.response.status === 404, again.error)
  const pruned = await client.POST("/api/v1/prune", { body: { olderThan: "1 hour" } })
  check("prune", pruned.data?.deleted === 0, pruned.data ?? pruned.error)
}

export const use = async (baseUrl: string): Promise<void> => {
  const client = createClient<paths>({ baseUrl })
  for (const part of [jobs, past, steering, system, journals, deletion]) await part(client)
}
`
