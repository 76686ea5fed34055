/**
 * An engine whose store cannot write for a while, or whose file is not one: each is a typed error, nothing that was
 * committed is lost, the engine goes on, and the job can be resumed when the cause is gone, by the same engine too.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Agent, Engine, Fact, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { runInline } from "../support/core/run.ts"
import { connection, smallDisk } from "../support/store/disk.ts"
import { withFile, withFolder } from "../support/store/harness.ts"

const Page = Fact.kind("Page", {
  schema: Schema.Struct({ n: Schema.Int, text: Schema.String }),
  id: ({ n }) => String(n)
})

/** Writes a page of a length in each cycle. `before` is run before each. */
const writing = (pages: number, length: number, before: (n: number) => Effect.Effect<void> = () => Effect.void) =>
  Program.make("writing", {
    input: Schema.Struct({}),
    seed: () => [Page.of({ n: 0, text: "" })],
    agents: [
      Agent.make("write", {
        each: Page,
        writes: [Page],
        execute: ({ value: { n } }) =>
          Effect.as(before(n), { facts: n < pages ? [Page.of({ n: n + 1, text: "x".repeat(length) })] : [] })
      })
    ]
  })

const engineOn = (options: JobStore.SqliteOptions) =>
  Engine.layer().pipe(Layer.provide(WorkerPool.layerInline), Layer.provideMerge(JobStore.layerSqlite(options)))

/** An engine with its store, for as long as the scope is open. */
const open = (options: JobStore.SqliteOptions) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const context = yield* Layer.buildWithScope(Layer.fresh(engineOn(options)), scope)
    return {
      store: Context.get(context, JobStore.JobStore),
      use: <A, E>(effect: Effect.Effect<A, E, Engine.Engine>) => Effect.provideContext(effect, context),
      close: Scope.close(scope, Exit.void)
    }
  })

type Writing = ReturnType<typeof writing>

const run = (program: Writing, id: string) => Effect.flatMap(Engine.start(program, {}, { id }), (job) => job.result)

const resume = (program: Writing, id: string) => Effect.flatMap(Engine.resume(program, id), (job) => job.result)

describe("an engine whose file cannot be used", () => {
  it.live("is not built, with the reason", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const text = join(folder, "text.db")
        writeFileSync(text, "This is not a database. ".repeat(100))
        expect(yield* Effect.flip(open({ filename: text }))).toMatchObject({
          _tag: "StoreError",
          reason: "not-a-database"
        })
        const locked = join(folder, "locked.db")
        const other = yield* connection(locked)
        other.exec("CREATE TABLE t (a); BEGIN EXCLUSIVE")
        expect(yield* Effect.flip(open({ filename: locked, busyTimeout: 50 }))).toMatchObject({
          _tag: "StoreError",
          reason: "busy"
        })
        other.exec("COMMIT")
        const disk = join(folder, "disk")
        mkdirSync(disk)
        if (yield* smallDisk(disk, 2)) {
          execFileSync("mount", ["-o", "remount,ro", disk], { stdio: "ignore" })
          expect(yield* Effect.flip(open({ filename: join(disk, "a.db") }))).toMatchObject({
            _tag: "StoreError",
            reason: "read-only"
          })
        }
        // The process goes on.
        const { use } = yield* open({ filename: locked })
        expect(yield* use(run(writing(2, 10), "a"))).toMatchObject({ status: "converged" })
      })
    )
  )
})

