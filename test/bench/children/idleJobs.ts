/** A process that starts many jobs which wait, and prints the memory of one. Input: how many jobs, and how they wait. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Program } from "../converge.ts"
import { startEngine } from "../support/engine.ts"

export interface IdleInput {
  readonly jobs: number
  readonly how: "waiting" | "paused"
}

export interface IdleResult {
  readonly heapKb: number
  readonly rssKb: number
  readonly live: number
}

const { how, jobs } = JSON.parse(process.argv[2]!) as IdleInput

const never = Deferred.makeUnsafe<void>()
let begun = 0
const allBegun = Promise.withResolvers<void>()

/** The task of a job that will be paused ends at once, so that it does not delay the pause. */
const program = Program.make("idle", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("wait", {
      accepts: () => true,
      execute: () =>
        Effect.suspend(() => {
          if (++begun === jobs + 1) allBegun.resolve()
          return how === "waiting" ? Effect.as(Deferred.await(never), {}) : Effect.as(Effect.yieldNow, {})
        })
    })
  ]
})

const memory = () => {
  for (let i = 0; i < 4; i++) globalThis.gc!()
  return process.memoryUsage()
}

const engine = startEngine(undefined, { maxRunningJobs: jobs + 1 })
const start = Effect.tap(Engine.start(program, {}), (job) =>
  how === "paused" ? Effect.ignore(job.pause) : Effect.void
)

// One job first, so that the modules and the code that the first one loads are not counted.
const first = await engine.run(start)
await new Promise((resolve) => setTimeout(resolve, 50))
const before = memory()
await engine.run(Effect.forEach(Array.from({ length: jobs }), () => start, { discard: true }))
// A paused job may not have begun a cycle; it is paused when `start` returns.
if (how === "waiting") await allBegun.promise
await new Promise((resolve) => setTimeout(resolve, 50))
const after = memory()
const live = await engine.run(Effect.flatMap(Engine.Engine, (it) => it.live))

const result: IdleResult = {
  heapKb: (after.heapUsed - before.heapUsed) / jobs / 1_000,
  rssKb: (after.rss - before.rss) / jobs / 1_000,
  live: live.filter(({ jobId }) => jobId !== first.id).length
}
process.stdout.write(JSON.stringify(result), () => process.exit())
