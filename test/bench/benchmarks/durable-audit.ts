/** The cost of durability to a real program: the audit of effect's own source with a journal, and without. */
import * as Effect from "effect/Effect"
import { audit, layer } from "../../../docs/examples/code-audit/program.ts"
import { Engine } from "../converge.ts"
import { type Benchmark, type Contender, ratio } from "../framework/definition.ts"
import { startDurable } from "../support/durable.ts"
import { type LiveEngine, poolOf, startEngine, timed } from "../support/engine.ts"

/** Relative, so that the job's hash does not depend on where the project lies. */
const entryOf = (isTiny: boolean): string => (isTiny ? "machines/job.machine.ts" : "node_modules/effect/dist/index.js")

const contender = (name: string, about: string, start: () => LiveEngine): Contender => ({
  name,
  about,
  start: async (isTiny) => {
    const engine = start()
    const job = Effect.provide(Engine.run(audit, { entry: entryOf(isTiny) }), layer)
    return {
      round: async () => {
        const [ms, { hash }] = await timed(() => engine.run(job))
        return { values: { job: ms }, result: hash }
      },
      stop: engine.stop
    }
  }
})

export const benchmark: Benchmark = {
  name: "durable-audit",
  title: "The audit of effect's source with a journal",
  measures: [
    "The example of docs/examples/code-audit over the whole of effect, from the job's start to its result. It runs with a journal on SQLite that is synced after every cycle (durability `full`), and in memory; on two workers, and with everything on the main thread.",
    "Pools are warm. All contenders must end with the same hash."
  ],
  notMeasured: "A machine with more than two cores, where the thread that writes has a core to itself.",
  rounds: 9,
  warmups: 1,
  warmupMs: 0,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  contenders: [
    contender("durable", "two workers, durability `full`", () => startDurable("full", poolOf(2))),
    contender("memory", "two workers, in memory", () => startEngine(poolOf(2))),
    contender("durable-inline", "everything on the main thread, durability `full`", () => startDurable("full")),
    contender("memory-inline", "everything on the main thread, in memory", () => startEngine())
  ],
  figures: [
    {
      name: "durable-audit/overhead",
      title: "durable / in memory, two workers",
      unit: "ratio",
      better: "lower",
      bar: 1.15,
      ofRound: ratio("durable", "memory", "job")
    },
    {
      name: "durable-audit/overhead-inline",
      title: "durable / in memory, everything on the main thread",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("durable-inline", "memory-inline", "job")
    }
  ]
}