describe("an engine whose file is locked", () => {
  it.live("ends its jobs with StoreFailed, and resumes them when it is free", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store, use } = yield* open({ filename, busyTimeout: 30 })
        const other = yield* connection(filename)
        let isLocked = true
        const program = writing(6, 10, (n) =>
          Effect.sync(() => {
            if (n === 3 && isLocked) other.exec("BEGIN IMMEDIATE")
          })
        )
        const whole = yield* runInline(writing(6, 10), {}, { id: "a" })
        const failed = yield* use(Effect.flip(run(program, "a")))
        expect(failed).toMatchObject({ _tag: "StoreFailed", reason: "busy", cycle: 4, partial: { cycles: 3 } })
        expect(yield* use(Effect.flip(run(writing(1, 10), "b")))).toMatchObject({ _tag: "StoreFailed", reason: "busy" })
        expect(yield* store.load("a")).toMatchObject({ cycle: 3, status: undefined })
        other.exec("ROLLBACK")
        isLocked = false
        expect((yield* use(resume(program, "a"))).hash).toBe(whole.result.hash)
        expect(yield* use(run(writing(1, 10), "b"))).toMatchObject({ status: "converged" })
      })
    )
  )

  it.live("lets go of its jobs as soon as it can, for other engines", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const one = yield* open({ filename, busyTimeout: 30, lease: 100 })
        const other = yield* connection(filename)
        const program = writing(6, 10, (n) =>
          Effect.sync(() => {
            if (n === 3 && !other.isTransaction) other.exec("BEGIN IMMEDIATE")
          })
        )
        expect(yield* one.use(Effect.flip(run(program, "a")))).toMatchObject({ reason: "busy" })
        other.exec("ROLLBACK")
        const two = yield* open({ filename })
        while ((yield* two.store.load("a")).isHeld) yield* Effect.sleep(10)
        const whole = yield* runInline(writing(6, 10), {}, { id: "a" })
        expect((yield* two.use(resume(writing(6, 10), "a"))).hash).toBe(whole.result.hash)
      })
    )
  )

  it.live("while a job ends leaves the job to be ended later", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store, use } = yield* open({ filename, busyTimeout: 30 })
        const other = yield* connection(filename)
        // When the last cycle is committed, and before the end can be.
        const program = Program.make("ending", {
          input: Schema.Struct({}),
          seed: () => [],
          agents: [],
          output: () => {
            if (isBroken) other.exec("BEGIN IMMEDIATE")
            return "done"
          }
        })
        let isBroken = true
        const ended = yield* use(Effect.flatMap(Engine.start(program, {}, { id: "a" }), (job) => job.result))
        expect(ended).toMatchObject({ status: "converged", output: "done" })
        expect(yield* store.load("a")).toMatchObject({ status: undefined })
        other.exec("ROLLBACK")
        isBroken = false
        const again = yield* use(Effect.flatMap(Engine.resume(program, "a"), (job) => job.result))
        expect(again).toMatchObject({ hash: ended.hash, output: "done" })
        expect(yield* store.load("a")).toMatchObject({ status: "converged", isHeld: false })
      })
    )
  )
})

describe("an engine whose disk is full", () => {
  for (const [name, megabytes, length] of [
    ["its quota", undefined, 100_000],
    ["the disk", 2, 200_000]
  ] as const) {
    it.live(`ends its job with StoreFailed, and resumes it when there is space again: ${name}`, () =>
      withFolder((parent) =>
        Effect.gen(function* () {
          const folder = join(parent, "disk")
          mkdirSync(folder)
          const isMounted = megabytes !== undefined && (yield* smallDisk(folder, megabytes))
          const quota = isMounted ? {} : { maxSizeMb: 1 }
          const { store, use } = yield* open({ filename: join(folder, "a.db"), ...quota })
          yield* use(run(writing(5, length), "old"))
          const program = writing(7, length)
          const whole = yield* runInline(program, {}, { id: "a" })
          const failed = yield* use(Effect.flip(run(program, "a")))
          expect(failed).toMatchObject({ _tag: "StoreFailed", reason: "full" })
          const { cycles } = failed._tag === "StoreFailed" ? failed.partial : { cycles: -1 }
          expect(yield* store.load("a")).toMatchObject({ cycle: cycles, status: undefined })
          // Again, as long as there is none.
          expect(yield* use(Effect.flip(resume(program, "a")))).toMatchObject({ reason: "full" })
          expect(yield* store.load("a")).toMatchObject({ cycle: cycles, status: undefined })
          if (isMounted) execFileSync("mount", ["-o", "remount,size=16m", folder])
          expect(yield* store.prune({ keepLatest: 0 })).toBe(1)
          expect((yield* use(resume(program, "a"))).hash).toBe(whole.result.hash)
        })
      )
    )
  }
})
