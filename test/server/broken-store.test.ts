/** Jobs over HTTP whose store does not take what it is given: cancelled, watched, listed, and what strangers are told of it. */
import * as Effect from "effect/Effect"
import * as Deferred from "effect/Deferred"
import * as Layer from "effect/Layer"
import { describe, expect, it, vi } from "vitest"
import { JobStore } from "../../src/index.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { count, inline } from "../support/server/programs.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/Limits.ts")>()
  return { Limits: { ...Limits, cancelPollMs: 50, resumeScanMs: 50, serverWriteMs: 20 } }
})

type Store = JobStore.JobStore["Service"]

const place = "/srv/secret/jobs.db"
const busy = Effect.fail(new JobStore.StoreError({ reason: "busy", message: `${place}: another connection holds it` }))

/** A store whose operations can be made to fail, or to wait, and back. */
const breakable = async () => {
  const kept = await Effect.runPromise(journalStore)
  let broken: { readonly [Op in keyof Store]?: Effect.Effect<never, JobStore.StoreError> } = {}
  const breaking = <Op extends "append" | "create" | "halt" | "lease" | "release">(op: Op): Store[Op] => {
    const works = kept[op] as (...asked: ReadonlyArray<unknown>) => Effect.Effect<never, JobStore.StoreError>
    return (...asked: ReadonlyArray<unknown>) => Effect.suspend(() => broken[op] ?? works(...asked))
  }
  const store: Store = {
    ...kept,
    append: breaking("append"),
    create: breaking("create"),
    halt: breaking("halt"),
    lease: breaking("lease"),
    release: breaking("release"),
    waitingSince: Effect.sync(() => (broken.create === undefined ? undefined : 1))
  }
  const breaks = (how: typeof broken): void => void (broken = how)
  return { kept, breaks, layer: Layer.succeed(JobStore.JobStore, store) }
}

const using = async (
  use: (running: Running, store: Awaited<ReturnType<typeof breakable>>) => Promise<void>
): Promise<void> => {
  const store = await breakable()
  // As `converge serve` does, the engine looks for unfinished jobs.
  const running = await serve({ programs: inline }, { store: store.layer, engine: { programs: inline } as object })
  try {
    await use(running, store)
  } finally {
    store.breaks({})
    await running.stop()
  }
}

const start = (running: Running, program: string, id: string, input: object = {}) =>
  running.post("/api/v1/jobs", { program, id, input }, { prefer: "respond-async" })

const look = async (running: Running, id: string) => jsonOf(await running.fetch(`/api/v1/jobs/${id}`))

const isRunning = (running: Running, id: string, cycle = 1) =>
  until(async () => Number((await look(running, id))["cycle"]) >= cycle)

const statusIn = ({ kept }: { readonly kept: Store }, id: string) =>
  Effect.runPromise(Effect.map(kept.load(id), ({ status }) => status))

const unavailable = { type: "urn:effect-converge:Unavailable", status: 503, reason: "store", jobId: "run" }

describe("a cancel whose end the store does not take", () => {
  it("is answered with 503, and the job is cancelled in its journal when the store answers again", () =>
    using(async (running, store) => {
      await start(running, "waiting", "run")
      await isRunning(running, "run", 2)
      store.breaks({ halt: busy, lease: busy })
      const refused = await running.post("/api/v1/jobs/run/cancel")
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"])
      expect(await jsonOf(refused)).toMatchObject(unavailable)
      expect(await statusIn(store, "run")).toBeUndefined()
      store.breaks({})
      await until(async () => (await statusIn(store, "run")) === "cancelled")
      const again = await running.post("/api/v1/jobs/run/cancel")
      expect([again.status, (await jsonOf(again))["state"]]).toEqual([200, "cancelled"])
    }))

  it("because it took no cycle either, does not let the job go on", () =>
    using(async (running, store) => {
      await start(running, "signalled", "run")
      await isRunning(running, "run")
      const held = Deferred.makeUnsafe<never, JobStore.StoreError>()
      let isAsked = false
      const append = Effect.andThen(
        Effect.sync(() => (isAsked = true)),
        Deferred.await(held)
      )
      store.breaks({ append, halt: busy, lease: busy })
      await until(() => isAsked)
      const refusing = running.post("/api/v1/jobs/run/cancel")
      await until(async () => (await look(running, "run"))["phase"] === "stopping")
      Effect.runSync(Deferred.completeWith(held, busy))
      const refused = await refusing
      expect(refused.status).toBe(503)
      expect(await jsonOf(refused)).toMatchObject(unavailable)
      const { cycle } = await look(running, "run")
      // An attempt to go on with it has to end it first, and cannot.
      expect((await running.post("/api/v1/jobs/run/resume")).status).toBe(503)
      store.breaks({})
      const resumed = await running.post("/api/v1/jobs/run/resume")
      expect(await jsonOf(resumed)).toMatchObject({ type: "urn:effect-converge:JobHalted", jobStatus: "cancelled" })
      expect(await look(running, "run")).toMatchObject({ state: "cancelled", cycle })
      expect(await statusIn(store, "run")).toBe("cancelled")
    }))
})

