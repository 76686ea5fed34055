/** A real program on one worker and on two: the audit of effect's own source. */
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { readdirSync } from "node:fs"
import { Worker } from "node:worker_threads"
import { audit, layer } from "../../../docs/examples/code-audit/program.ts"
import { Engine } from "../converge.ts"
import { type Benchmark, type Contender, ratio, value } from "../framework/definition.ts"
import { poolOf, startEngine, timed } from "../support/engine.ts"
import { type Stopwatch, timedPool } from "../support/timedPool.ts"

/** Relative, so that the job's hash does not depend on where the project lies. */
const entryOf = (isTiny: boolean): string => (isTiny ? "machines/job.machine.ts" : "node_modules/effect/dist/index.js")

/** Deals the files of a folder to some threads, one to each in turn. */
const dealt = (isTiny: boolean, size: number): ReadonlyArray<ReadonlyArray<string>> => {
  const folder = isTiny ? "machines" : "node_modules/effect/dist"
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(isTiny ? ".ts" : ".js"))
    .sort()
    .map((path) => `${folder}/${path}`)
  return Array.from({ length: size }, (_, thread) => paths.filter((_path, index) => index % size === thread))
}

/** Bare threads that parse texts which they hold: the only message to them is the word to begin. */
const bare = (name: string, size: number, about: string): Contender => ({
  name,
  about,
  computes: "parsed",
  start: async (isTiny) => {
    const workers = dealt(isTiny, size).map(
      (paths) =>
        new Worker(new URL("../peers/parseWorker.ts", import.meta.url), { workerData: { paths }, execArgv: [] })
    )
    const parse = async (worker: Worker): Promise<number> => {
      const answer = once(worker, "message")
      worker.postMessage(undefined)
      return Number((await answer)[0])
    }
    return {
      round: async () => {
        const [ms, found] = await timed(() => Promise.all(workers.map(parse)))
        return { values: { span: ms }, result: found.reduce((sum, count) => sum + count, 0) }
      },
      stop: async () => {
        await Promise.all(workers.map((worker) => worker.terminate()))
      }
    }
  }
})

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
  measures: [
    "The example of docs/examples/code-audit audits the whole of effect. Fiber agents read files; CPU agents parse and analyse them.",
    "The span is the time in which the pool had tasks to run, added up over the cycles. In each cycle it lasts from the call of `execute` to the last outcome, so it includes shipping sources to the threads and findings back.",
    "Pools are warm. All contenders of ours must end with the same hash."
  ],
  notMeasured:
    "A machine with more than two cores. On two cores, two workers never have both to themselves: the main thread reads, merges and hashes while they parse.",
  missed: [
    "One worker is not one core. The helpers of its garbage collector and V8's compiler use the other core, so a second worker has less than a core to gain.",
    "In a run of nine rounds with `--single-threaded-gc`, the medians of the cycles added up to 1,209 ms for one worker and 751 ms for two (1.61). Without that flag they added up to 1,012 and 728 ms (1.39). So the bar is met where one worker is slower, not where two are faster. Bare threads, which have no pool, scale as the figure for parsing alone says.",
    "A log of both threads shows the cycle with 143 sources:",
    "- Two workers begin their tasks after 28 and 34 ms, one worker after 46 ms. In this time sources are shipped.",
    "- The two workers end within 3 ms of one another.",
    "- The tasks themselves take 502 ms in two threads and 526 ms in one.",
    "Profiles show the shares of a busy worker's time:",
    "- 61 %: the parse agent",
    "- 10 %: garbage collection",
    "- 9 %: taking up its replica (each worker parses the text of every source)",
    "- 8 %: validation and encoding",
    "- 6 %: posting",
    "What would have to change: a parser that makes less garbage, or threads that share a heap."
  ],
  rounds: 9,
  warmups: 1,
  warmupMs: 0,
  metrics: { span: { title: "span of the CPU agents", unit: "ms" }, job: { title: "the whole job", unit: "ms" } },
  contenders: [
    contender("one", 1, "effect-converge, one worker"),
    contender("two", 2, "effect-converge, two workers"),
    contender("inline", 0, "effect-converge, everything on the main thread"),
    bare("bare-one", 1, "one bare thread that parses all files of effect, whose texts it holds"),
    bare("bare-two", 2, "two of them, which parse half of the files each")
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
      name: "audit/bare",
      title: "parsing alone, without a pool or a busy main thread: one bare thread / two",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("bare-one", "bare-two", "span")
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
