/** Whether jobs leave memory behind. */
import type { RssInput, RssResult } from "../children/rss.ts"
import { runChild } from "../framework/child.ts"
import { type Benchmark, type Contender, value } from "../framework/definition.ts"
import { manyExpected } from "../programs/many.ts"

const inputOf = (isTiny: boolean): RssInput =>
  isTiny ? { jobs: 6, first: 3, facts: 50 } : { jobs: 200, first: 50, facts: 1_000 }

const contender = (name: string, about: string, flags: ReadonlyArray<string>): Contender => ({
  name,
  about,
  start: async (isTiny) => ({
    round: async () => {
      const { grownMb, heapGrownMb, peakGrownMb, results, youngMb } = await runChild<RssResult>(
        "rss.ts",
        inputOf(isTiny),
        ["--expose-gc", ...flags]
      )
      return { values: { grown: grownMb, peak: peakGrownMb, heap: heapGrownMb, young: youngMb }, result: results }
    }
  })
})

export const benchmark: Benchmark = {
  name: "rss",
  title: "The memory of 200 jobs in sequence",
  measures:
    "A process of its own runs 200 jobs of 1,000 facts, one after the other, on one engine with two threads; each job's facts are shipped to a worker and summed there. Resident memory of the process, threads included, after a full collection on the main thread: after the last job, less after the fiftieth. The peak is read after each job, without any collection of ours.",
  notMeasured: "Jobs side by side, and hours (npm run soak is for minutes).",
  missed:
    "Nothing is kept: after a collection the heap is as large after 200 jobs as after 50 (its growth stands in the table). Resident memory follows V8's heap, which grows while jobs allocate faster than it collects, and whose free pages V8 keeps. A smaller young generation or a heap limit moves it; the library cannot.",
  rounds: 3,
  warmups: 0,
  warmupMs: 0,
  metrics: {
    grown: { title: "resident memory after job 200 less after job 50", unit: "MB" },
    peak: { title: "its peak until job 200 less until job 50", unit: "MB" },
    young: { title: "V8's young generation on the main thread after job 200 less after job 50", unit: "MB" },
    heap: { title: "heap of the main thread after job 200 less after job 50", unit: "MB" }
  },
  contenders: [
    contender("ours", "effect-converge, a pool of two threads", []),
    contender("bounded", "the same, in a process with `--max-semi-space-size=8`", ["--max-semi-space-size=8"])
  ],
  expected: (isTiny) => ({ "": [manyExpected(inputOf(isTiny).facts)] }),
  figures: [
    {
      name: "rss/growth",
      title: "growth of resident memory after the first 50",
      unit: "MB",
      better: "lower",
      bar: 5,
      aim: 0,
      ofRound: value("ours", "grown")
    },
    {
      name: "rss/growth-bounded",
      title: "the same with a young generation that may not grow",
      unit: "MB",
      better: "lower",
      ofRound: value("bounded", "grown")
    },
    {
      name: "rss/peak-growth",
      title: "growth of its peak after the first 50",
      unit: "MB",
      better: "lower",
      ofRound: value("ours", "peak")
    }
  ]
}
