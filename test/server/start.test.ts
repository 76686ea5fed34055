/** Starting jobs: who waits, who goes away, who asks twice; readiness while it is so. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { JobStore, WorkerPool } from "../../src/index.ts"
import { Server } from "../../src/server/index.ts"
import { noThreads } from "../../src/workers/stats.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import {
  arrivalOf,
  type Below,
  jsonOf,
  metricsOf,
  type Running,
  serve,
  stateOf,
  until
} from "../support/server/harness.ts"
import { inline, stuck } from "../support/server/programs.ts"

const using = async (
  use: (running: Running) => Promise<void>,
  below: Below = {},
  options: Partial<Server.ServerOptions<never>> = {}
): Promise<void> => {
  const running = await serve({ programs: inline, ...options }, below)
  try {
    await use(running)
  } finally {
    await running.stop()
  }
}

/** How many clients the server has noticed to have gone away while they waited for a job. */
const goneIn = async (running: Running): Promise<number> => {
  const lines = (await metricsOf(running))
    .split("\n")
    .filter((line) => line.startsWith("converge_http_requests_total{"))
  const [gone = ""] = lines.filter((line) => line.includes('route="/api/v1/jobs"') && line.includes('status="499"'))
  return Number(gone.split(" ").at(-1))
}

describe("a client that waits and goes away", () => {
  const leave = async (running: Running, body: object, headers: Record<string, string>, id: string) => {
    const abort = new AbortController()
    const waiting = running.fetch("/api/v1/jobs", {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
      signal: abort.signal
    })
    await until(async () => (await stateOf(running, id)) === "running")
    abort.abort()
    await expect(waiting).rejects.toThrow("aborted")
  }

  it("cancels the job", async () => {
    await using(async (running) => {
      await leave(running, { program: "waiting", id: "left" }, {}, "left")
      await until(async () => (await stateOf(running, "left")) === "cancelled")
    })
  })

  it("stops an endless CPU agent", async () => {
    const running = await serve({ programs: [stuck] }, { pool: WorkerPool.layer({ size: 1 }) })
    await leave(running, { program: "stuck", id: "endless" }, {}, "endless")
    await until(async () => (await stateOf(running, "endless")) === "cancelled")
    await running.stop()
  })

  it("names the job by the id of its body, also if it gave an idempotency key", async () => {
    await using(async (running) => {
      const body = { program: "count", input: { to: 1 }, id: "named" }
      for (const key of ["one", "one", "two"]) {
        const answer = await running.post("/api/v1/jobs", body, { "idempotency-key": key })
        expect([answer.status, (await jsonOf(answer))["jobId"]], key).toEqual([200, "named"])
      }
      const other = await running.post("/api/v1/jobs", { ...body, input: { to: 2 } }, { "idempotency-key": "one" })
      expect(other.status).toBe(409)
    })
  })

  it("does not, if it gave an idempotency key; and finds the job again with it", async () => {
    await using(async (running) => {
      const key = { "idempotency-key": "mine" }
      const { jobs } = (await jsonOf(await running.fetch("/api/v1/jobs"))) as { jobs: Array<unknown> }
      expect(jobs).toEqual([])
      const abort = new AbortController()
      const waiting = running.fetch("/api/v1/jobs", {
        method: "POST",
        body: JSON.stringify({ program: "waiting" }),
        headers: { "content-type": "application/json", ...key },
        signal: abort.signal
      })
      let id = ""
      await until(async () => {
        const page = (await jsonOf(await running.fetch("/api/v1/jobs"))) as { jobs: Array<{ jobId: string }> }
        id = page.jobs[0]?.jobId ?? ""
        return id !== ""
      })
      const before = await goneIn(running)
      abort.abort()
      await expect(waiting).rejects.toThrow("aborted")
      await until(async () => (await goneIn(running)) > before)
      expect(await stateOf(running, id)).toBe("running")
      const again = running.post("/api/v1/jobs", { program: "waiting" }, key)
      await running.post(`/api/v1/jobs/${id}/cancel`)
      expect((await again).status).toBe(499)
    })
  })

  it("does not, while somebody else wants the job: who was answered with 202, or waits for it, too", async () => {
    await using(async (running) => {
      const ask = (id: string) => {
        const abort = new AbortController()
        const waiting = running
          .fetch("/api/v1/jobs", {
            method: "POST",
            body: JSON.stringify({ program: "waiting", id }),
            headers: { "content-type": "application/json" },
            signal: abort.signal
          })
          .catch(() => undefined)
        return async () => {
          const before = await goneIn(running)
          abort.abort()
          await waiting
          await until(async () => (await goneIn(running)) > before)
        }
      }
      const leaves = ask("accepted")
      await until(async () => (await stateOf(running, "accepted")) === "running")
      const asked = await running.post(
        "/api/v1/jobs",
        { program: "waiting", id: "accepted" },
        { prefer: "respond-async" }
      )
      expect(asked.status).toBe(202)
      await leaves()
      expect(await stateOf(running, "accepted")).toBe("running")
      const first = ask("shared")
      await until(async () => (await stateOf(running, "shared")) === "running")
      const arrived = arrivalOf("POST", "/api/v1/jobs")
      const second = ask("shared")
      await arrived
      expect(await stateOf(running, "shared")).toBe("running")
      await first()
      expect(await stateOf(running, "shared")).toBe("running")
      await second()
      await until(async () => (await stateOf(running, "shared")) === "cancelled")
    })
  })
})

