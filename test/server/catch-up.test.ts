/** Viewers who ask for more of a job than its log keeps: from the journal if there is one, and told what they miss if not. */
import { expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { describe, vi } from "vitest"
import { Engine, type Job, JobStore, Journal, type Program, WorkerPool } from "../../src/index.ts"
import { viewOf } from "../../src/job/jobHandle.ts"
import type { KnownJob } from "../../src/server/directory.ts"
import { eventsAfter } from "../../src/server/eventSource.ts"
import { viewer } from "../../src/server/viewer.ts"
import { WrittenEvents } from "../../src/server/writtenEvents.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { counter, makeGate, turns } from "../support/behaviour/harness.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { count, signalled } from "../support/server/programs.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/Limits.ts")>()
  return { Limits: { ...Limits, retainedCycles: 20 } }
})

type Store = JobStore.JobStore["Service"]

interface Line {
  readonly _tag: string
  readonly cycle: number
  readonly seq?: number
  readonly from?: number
  readonly to?: number
}

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from)

const entryOf = (job: Job.Job<Program.Program.Any>): KnownJob => ({
  job,
  view: viewOf(job)!,
  body: undefined,
  end: undefined,
  haltedAt: undefined,
  ended: Deferred.makeUnsafe<void>(),
  waiting: 0,
  isWanted: true
})

/** The lines that a viewer is sent; `each` is done before it takes the next. */
const watch = (
  store: Store,
  entry: KnownJob,
  after: number,
  each: (line: Line) => Effect.Effect<void> = () => Effect.void
) =>
  viewer(Stream.orDie(eventsAfter(store, entry, after)), {
    format: "ndjson",
    after,
    heartbeatMs: 60_000,
    goodbye: Effect.never,
    written: new WrittenEvents()
  }).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.map((line) => JSON.parse(line) as Line),
    Stream.tap(each),
    Stream.runCollect
  )

/** A job that has committed so many cycles, of which its log keeps few, and waits before it goes on to others. */
const halfway = Effect.fnUntraced(function* (at: number, to: number) {
  const gate = makeGate()
  const program = counter(to, { before: (n) => (n === at ? gate.arrive : Effect.void) })
  const job = yield* Engine.start(program, {}, { id: "halfway" })
  yield* gate.arrived
  const entry = entryOf(job)
  const goOn = Effect.andThen(gate.open, Effect.asVoid(Effect.orDie(job.result)))
  return { entry, goOn, log: entry.view.log }
})

/** The events of the job in the store, as lines. */
const written = (store: Store): Effect.Effect<ReadonlyArray<Line>> =>
  Effect.map(
    Journal.events("halfway").pipe(
      Stream.unwrap,
      Stream.runCollect,
      Effect.orDie,
      Effect.provideService(JobStore.JobStore, store)
    ),
    (events) => events.map((event) => JSON.parse(JSON.stringify(event)) as Line)
  )

/** Runs with an engine on a store that keeps journals. */
const onJournal = (use: (store: Store) => Effect.Effect<void, unknown, Engine.Engine>) =>
  Effect.flatMap(journalStore, (store) => Effect.provide(use(store), engineOnStore(store)))

