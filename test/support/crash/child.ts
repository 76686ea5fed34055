/**
 * A process that runs the jobs of program.ts over a file until they have ended, or it is killed. It takes up what is there
 * first. Arguments: the file, the log, and how it finds unfinished jobs: `asked` (`Engine.resumeAll`) or `found` (the engine
 * looks for them).
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { writeSync } from "node:fs"
import { flushCompileCache } from "node:module"
import { Engine, JobStore, WorkerPool } from "../../../src/index.ts"
import { actingIn, answeredBy, measured } from "./acts.ts"
import { logTo } from "./log.ts"
import { comeTo } from "./points.ts"
import { crashing, idOf, places, Told } from "./program.ts"

const [filename = "", logFile = "", how = "asked"] = process.argv.slice(2)
const log = logTo(logFile)

const before = (point: Parameters<typeof comeTo>[0]) => Effect.sync(() => comeTo(point))

/** The store, with what is said of it, and the moments around each of its operations. */
const watched = (store: JobStore.JobStore["Service"]): JobStore.JobStore["Service"] => ({
  ...store,
  create: (job) =>
    before("before a creation").pipe(
      Effect.andThen(store.create(job)),
      Effect.tap(() => before("after a creation"))
    ),
  append: (jobId, fence, row) =>
    Effect.suspend(() => {
      comeTo("before a row")
      const answers = answeredBy(jobId, row.text())
      if (answers.length > 0) comeTo("before a row with answers")
      return Effect.tap(store.append(jobId, fence, row), () =>
        Effect.sync(() => {
          log({ tag: "Committed", jobId, cycle: row.cycle, hash: row.hash, answers })
          comeTo("after a row")
          if (answers.length > 0) comeTo("after a row with answers")
        })
      )
    }),
  keep: (jobId, fence, kept) =>
    before("before a kept effect").pipe(
      Effect.andThen(store.keep(jobId, fence, kept)),
      Effect.tap(() =>
        Effect.sync(() => {
          log({ tag: "Kept", jobId, cycle: kept.cycle, key: kept.key })
          comeTo("after a kept effect")
        })
      )
    ),
  halt: (jobId, fence, end) =>
    before("before an end").pipe(
      Effect.andThen(store.halt(jobId, fence, end)),
      Effect.tap(() =>
        Effect.sync(() => {
          log({ tag: "Halted", jobId })
          comeTo("after an end")
        })
      )
    ),
  load: (jobId) =>
    before("before a look at a journal").pipe(
      Effect.andThen(store.load(jobId)),
      Effect.tap(() => before("after a look at a journal"))
    ),
  lease: (jobId, options) =>
    before("before a lease").pipe(
      Effect.andThen(store.lease(jobId, options)),
      Effect.tap(() => before("after a lease"))
    ),
  rows: (jobId, after, until) => Stream.tap(store.rows(jobId, after, until), () => before("in a replay")),
  kept: (jobId) => Effect.tap(store.kept(jobId), () => before("after a replay"))
})

const store = Layer.effect(JobStore.JobStore, Effect.map(JobStore.JobStore, watched)).pipe(
  Layer.provide(JobStore.layerSqlite({ filename }))
)

const observer: Engine.InspectionObserver = (event) => {
  if (event.type === "@xstate.snapshot" && event.event.type === "MERGED") {
    comeTo("after the transition that follows a row")
  }
}

const act = actingIn(logFile, comeTo)

/** An engine that looks for jobs may come to an intent before anybody could call `Engine.handle`. */
const found = { programs: [crashing], handlers: [Engine.handler(measured, act)] }

// More kills than any job's attempts: these tests are about what a kill leaves, not about jobs that are given up.
const engine = Engine.layer({ maxAttempts: 1_000, ...(how === "found" ? found : {}) }).pipe(
  Layer.provide([store, WorkerPool.layer({ size: 2, execArgv: [] })]),
  Layer.provideMerge([
    Layer.succeed(Engine.inspect, observer),
    Layer.succeed(Told, (begun) => log({ tag: "Begun", ...begun }))
  ])
)

const program = Effect.gen(function* () {
  if (how !== "found") {
    yield* Engine.handle(measured, act)
    yield* Engine.resumeAll([crashing])
  }
  const started = yield* Effect.forEach(
    places,
    (job) =>
      Effect.tap(Engine.start(crashing, { job }, { id: idOf(job) }), ({ id }) =>
        Effect.sync(() => log({ tag: "Accepted", jobId: id }))
      ),
    { concurrency: "unbounded" }
  )
  yield* Effect.forEach(
    started,
    (job) => Effect.tap(job.result, ({ hash, jobId }) => Effect.sync(() => log({ tag: "Ended", jobId, hash }))),
    { concurrency: "unbounded", discard: true }
  )
})

// A process that is killed writes nothing of what it has compiled, unless it has done so before.
flushCompileCache()
log({ tag: "Began" })
writeSync(1, "began\n")
await Effect.runPromise(Effect.provide(program, engine))
