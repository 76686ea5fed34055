/**
 * Kills servers over one file while clients start jobs, and looks at what is there in the end.
 *
 * Clients go on through all of it: one that gave an idempotency key asks again until it is answered, one that gave none does
 * not. Boundary: starts `converge serve`; what it finds wrong is a list of sentences, empty if all is well.
 */
import { join } from "node:path"
import { randomOf } from "../core/random.ts"
import { jsonOf } from "./harness.ts"
import { type Serving, serveProcess } from "./process.ts"

export interface KillOptions {
  /** A folder that is there, for this alone. */
  readonly folder: string
  readonly kills: number
  readonly seed: number
  /** Clients at a time. */
  readonly clients: number
}

export interface KillReport {
  readonly complaints: ReadonlyArray<string>
  /** Jobs whose start was answered. */
  readonly accepted: number
  /** Jobs that had not ended when a server was killed. */
  readonly cut: number
  /** Requests that were sent again because nobody answered. */
  readonly retries: number
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The longest that all jobs may take to end when nobody is killed any more. */
const patienceMs = 30_000

export const killServers = async ({ clients, folder, kills, seed }: KillOptions): Promise<KillReport> => {
  const random = randomOf(seed)
  const complaints: Array<string> = []
  const store = ["--store", join(folder, "jobs.db"), "--workers", "1"]
  let serving: Serving = await serveProcess(store)
  const { url } = serving
  const again = [...store, "--port", new URL(url).port]

  /** The number that was asked for under each id that was answered, and the id of each key. */
  const accepted = new Map<string, number>()
  const keys = new Map<string, { readonly jobId: string; readonly to: number }>()
  let lost = 0
  let retries = 0
  let cut = 0
  const state = { isOver: false }
  let asked = 0

  const post = (to: number, headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ program: "count", input: { to } })
    })

  /** One answer, or undefined if the server went away before it was complete. */
  const answerOf = async (to: number, headers: Record<string, string>) => {
    try {
      const response = await post(to, headers)
      return { status: response.status, body: await jsonOf(response) }
    } catch {
      return undefined
    }
  }

  const client = async (): Promise<void> => {
    while (!state.isOver) {
      const number = asked++
      const to = 1 + random.below(25)
      const noWait: Record<string, string> = number % 3 === 0 ? {} : { prefer: "respond-async" }
      const expected = number % 3 === 0 ? 200 : 202
      const key = `order ${number}`
      const isNamed = number % 3 !== 1
      const headers = { ...noWait, ...(isNamed ? { "idempotency-key": key } : {}) }
      let answer = await answerOf(to, headers)
      if (isNamed) {
        while (answer === undefined) {
          retries++
          await wait(20)
          answer = await answerOf(to, headers)
        }
      }
      if (answer === undefined) {
        lost++
        await wait(20)
      } else if (answer.status === expected) {
        const jobId = String(answer.body["jobId"])
        accepted.set(jobId, to)
        if (isNamed) keys.set(key, { jobId, to })
      } else complaints.push(`job ${number} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`)
    }
  }

  const list = async (query: string) => {
    const found: Array<{ readonly jobId: string; readonly state: string }> = []
    let cursor: string | null = ""
    while (cursor !== null) {
      const more: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`
      const page = (await jsonOf(await fetch(`${url}/api/v1/jobs?limit=100${query}${more}`))) as {
        jobs: typeof found
        cursor: string | null
      }
      found.push(...page.jobs)
      cursor = page.cursor
    }
    return found
  }

  const lanes = Array.from({ length: clients }, client)
  try {
    for (let kill = 0; kill < kills; kill++) {
      await wait(50 + random.below(450))
      const unfinished = await list("&status=unfinished")
      cut += unfinished.length
      serving.process.kill("SIGKILL")
      const { code } = await serving.ended
      if (code !== null) complaints.push(`a server ended with ${code} before it was killed`)
      serving = await serveProcess(again)
    }
    state.isOver = true
    await Promise.all(lanes)
    const end = Date.now() + patienceMs
    while ((await list("&status=unfinished")).length > 0) {
      if (Date.now() > end) {
        complaints.push("not all jobs have ended")
        break
      }
      await wait(50)
    }
    for (const [key, { jobId, to }] of keys) {
      const answer = await answerOf(to, { prefer: "respond-async", "idempotency-key": key })
      if (answer?.status !== 202 || answer.body["jobId"] !== jobId) {
        complaints.push(`${key} names another job now: ${JSON.stringify(answer)} instead of ${jobId}`)
      }
    }
    const there = await list("")
    const ids = new Set(there.map(({ jobId }) => jobId))
    if (ids.size !== there.length) complaints.push("a job is listed twice")
    const named = new Set([...keys.values()].map(({ jobId }) => jobId))
    const unknown = there.filter(({ jobId }) => !accepted.has(jobId))
    if (named.size !== keys.size) complaints.push("two keys name one job")
    if (unknown.length > lost)
      complaints.push(`${unknown.length} jobs that nobody was told of, for ${lost} lost answers`)
    for (const { jobId } of unknown) if (jobId.startsWith("key-")) complaints.push(`${jobId} is doubled`)
    for (const [jobId, to] of accepted) {
      const { result, state } = await jsonOf(await fetch(`${url}/api/v1/jobs/${jobId}`))
      const output = (result as { readonly output?: unknown } | null | undefined)?.output
      if (state !== "converged" || output !== to + 1) {
        complaints.push(`${jobId} was accepted, and is ${String(state)} with ${String(output)} instead of ${to + 1}`)
      }
    }
  } finally {
    state.isOver = true
    serving.process.kill("SIGKILL")
    await serving.ended
  }
  return { complaints, accepted: accepted.size, cut, retries }
}