describe("a job that is started twice", () => {
  const body = { program: "count", input: { to: 4 } }

  it.each(["nothing durable", "a durable store"])("with one key is one job, on %s", async (what) => {
    const kept = await Effect.runPromise(journalStore)
    const store = what === "a durable store" ? Layer.succeed(JobStore.JobStore, kept) : undefined
    await using(
      async (running) => {
        const key = { "idempotency-key": "one" }
        const results = await Promise.all(Array.from({ length: 10 }, () => running.post("/api/v1/jobs", body, key)))
        const ids = new Set<unknown>()
        for (const response of results) {
          expect(response.status).toBe(200)
          ids.add((await jsonOf(response))["jobId"])
        }
        expect(ids.size).toBe(1)
        for (const other of [
          { ...body, input: { to: 5 } },
          { program: "waiting" },
          { ...body, budget: { maxCycles: 9 } }
        ]) {
          const refused = await running.post("/api/v1/jobs", other, key)
          expect(refused.status).toBe(409)
          expect(await jsonOf(refused)).toMatchObject({ type: "urn:effect-converge:JobExists", jobId: [...ids][0] })
        }
      },
      { store }
    )
    if (store === undefined) return
    await using(
      async (restarted) => {
        const again = await restarted.post("/api/v1/jobs", body, { "idempotency-key": "one" })
        expect(again.status).toBe(200)
        expect(await jsonOf(again)).toMatchObject({ status: "converged", output: 5 })
        for (const other of [
          { ...body, input: { to: 5 } },
          { program: "waiting" },
          { ...body, budget: { maxCycles: 9 } }
        ]) {
          const refused = await restarted.post("/api/v1/jobs", other, { "idempotency-key": "one" })
          expect(refused.status).toBe(409)
        }
        const { jobs } = (await jsonOf(await restarted.fetch("/api/v1/jobs"))) as { jobs: Array<unknown> }
        expect(jobs).toMatchObject([{ program: "count", state: "converged" }])
      },
      { store }
    )
  })

  it("with one id is one job, and another body is refused", async () => {
    await using(async (running) => {
      const [one, two] = await Promise.all([
        running.post("/api/v1/jobs", { ...body, id: "it" }),
        running.post("/api/v1/jobs", { ...body, id: "it" })
      ])
      expect([one.status, two.status]).toEqual([200, 200])
      expect((await running.post("/api/v1/jobs", { program: "waiting", id: "it" })).status).toBe(409)
    })
  })
})

describe("a budget that is asked for", () => {
  const body = { program: "count", input: { to: 4 }, id: "it" }
  const same = [
    {},
    { maxCycles: 50 },
    { maxDuration: 5_000 },
    { maxDuration: "5 seconds", maxCycles: 50 },
    { maxDuration: "5s" }
  ]
  const other = [{ maxCycles: 51 }, { maxDuration: "6 seconds" }, { maxFacts: 7 }]
  const statuses = async (running: Running) => {
    const found: Array<ReadonlyArray<number>> = []
    for (const budgets of [same, other]) {
      const asked = await Promise.all(budgets.map((budget) => running.post("/api/v1/jobs", { ...body, budget })))
      found.push(asked.map(({ status }) => status))
    }
    return found
  }

  it("is compared with what the job has, whether the server holds it or only its store does", async () => {
    const store = Layer.succeed(JobStore.JobStore, await Effect.runPromise(journalStore))
    const expected = [same.map(() => 200), other.map(() => 409)]
    await using(
      async (running) => {
        await running.post("/api/v1/jobs", { ...body, budget: { maxCycles: 50, maxDuration: "5 seconds" } })
        expect(await statuses(running)).toEqual(expected)
      },
      { store }
    )
    await using(async (restarted) => expect(await statuses(restarted)).toEqual(expected), { store })
  })
})

