/**
 * A process with a store, for tests with several. Arguments: the file, the durability, and what it does:
 *
 * - `serve`: does what its parent says (`Command`), and answers each
 * - `write`: appends rows to a new job as fast as it can, and writes the number of each that was acknowledged
 * - `hold`: takes a new job, says so, and waits
 * - `write-and-close`: appends 1,000 rows to a new job, closes the store and ends
 * - `idle`: opens a store, writes a row and leaves it open with nothing to do
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { writeSync } from "node:fs"
import { JobStore } from "../../../src/index.ts"
import { newJob, row } from "./harness.ts"

export type Command =
  | { readonly kind: "take"; readonly jobId: string }
  | { readonly kind: "append"; readonly jobId: string; readonly fence: number; readonly cycle: number }
  | { readonly kind: "end" }

export type Answer =
  | { readonly kind: "done"; readonly fence: number; readonly cycle: number }
  | { readonly kind: "refused"; readonly reason: string }

const [filename = "", durability = "full", what] = process.argv.slice(2)
const layer = JobStore.layerSqlite({ filename, durability: durability as JobStore.Durability })

const say = (line: string | number): void => {
  for (;;) {
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (error) {
      // The pipe is full for a moment: the parent reads more slowly than this process writes.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error
    }
  }
}

const obey = (command: Exclude<Command, { readonly kind: "end" }>) =>
  Effect.gen(function* () {
    const store = yield* JobStore.JobStore
    const { jobId } = command
    if (command.kind === "append") {
      yield* store.append(jobId, command.fence, row(command.cycle))
      return { fence: command.fence, cycle: command.cycle }
    }
    const fence = yield* store.lease(jobId, { force: true })
    const cycle = (yield* store.load(jobId)).cycle + 1
    yield* store.append(jobId, fence, row(cycle))
    return { fence, cycle }
  }).pipe(
    Effect.match({
      onSuccess: ({ cycle, fence }): Answer => ({ kind: "done", fence, cycle }),
      onFailure: ({ reason }): Answer => ({ kind: "refused", reason })
    })
  )

const serve = Effect.gen(function* () {
  const context = yield* Effect.context<JobStore.JobStore>()
  yield* Effect.callback<void>((resume) => {
    process.on("message", (command: Command) => {
      if (command.kind === "end") {
        process.disconnect()
        resume(Effect.void)
      } else void Effect.runPromiseWith(context)(obey(command)).then((answer) => process.send?.(answer))
    })
    process.send?.("ready")
  })
})

const write = (rows: number, isTold: boolean) =>
  Effect.gen(function* () {
    const store = yield* JobStore.JobStore
    const fence = yield* store.create(newJob("a"))
    for (let cycle = 1; cycle <= rows; cycle++) {
      yield* store.append("a", fence, row(cycle))
      if (isTold) say(cycle)
    }
  })

const hold = Effect.gen(function* () {
  // The listener keeps it alive: an idle store does not.
  process.on("message", () => {})
  yield* (yield* JobStore.JobStore).create(newJob("a"))
  say("held")
  return yield* Effect.never
})

const idle = Effect.gen(function* () {
  const context = yield* Layer.buildWithScope(layer, yield* Scope.make())
  const store = Context.get(context, JobStore.JobStore)
  yield* store.append("a", yield* store.create(newJob("a")), row(1))
  say("idle")
})

const works = {
  serve: Effect.provide(serve, layer),
  write: Effect.provide(write(Infinity, true), layer),
  "write-and-close": Effect.provide(write(1_000, false), layer),
  hold: Effect.provide(hold, layer),
  idle
}
await Effect.runPromise(works[what as keyof typeof works])
