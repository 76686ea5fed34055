/** The log has a line for each job that did not converge: what a person who runs the engine goes by. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { Engine } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { counter, ended, engine, failure, stuck } from "../support/behaviour/harness.ts"
import { failing } from "../support/behaviour/thrown.ts"

interface Line {
  readonly level: string
  readonly text: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** Collects the lines that are logged while an effect runs. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<ReadonlyArray<Line>, E, R> =>
  Effect.suspend(() => {
    const lines: Array<Line> = []
    const logger = Logger.make(({ fiber, logLevel, message }) => {
      const annotations = fiber.getRef(References.CurrentLogAnnotations)
      lines.push({ level: logLevel, text: Array.isArray(message) ? message.join(" ") : String(message), annotations })
    })
    return Effect.as(Effect.provide(effect, Logger.layer([logger])), lines)
  })

describe("the log", () => {
  it.effect("has an error for a job that failed: the job, its program, agent and cycle, the cause, and the stack", () =>
    Effect.gen(function* () {
      const lines = yield* logged(failure(Engine.run(failing, { name: "caused", how: "fail" }, { id: "job" })))
      expect(lines).toEqual([
        {
          level: "Error",
          text: "job job failed: AgentFailed",
          annotations: {
            job: "job",
            program: "failing",
            status: "failed",
            agent: "fails",
            cycle: 1,
            cycles: 1,
            durationMs: expect.any(Number),
            cause: expect.objectContaining({
              _tag: "AgentFailed",
              error: expect.objectContaining({
                message: "fetch failed",
                cause: expect.objectContaining({ code: "ECONNREFUSED" })
              })
            }),
            stack: expect.stringMatching(/fetch failed\n\s+at [^]*caused by Error: connect ECONNREFUSED/)
          }
        }
      ])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("has a warning for a job that exhausted a budget, with who would have crossed it", () =>
    Effect.gen(function* () {
      const lines = yield* logged(failure(Engine.run(counter(9), {}, { id: "job", budget: { maxFacts: 3 } })))
      expect(lines).toMatchObject([
        {
          level: "Warn",
          text: "job job exhausted a budget",
          annotations: { job: "job", program: "counter", cause: { _tag: "BudgetExhausted", budget: "facts", limit: 3 } }
        }
      ])
      expect(lines[0]?.annotations).toHaveProperty("agent")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("has a note of a job that was cancelled, and nothing of one that converged or is read again", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { program } = stuck()
      const cancelled = Effect.gen(function* () {
        const job = yield* Engine.start(program, {}, { id: "job" })
        yield* job.cancel
        yield* ended(job.result)
      })
      const lines = yield* logged(cancelled).pipe(Effect.scoped, Effect.provide(engineOnStore(store)))
      expect(lines).toMatchObject([{ level: "Info", text: "job job was cancelled", annotations: { job: "job" } }])
      const again = Effect.flatMap(Engine.resume(program, "job"), (job) => failure(job.result))
      const quiet = yield* logged(Effect.andThen(again, Engine.run(counter(2), {}))).pipe(
        Effect.scoped,
        Effect.provide(engineOnStore(store))
      )
      expect(quiet).toEqual([])
    })
  )

  it.effect("has nothing of a job that is left in its store when its engine closes", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { program } = stuck()
      const lines = yield* logged(
        Effect.scoped(Engine.start(program, {}, { id: "job" })).pipe(
          Effect.andThen(Effect.yieldNow),
          Effect.provide(engineOnStore(store))
        )
      )
      expect(lines).toEqual([])
      expect((yield* store.load("job")).status).toBeUndefined()
    })
  )
})
