/** The memory of a live job that waits. */
import type { IdleInput, IdleResult } from "../children/idleJobs.ts"
import { runChild } from "../framework/child.ts"
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"

const jobsOf = (isTiny: boolean) => (isTiny ? 50 : 10_000)

const contender = (how: IdleInput["how"], about: string): Contender => ({
  name: how,
  about,
  start: async (isTiny) => ({
    round: async () => {
      const input: IdleInput = { jobs: jobsOf(isTiny), how }
      const { heapKb, live, rssKb } = await runChild<IdleResult>("idleJobs.ts", input, ["--expose-gc"])
      return { values: { heap: heapKb, rss: rssKb }, result: live }
    }
  })
})

export const benchmark: Benchmark = {
  name: "idle-jobs",
  title: `The memory of ${count(jobsOf(false))} live jobs`,
  measures: `A process of its own starts ${count(jobsOf(false))} jobs on one engine and lets them wait. The figure is the heap in use after full collections, less that of the same engine with one job, divided by the jobs.`,
  notMeasured: "The memory of a job's facts: these jobs have none.",
  rounds: 3,
  warmups: 0,
  warmupMs: 0,
  metrics: {
    heap: { title: "heap a job", unit: "kB" },
    rss: { title: "resident memory a job", unit: "kB" }
  },
  contenders: [
    contender("waiting", "a fiber agent that waits for a Deferred"),
    contender("paused", "a job that was paused after it had started")
  ],
  expected: (isTiny) => ({ "": jobsOf(isTiny) }),
  figures: [
    {
      name: "idle-jobs/heap",
      title: "heap of a job that waits",
      unit: "kB",
      better: "lower",
      bar: 16,
      aim: 8,
      ofRound: value("waiting", "heap")
    },
    {
      name: "idle-jobs/heap-paused",
      title: "heap of a job that is paused",
      unit: "kB",
      better: "lower",
      bar: 16,
      aim: 8,
      ofRound: value("paused", "heap")
    }
  ]
}