describe("a viewer of a job whose cycle the store does not take", () => {
  const lines = async (response: Promise<Response>) =>
    (await (await response).text())
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { readonly _tag: string; readonly seq?: number; readonly reason?: string })

  it("is told goodbye without a number, and comes back to one list", () =>
    using(async (running, store) => {
      await start(running, "signalled", "run")
      await isRunning(running, "run")
      const watch = (last: number) =>
        lines(
          running.fetch("/api/v1/jobs/run/events", {
            headers: { accept: "application/x-ndjson", "last-event-id": String(last) }
          })
        )
      const seeing = watch(0)
      await isRunning(running, "run", 3)
      store.breaks({ append: busy, lease: busy })
      const seen = await seeing
      expect(seen.at(-1)).toEqual({ _tag: "Goodbye", reason: "store" })
      const before = seen.slice(0, -1)
      expect(before.map(({ _tag }) => _tag)).not.toContain("JobHalted")
      store.breaks({})
      await until(async () => (await look(running, "run"))["state"] === "running")
      const rest = watch(Number(before.at(-1)?.seq))
      await running.post("/api/v1/jobs/run/cancel")
      const all = await watch(0)
      expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1))
      expect([...before, ...(await rest)]).toEqual(all)
    }))
})

describe("what strangers are told", () => {
  it("names no place of the store", () =>
    using(async (running, store) => {
      store.breaks({ append: busy, lease: busy })
      const answer = await running.post("/api/v1/jobs", { program: "count", input: { to: 3 }, id: "run" })
      expect(answer.status).toBe(503)
      const text = await answer.text()
      expect(JSON.parse(text)).toMatchObject({ reason: "busy", partial: { error: { _tag: "StoreFailed" } } })
      expect(text + JSON.stringify(await look(running, "run"))).not.toContain("/srv")
    }))
})

describe("a start that waits for the store", () => {
  it("holds up no list, and the server says that its store does not write", () =>
    using(async (running, store) => {
      const held = Deferred.makeUnsafe<never, JobStore.StoreError>()
      await start(running, "count", "ended", { to: 1 })
      let isAsked = false
      const create = Effect.andThen(
        Effect.sync(() => (isAsked = true)),
        Deferred.await(held)
      )
      store.breaks({ create })
      const waiting = start(running, "count", "new", { to: 1 })
      await until(() => isAsked)
      const { jobs } = await jsonOf(await running.fetch("/api/v1/jobs"))
      expect(jobs).toMatchObject([{ jobId: "ended" }])
      const ready = await running.fetch("/ready")
      expect(ready.status).toBe(503)
      expect(await jsonOf(ready)).toMatchObject({ services: { store: "failed: it does not write" } })
      Effect.runSync(Deferred.completeWith(held, busy))
      await waiting
    }))
})

describe("a job", () => {
  it("began when its journal says", () =>
    using(async (running) => {
      await start(running, count.name, "one", { to: 1 })
      const { jobs } = (await jsonOf(await running.fetch("/api/v1/jobs"))) as { jobs: ReadonlyArray<object> }
      const { createdAt } = await look(running, "one")
      expect(jobs).toMatchObject([{ jobId: "one", createdAt }])
      expect(createdAt).toBeGreaterThan(0)
    }))
})