describe("a job whose machine has halted", () => {
  it("has not ended before its end is stored: its state, its time and its result come together", async () => {
    const kept = await Effect.runPromise(journalStore)
    const [reached, open] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
    const store = Layer.succeed(JobStore.JobStore, {
      ...kept,
      halt: (...end: Parameters<typeof kept.halt>) =>
        Effect.andThen(Deferred.succeed(reached, undefined), Effect.andThen(Deferred.await(open), kept.halt(...end)))
    })
    await using(
      async (running) => {
        const job = async () => jsonOf(await running.fetch("/api/v1/jobs/slow"))
        const listed = async () => jsonOf(await running.fetch("/api/v1/jobs?q=slow"))
        await running.post(
          "/api/v1/jobs",
          { program: "count", id: "slow", input: { to: 1 } },
          { prefer: "respond-async" }
        )
        await Effect.runPromise(Deferred.await(reached))
        const unfinished = { state: "running", haltedAt: null, error: null }
        expect(await listed()).toMatchObject({ jobs: [unfinished] })
        expect(await job()).toMatchObject({ ...unfinished, result: null })
        // A question waits for the end for a moment.
        const asked = job()
        await Effect.runPromise(Deferred.succeed(open, undefined))
        const ended = { state: "converged", haltedAt: expect.any(Number) as number }
        expect(await asked).toMatchObject({ ...ended, result: { status: "converged" } })
        expect(await listed()).toMatchObject({ jobs: [ended] })
      },
      { store }
    )
  })
})

