/** Whether jobs leave memory behind. */
import type { RssInput, RssResult } from "../children/rss.ts"
import { runChild } from "../framework/child.ts"
import { type Benchmark, type Contender, value } from "../framework/definition.ts"
import { manyExpected } from "../programs/many.ts"

const inputOf = (isTiny: boolean, collectEvery = Infinity): RssInput => ({
  ...(isTiny ? { jobs: 6, first: 3, facts: 50 } : { jobs: 200, first: 50, facts: 1_000 }),
  ...(collectEvery === Infinity ? {} : { collectEvery })
})

const contender = (name: string, about: string, flags: ReadonlyArray<string>, collectEvery?: number): Contender => ({
  name,
  about,
  start: async (isTiny) => ({
    round: async () => {
      const { grownMb, heapGrownMb, peakGrownMb, results, youngMb } = await runChild<RssResult>(
        "rss.ts",
        inputOf(isTiny, collectEvery),
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
    "Nothing is kept: after a collection the heap is as large after 200 jobs as after 50 (its growth stands in the table). What grows is what V8 keeps: its young generation, which doubles while much survives (67 MB of the growth, as its heap statistics say), and the pages of its old one that it has freed and pools (22 MB after 50 jobs and 52 MB after 200 in a run with a small young generation, as its trace says), which it does not give back at a collection. So with a young generation of a fixed size, and a collector that runs before much has piled up, resident memory stands still, as the figure beside it shows. Both are the process's to decide, not a library's: `--max-semi-space-size`, a heap limit, or NODE_OPTIONS for a server.",
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
    contender(
      "bounded",
      "the same, in a process with `--max-semi-space-size=8` that collects after every tenth job",
      ["--max-semi-space-size=8"],
      10
    )
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
      title: "the same where the young generation may not grow and the collector runs after every tenth job",
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
