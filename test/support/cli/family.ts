/** Jobs that an engine of this process leaves in a file: a parent that awaits its child, a mail and an approval, and the child. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, Engine, Intent, JobStore, Program, WorkerPool } from "../../../src/index.ts"
import { noInput, stuck } from "../behaviour/harness.ts"
import asking from "./asking.ts"

const { program: child } = stuck()

const family = Program.make("family", {
  input: noInput,
  agents: [
    Agent.make("asks", {
      execute: () =>
        Effect.succeed({
          intents: [
            Intent.child(child, {}),
            Intent.approval({ id: "go", question: "May it go?" }),
            { kind: "Mail", payload: null }
          ]
        })
    })
  ]
})

const leave = (program: Program.Program.Any, id: string, jobs: number, filename: string): Promise<void> => {
  const handlers = [Engine.handler("Mail", () => Effect.never)]
  const engine = Engine.layer({ children: [child], handlers }).pipe(
    Layer.provide(WorkerPool.layerInline),
    Layer.provide(JobStore.layerSqlite({ filename }))
  )
  const started = Effect.gen(function* () {
    const job = yield* Engine.start(program as typeof asking, {}, { id })
    const { live } = yield* Engine.Engine
    // The clock, not turns: the file takes what time it takes.
    while ((yield* job.status).state !== "awaiting" || (yield* live).length < jobs) yield* Effect.sleep(5)
    yield* Effect.sleep(50)
  })
  return Effect.runPromise(Effect.scoped(Effect.provide(started, engine)))
}

/** Leaves the job `par` and its child in a file. */
export const leaveFamily = (filename: string): Promise<void> => leave(family, "par", 2, filename)

/** Leaves the job `ask` of asking.ts in a file. */
export const leaveAsking = (filename: string): Promise<void> => leave(asking, "ask", 1, filename)