describe("readiness", () => {
  it("tells of a store that fails, and of quarantined agents", async () => {
    const kept = await Effect.runPromise(journalStore)
    const broken = new JobStore.StoreError({ reason: "full", message: "no space left in /secret/place" })
    let fails = true
    const store = Layer.succeed(JobStore.JobStore, {
      ...kept,
      append: (...row: Parameters<typeof kept.append>) => (fails ? Effect.fail(broken) : kept.append(...row))
    })
    const pool = Layer.effect(
      WorkerPool.WorkerPool,
      Effect.map(Layer.build(WorkerPool.layerInline), (context) => ({
        ...Context.get(context, WorkerPool.WorkerPool),
        stats: Effect.sync(() => ({ ...noThreads, quarantined: 2 }))
      }))
    )
    await using(
      async (running) => {
        const failed = await running.post("/api/v1/jobs", { program: "count", input: { to: 1 } })
        expect([failed.status, failed.headers.get("retry-after")]).toEqual([503, "1"])
        const text = await failed.text()
        expect(text).toContain("urn:effect-converge:StoreFailed")
        expect(JSON.parse(text)).toMatchObject({ reason: "full" })
        const ready = await running.fetch("/ready")
        expect(ready.status).toBe(503)
        expect(await jsonOf(ready)).toEqual({
          status: "not-ready",
          services: { server: "ok", store: "failed: full", workers: "ok" },
          notes: ["quarantined agents: 2"]
        })
        expect((await running.fetch("/health")).status).toBe(200)
        fails = false
        expect((await running.post("/api/v1/jobs", { program: "count", input: { to: 1 } })).status).toBe(200)
        const noted = await running.fetch("/ready")
        // An agent that fails is no reason to take the server from the jobs of others.
        expect([noted.status, await jsonOf(noted)]).toEqual([
          200,
          {
            status: "ready",
            services: { server: "ok", store: "ok", workers: "ok" },
            notes: ["quarantined agents: 2"]
          }
        ])
      },
      { store, pool }
    )
  })

  it("returns when the store works: a job whose row was refused is left where its journal ends, and goes on from there", async () => {
    const kept = await Effect.runPromise(journalStore)
    const broken = new JobStore.StoreError({ reason: "full", message: "no space" })
    let left = 2
    const store = Layer.succeed(JobStore.JobStore, {
      ...kept,
      append: (...row: Parameters<typeof kept.append>) => (left-- > 0 ? kept.append(...row) : Effect.fail(broken))
    })
    await using(
      async (running) => {
        const body = { program: "count", input: { to: 5 }, id: "later" }
        const failed = await running.post("/api/v1/jobs", body)
        expect([failed.status, await jsonOf(failed)]).toEqual([503, expect.objectContaining({ reason: "full" })])
        await until(async () => (await stateOf(running, "later")) === "suspended")
        left = Infinity
        expect((await running.post("/api/v1/jobs/later/resume")).status).toBe(200)
        const ended = await running.post("/api/v1/jobs", body)
        expect([ended.status, await jsonOf(ended)]).toEqual([
          200,
          expect.objectContaining({ jobId: "later", status: "converged", output: 6 })
        ])
        expect((await running.fetch("/ready")).status).toBe(200)
      },
      { store }
    )
  })

  it("is not false for a job in quarantine, which is shown as such and left alone until it is resumed", async () => {
    const kept = await Effect.runPromise(journalStore)
    const broken = new JobStore.StoreError({ reason: "full", message: "no space" })
    let isBroken = true
    const store = Layer.succeed(JobStore.JobStore, {
      ...kept,
      append: (...row: Parameters<typeof kept.append>) => (isBroken ? Effect.fail(broken) : kept.append(...row))
    })
    await using(
      async (running) => {
        const body = { program: "count", input: { to: 5 }, id: "poison" }
        expect((await running.post("/api/v1/jobs", body)).status).toBe(503)
        await until(async () => (await stateOf(running, "poison")) === "suspended")
        const quarantine = "it got no further"
        const leave = Effect.flatMap(kept.lease("poison"), (fence) => kept.quarantine("poison", fence, quarantine))
        await Effect.runPromise(leave)
        isBroken = false
        const shown = { jobId: "poison", state: "quarantined", quarantine }
        expect(await jsonOf(await running.fetch("/api/v1/jobs/poison"))).toMatchObject(shown)
        for (const query of ["", "?status=quarantined", "?status=unfinished"]) {
          expect(await jsonOf(await running.fetch(`/api/v1/jobs${query}`))).toMatchObject({ jobs: [shown] })
        }
        expect(await jsonOf(await running.fetch("/api/v1/jobs?status=suspended"))).toMatchObject({ jobs: [] })
        for (const [path, sent] of [
          ["/api/v1/jobs", body],
          ["/api/v1/jobs/poison/pause", undefined],
          ["/api/v1/jobs/poison/signals", { facts: [] }]
        ] as const) {
          const refused = await running.post(path, sent)
          expect([refused.status, await jsonOf(refused)]).toEqual([
            409,
            expect.objectContaining({
              type: "urn:effect-converge:JobQuarantined",
              detail: expect.stringContaining(quarantine) as string
            })
          ])
        }
        expect(await stateOf(running, "poison")).toBe("quarantined")
        expect((await running.post("/api/v1/jobs/poison/resume")).status).toBe(200)
        const ended = await running.post("/api/v1/jobs", body)
        expect([ended.status, await jsonOf(ended)]).toEqual([200, expect.objectContaining({ status: "converged" })])
      },
      { store }
    )
  })

  it("is false while jobs of the store are taken up", async () => {
    const kept = await Effect.runPromise(journalStore)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    let isFirst = true
    const store = Layer.succeed(JobStore.JobStore, {
      ...kept,
      list: (options: Parameters<typeof kept.list>[0]) => {
        if (options?.status !== "unfinished" || !isFirst) return kept.list(options)
        isFirst = false
        return Effect.andThen(
          Effect.promise(() => held),
          kept.list(options)
        )
      }
    })
    await using(
      async (running) => {
        expect(await jsonOf(await running.fetch("/ready"))).toMatchObject({ services: { server: "replaying" } })
        release()
        await until(async () => (await running.fetch("/ready")).status === 200)
      },
      { store }
    )
  })
})

describe("health", () => {
  it("answers while all workers are busy", async () => {
    const running = await serve({ programs: [stuck] }, { pool: WorkerPool.layer({ size: 1 }) })
    for (const id of ["a", "b", "c"])
      await running.post("/api/v1/jobs", { program: "stuck", id }, { prefer: "respond-async" })
    await until(async () => (await stateOf(running, "a")) === "running")
    for (let n = 0; n < 20; n++) {
      const begin = Date.now()
      expect((await running.fetch("/health")).status).toBe(200)
      expect(Date.now() - begin).toBeLessThan(500)
    }
    for (const id of ["a", "b", "c"]) expect((await running.post(`/api/v1/jobs/${id}/cancel`)).status).toBe(200)
    await running.stop()
  })
})

describe("CORS", () => {
  it("is off unless origins are named", async () => {
    await using(
      async (running) => {
        const origin = "https://app.example"
        const preflight = await running.fetch("/api/v1/jobs", {
          method: "OPTIONS",
          headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" }
        })
        expect(preflight.status).toBe(204)
        expect(preflight.headers.get("access-control-allow-origin")).toBe(origin)
        const asked = await running.fetch("/api/v1/programs", { headers: { origin } })
        expect(asked.headers.get("access-control-allow-origin")).toBe(origin)
      },
      {},
      { cors: ["https://app.example"] }
    )
  })
})