describe("a viewer that asks for more than the log of a live job keeps", () => {
  it.effect("is given that from the journal, and then the log, each event once", () =>
    onJournal((store) =>
      Effect.gen(function* () {
        const { entry, goOn, log } = yield* halfway(100, 130)
        expect(log.oldest).toBeGreaterThan(200)
        const afters = [0, 7, 150, log.oldest - 2, log.oldest - 1, log.newest, log.newest + 5]
        const viewers = yield* Effect.forkChild(
          Effect.forEach(afters, (after) => watch(store, entry, after), { concurrency: "unbounded" }),
          { startImmediately: true }
        )
        yield* turns(50)
        yield* goOn
        const all = yield* written(store)
        expect(all.map(({ seq }) => seq)).toEqual(upTo(all.length))
        expect(all.at(-1)?._tag).toBe("JobHalted")
        expect(yield* Fiber.join(viewers)).toEqual(afters.map((after) => all.slice(after)))
        // The same when it has ended and is still held.
        expect(yield* watch(store, entry, 3)).toEqual(all.slice(3))
      })
    )
  )

  it.effect("misses nothing that the log drops while it reads the journal", () =>
    onJournal((store) =>
      Effect.gen(function* () {
        const { entry, goOn, log } = yield* halfway(100, 400)
        const before = log.newest
        const slow: Store = {
          ...store,
          rows: (...asked) => Stream.unwrap(Effect.as(goOn, store.rows(...asked)))
        }
        const seen = yield* watch(slow, entry, 0)
        expect(log.oldest).toBeGreaterThan(before)
        expect(seen).toEqual(yield* written(store))
      })
    )
  )

  it.effect("is told what it misses where the journal is not what was written, and goes on with the log", () =>
    onJournal((store) =>
      Effect.gen(function* () {
        const { entry, goOn, log } = yield* halfway(100, 100)
        yield* goOn
        const all = yield* written(store)
        const tampered: Store = {
          ...store,
          rows: (...asked) =>
            Stream.map(store.rows(...asked), (row) => (row.cycle === 5 ? { ...row, text: `${row.text} ` } : row))
        }
        const intact = all.filter(({ cycle }) => cycle < 5)
        const missed = { _tag: "Missed", from: intact.length + 1, to: log.oldest - 1 }
        expect(yield* watch(tampered, entry, 0)).toEqual([...intact, missed, ...all.slice(log.oldest - 1)])
        const refused = Effect.fail(new JobStore.StoreError({ reason: "busy", message: "not now" }))
        const silent = { ...store, load: () => refused }
        expect(yield* watch(silent, entry, 2)).toEqual([{ ...missed, from: 3 }, ...all.slice(log.oldest - 1)])
      })
    )
  )

  it.effect("is told what it misses where there is no journal", () =>
    Effect.gen(function* () {
      const { entry, goOn, log } = yield* halfway(100, 100)
      yield* goOn
      const store = yield* JobStore.JobStore
      const [first, second] = yield* watch(store, entry, 4)
      expect(first).toEqual({ _tag: "Missed", from: 5, to: log.oldest - 1 })
      expect(second).toMatchObject({ seq: log.oldest })
    }).pipe(
      Effect.provide(Layer.provideMerge(Engine.layer(), Layer.merge(JobStore.layerMemory, WorkerPool.layerInline)))
    )
  )
})

describe("a viewer that falls behind the log while it watches", () => {
  it.effect("is told what it has missed, and finds it in the journal when it comes back for it", () =>
    onJournal((store) =>
      Effect.gen(function* () {
        const { entry, goOn } = yield* halfway(3, 200)
        const seen = yield* watch(store, entry, 0, ({ seq }) => (seq === 2 ? goOn : Effect.void))
        const all = yield* written(store)
        expect(seen.some(({ _tag }) => _tag === "Missed")).toBe(true)
        const caughtUp = yield* Effect.forEach(seen, (line) => {
          const { from = 0, to = 0 } = line
          return line._tag === "Missed"
            ? Effect.map(watch(store, entry, from - 1), (more) => more.slice(0, to - from + 1))
            : Effect.succeed([line])
        })
        expect(caughtUp.flat()).toEqual(all)
      })
    )
  )
})

describe("over HTTP, on a durable store", () => {
  const ask = (running: Running, id: string, last = 0) => {
    const headers = { accept: "application/x-ndjson", "last-event-id": String(last) }
    return running.fetch(`/api/v1/jobs/${id}/events`, { headers })
  }
  const lines = async (running: Running, id: string, last = 0) =>
    (await (await ask(running, id, last)).text()).trimEnd().split("\n")

  it("a live job and one that has ended show their whole lists to whoever comes, and comes back", async () => {
    const store = Layer.succeed(JobStore.JobStore, await Effect.runPromise(journalStore))
    const first = await serve({ programs: [count, signalled] }, { store })
    const start = (program: string, input: object) =>
      first.post("/api/v1/jobs", { program, input, id: program }, { prefer: "respond-async" })
    await start("signalled", {})
    await start("count", { to: 300 })
    await until(async () => Number((await jsonOf(await first.fetch("/api/v1/jobs/signalled")))["cycle"]) > 50)
    const live = [0, 9].map((last) => lines(first, "signalled", last))
    await until(async () => (await (await first.fetch("/metrics")).text()).includes("converge_http_streams 2"))
    await first.post("/api/v1/jobs/signalled/cancel")
    const [whole, rest] = await Promise.all(live)
    const ended = await lines(first, "count")
    expect(await lines(first, "count", 30)).toEqual(ended.slice(30))
    expect((await ask(first, "count", ended.length)).status).toBe(204)
    await first.stop()
    // A server that holds neither of them reads their journals.
    const second = await serve({ programs: [] }, { store })
    expect(whole).toEqual(await lines(second, "signalled"))
    expect(rest).toEqual(whole?.slice(9))
    expect(ended).toEqual(await lines(second, "count"))
    await second.stop()
  })
})
