/** A real program on one worker and on two: the audit of effect's own source. */
import * as Effect from "effect/Effect"
import { audit, layer } from "../../../docs/examples/code-audit/program.ts"
import { Engine } from "../converge.ts"
import { type Benchmark, type Contender, ratio, value } from "../framework/definition.ts"
import { poolOf, startEngine, timed } from "../support/engine.ts"
import { type Stopwatch, timedPool } from "../support/timedPool.ts"

/** Relative, so that the job's hash does not depend on where the project lies. */
const entryOf = (isTiny: boolean): string => (isTiny ? "machines/job.machine.ts" : "node_modules/effect/dist/index.js")

const contender = (name: string, size: number, about: string): Contender => ({
  name,
  about,
  start: async (isTiny) => {
    const watch: Stopwatch = { ms: 0 }
    const engine = startEngine(timedPool(poolOf(size), watch))
    const job = Effect.provide(Engine.run(audit, { entry: entryOf(isTiny) }), layer)
    return {
      round: async () => {
        watch.ms = 0
        const [ms, { hash }] = await timed(() => engine.run(job))
        return { values: { span: watch.ms, job: ms }, result: hash }
      },
      stop: engine.stop
    }
  }
})

export const benchmark: Benchmark = {
  name: "audit",
  title: "The audit of effect's source",
  measures:
    "The example of docs/examples/code-audit over the whole of effect: files are read by fiber agents, parsed and analysed by CPU agents. The span is the time that the pool had tasks to run, added up over the cycles: from each call of `execute` to its last outcome, with what it takes to ship sources to the threads and findings back. Pools are warm; all contenders must end with the same hash.",
  notMeasured:
    "A machine with more than two cores. The main thread reads, merges and hashes while workers parse, so on two cores two workers never have both to themselves.",
  missed:
    "The sources of all modules travel to the workers, and what is parsed comes back as facts that the main thread reads, merges and hashes; with two cores, that thread competes with the workers for them. Inline, none of this is paid. More cores, larger modules, or facts that stay where they were made would change it.",
  rounds: 9,
  warmups: 1,
  warmupMs: 0,
  metrics: { span: { title: "span of the CPU agents", unit: "ms" }, job: { title: "the whole job", unit: "ms" } },
  contenders: [
    contender("one", 1, "effect-converge, one worker"),
    contender("two", 2, "effect-converge, two workers"),
    contender("inline", 0, "effect-converge, everything on the main thread")
  ],
  figures: [
    {
      name: "audit/span",
      title: "span of the CPU agents: one worker / two workers",
      unit: "ratio",
      better: "higher",
      bar: 1.5,
      aim: 1.9,
      ofRound: ratio("one", "two", "span")
    },
    {
      name: "audit/job-inline",
      title: "the whole job, inline",
      unit: "ms",
      better: "lower",
      ofRound: value("inline", "job")
    },
    {
      name: "audit/job-one",
      title: "the whole job, one worker",
      unit: "ms",
      better: "lower",
      ofRound: value("one", "job")
    },
    {
      name: "audit/job-two",
      title: "the whole job, two workers",
      unit: "ms",
      better: "lower",
      ofRound: value("two", "job")
    }
  ]
}
